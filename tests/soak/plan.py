"""The runs, long as promised and short for the test suite: which scenario with which figures, on which database.

What is run is the same code; only the figures differ.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.soak.crash import crash
from tests.soak.dropped import dropped, slow_reader
from tests.soak.duplicates import duplicates
from tests.soak.order import order
from tests.soak.overload import MODEL_S, TURNS, overload
from tests.soak.place import Place
from tests.soak.stage import Progress, silent, stage
from tests.soak.stopping import stopping


@dataclass(frozen=True)
class Figures:
    """How much of everything."""

    crash_events: int
    crash_conversations: int
    kills: int
    duplicates: int  # events, each through three doors
    order_conversations: int
    order_each: int
    held_s: float
    cuts: int
    cut_conversations: int
    stop_conversations: int
    load_s: float
    drain_s: str
    overload_rounds: int


LONG = Figures(crash_events=5000, crash_conversations=50, kills=50, duplicates=20, order_conversations=100,
               order_each=20, held_s=30.0, cuts=1000, cut_conversations=50, stop_conversations=30, load_s=5.0,
               drain_s="20", overload_rounds=5)
SHORT = Figures(crash_events=300, crash_conversations=15, kills=5, duplicates=2, order_conversations=12, order_each=5,
                held_s=0.0, cuts=40, cut_conversations=10, stop_conversations=6, load_s=0.5, drain_s="2",
                overload_rounds=1)
TURN_S = {"TIMEOUTS__TURN_S": "600", "TIMEOUTS__LLM_S": "600"}  # a turn that is held must not be given up


@dataclass(frozen=True)
class Outcome:
    promises: str
    scenario: str
    figures: dict[str, Any]
    faults: dict[str, Any]


async def run_crash(place: Place, log: Path, how: Figures, progress: Progress = silent) -> Outcome:
    found = await crash(place, log, events=how.crash_events, conversations=how.crash_conversations, kills=how.kills,
                        progress=progress)
    figures = asdict(found) | {"ready_s": [round(s, 2) for s in found.ready_s]}
    return Outcome("P1 P2", "crash", figures, found.faults)


async def run_duplicates(place: Place, log: Path, how: Figures, progress: Progress = silent) -> Outcome:
    async with stage(place, log) as on:
        found = await duplicates(on, how.duplicates)
    return Outcome("P3 P10", "duplicates", asdict(found), found.faults)


async def run_order(place: Place, log: Path, how: Figures, progress: Progress = silent) -> Outcome:
    async with stage(place, log, TURN_S) as on:
        found = await order(on, how.order_conversations, how.order_each, how.held_s, progress)
    return Outcome("P4", "order", asdict(found), found.faults)


async def run_stopping(place: Place, log: Path, how: Figures, progress: Progress = silent) -> Outcome:
    async with stage(place, log, TURN_S | {"SERVER__DRAIN_S": how.drain_s}) as on:
        found = await stopping(on, how.stop_conversations, how.load_s)
    return Outcome("P7", "stopping", asdict(found), found.faults)


async def run_overload(place: Place, log: Path, how: Figures, progress: Progress = silent) -> Outcome:
    async with stage(place, log, TURN_S | {"LIMITS__TURNS": str(TURNS)}, lambda _: MODEL_S) as on:
        found = await overload(on, how.overload_rounds, progress)
    return Outcome("P8", "overload", asdict(found), found.faults)


async def run_dropped(place: Place, log: Path, how: Figures, progress: Progress = silent) -> Outcome:
    async with stage(place, log) as on:
        found = await dropped(on, how.cut_conversations, how.cuts, progress)
        found.slow_reader_messages, found.slow_reader_mb = await slow_reader(on)
    return Outcome("P9", "dropped", asdict(found), found.faults)


async def run_steady(place: Place, log: Path, how: Figures, progress: Progress = silent) -> Outcome:
    """What needs no settings of its own, one after the other on one server: the suite has no time for more starts."""
    figures: dict[str, Any] = {}
    faults: dict[str, Any] = {}
    async with stage(place, log, TURN_S | {"SERVER__DRAIN_S": how.drain_s}) as on:
        for found in (await order(on, how.order_conversations, how.order_each, how.held_s, progress),
                      await dropped(on, how.cut_conversations, how.cuts, progress),
                      await duplicates(on, how.duplicates),
                      await stopping(on, how.stop_conversations, how.load_s)):
            name = type(found).__name__.lower()
            figures[name] = asdict(found)
            faults |= {f"{name}: {fault}": count for fault, count in found.faults.items()}
        figures["slow_reader"] = await slow_reader(on)
    return Outcome("P3 P4 P7 P9 P10", "steady", figures, faults)


SCENARIOS = {"crash": run_crash, "duplicates": run_duplicates, "order": run_order, "stopping": run_stopping,
             "overload": run_overload, "dropped": run_dropped}
IN_THE_SUITE = {"crash": run_crash, "steady": run_steady, "overload": run_overload}

