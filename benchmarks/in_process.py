"""Turns per second, latency, what a turn is spent on, and memory: shop traffic against the engine, in process.

Run: `python -m benchmarks.turns --in-process [--conversations 84] [--repeat 5] [--big] [--json]`. Every repetition is a
process of its own on a fresh copy of the store, and plays traffic (`benchmarks.traffic`) twice: one conversation at a
time, and fifty at a time with other orders. Figures are medians over the repetitions, the quietest run beside them; the
first turns warm up and do not count. `--big` takes the shop that `benchmarks.ingest_speed` has made.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.demo_folder import ROOT, copy_of, demo_folder
from benchmarks.machine import Stretch, peak_mb, resident_mb
from benchmarks.traffic import ANSWERS, MAX_ANSWERS, Conversation, traffic
from bot.bootstrap import Shop, open_shop
from bot.domain.message import InboundMessage, OutboundMessage
from bot.observer import LogObserver

WARM_UP = ("hello", "how long does shipping take?", "a waterproof jacket under 200", "where is my order?", "thanks")
AT_A_TIME = 50
STAGES = ("retrieve", "understand", "act", "say", "commit")


@dataclass
class Tally:
    """Milliseconds per turn by kind of conversation, and how many requests ended in a write."""

    times: dict[str, list[float]] = field(default_factory=dict)
    requests: int = 0
    served: int = 0

    @property
    def all(self) -> list[float]:
        return [t for times in self.times.values() for t in times]


async def play(shop: Shop, conversation: Conversation, name: str, tally: Tally) -> None:
    """Say the opening lines, then answer what is asked."""
    replies: tuple[OutboundMessage, ...] = ()
    for line in conversation.opening:
        replies = await _turn(shop, conversation, name, line, tally)
    for _ in range(MAX_ANSWERS if conversation.request else 0):
        asked = str(replies[-1].custom.get("requested_slot", "")) if replies else ""
        if asked not in ANSWERS:
            break
        replies = await _turn(shop, conversation, name, ANSWERS[asked], tally)
        if asked == "confirmation":
            tally.served += any("done" in str(r) for m in replies for r in m.custom.get("responses", ()))
            break
    tally.requests += conversation.request


async def _turn(shop: Shop, conversation: Conversation, name: str, text: str,
                tally: Tally) -> tuple[OutboundMessage, ...]:
    times = tally.times.setdefault(conversation.kind, [])
    message = InboundMessage(name, text, uuid.uuid4().hex, customer_id=conversation.customer_id)
    start = time.perf_counter()
    replies = await shop.inbox.receive(message)
    times.append((time.perf_counter() - start) * 1000)
    return replies


async def play_all(shop: Shop, conversations: Sequence[Conversation], prefix: str, at_a_time: int) -> dict[str, Any]:
    """All of them, so many at a time; figures of the whole."""
    tally, gate, before = Tally(), asyncio.Semaphore(at_a_time), _stages(shop)

    async def one(place: int, conversation: Conversation) -> None:
        async with gate:
            await play(shop, conversation, f"{prefix}-{place}", tally)

    with Stretch() as stretch:
        await asyncio.gather(*(one(place, conversation) for place, conversation in enumerate(conversations)))
    turns = len(tally.all)
    spent = {stage: (total - before.get(stage, 0.0)) / turns for stage, total in _stages(shop).items()}
    p50, p95, p99 = np.percentile(tally.all, [50, 95, 99])
    return {"turns": turns, "turns_per_s": turns / stretch.wall_s, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
            "cpu_ms_per_turn": stretch.cpu_s * 1000 / turns, "wall_over_cpu": stretch.wall_s / stretch.cpu_s,
            "stages": {stage: spent[stage] for stage in STAGES if stage in spent},
            "other_ms": float(np.mean(tally.all)) - sum(spent.values()), "mean_ms": float(np.mean(tally.all)),
            "kinds": {kind: statistics.median(times) for kind, times in sorted(tally.times.items())},
            "requests": tally.requests, "served": tally.served}


def _stages(shop: Shop) -> dict[str, float]:
    observer = shop.engine.observer
    return dict(observer.stage_ms) if isinstance(observer, LogObserver) else {}


async def once(folder: Path, conversations: Sequence[Conversation]) -> dict[str, Any]:
    """One repetition in this process: the first half one at a time, the second fifty at a time."""
    count = len(conversations) // 2
    bare = resident_mb()
    async with await open_shop(folder) as shop:
        opened = resident_mb()
        warm = Tally()
        await play(shop, Conversation("warm-up", WARM_UP), "warm-up", warm)
        single = await play_all(shop, conversations[:count], "single", 1)
        several = await play_all(shop, conversations[count:], "several", AT_A_TIME)
        failed = getattr(shop.engine.observer, "failed", 0)
    return {"one": single, "fifty": several, "failed_turns": failed,
            "memory_mb": {"imported": bare, "opened": opened, "at most": peak_mb()}}


def medians(runs: Sequence[Any]) -> Any:
    """The median of every number in documents of one shape."""
    first = runs[0]
    if isinstance(first, dict):
        return {key: medians([run[key] for run in runs]) for key in first}
    return round(float(statistics.median(runs)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--conversations", type=int, default=84, help="in each of the two parts")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--big", action="store_true", help="20,000 products, 100,000 orders")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    folder, source = _shop(arguments.big)
    if arguments.once:
        conversations = [Conversation(**row) for row in json.load(sys.stdin)]
        print(json.dumps(asyncio.run(once(copy_of(folder, "turns"), conversations))))
        return
    # Thought out here, so that the rows it takes are not in the memory that is measured.
    said = json.dumps([asdict(conversation) for conversation in traffic(source, 2 * arguments.conversations)])
    command = [sys.executable, "-m", "benchmarks.in_process", "--once", *(["--big"] if arguments.big else [])]
    runs = []
    for _ in range(arguments.repeat):
        done = subprocess.run(command, cwd=ROOT, input=said, stdout=subprocess.PIPE, text=True, check=True)
        runs.append(json.loads(done.stdout))
    quietest = min(runs, key=lambda run: float(run["one"]["wall_over_cpu"]))
    figures = {"median": medians(runs), "quietest": medians([quietest]), "runs": len(runs)}
    print(json.dumps(figures)) if arguments.json else print_tables(figures, Console(width=140))


def _shop(big: bool) -> tuple[Path, Path]:
    """Its folder, and that of the native files it was made from."""
    if not big:
        return demo_folder(), demo_folder() / "source"
    from benchmarks.big_shop import big_source
    from benchmarks.ingest_speed import big_store

    return big_store(), big_source()


def print_tables(figures: dict[str, Any], console: Console) -> None:
    table = Table("conversations at a time", "", "turns", "turns/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms/turn",
                  "wall/CPU", "requests served", title=f"{figures['runs']} repetitions")
    columns = ("turns_per_s", "p50_ms", "p95_ms", "p99_ms", "cpu_ms_per_turn", "wall_over_cpu")
    for part in ("one", "fifty"):
        for name in ("median", "quietest"):
            of = figures[name][part]
            table.add_row(part, name, f"{of['turns']:.0f}", *(f"{of[key]:.1f}" for key in columns),
                          f"{of['served']:.0f}/{of['requests']:.0f}")
    console.print(table)
    for name in ("median", "quietest"):
        of = figures[name]["one"]
        stages = of["stages"] | {"other": of["other_ms"]}
        parts = ", ".join(f"{stage} {ms:.1f} ({ms / of['mean_ms']:.0%})" for stage, ms in stages.items())
        console.print(f"{name}, one at a time, mean ms of a turn: {of['mean_ms']:.1f} = {parts}")
    kinds = figures["median"]["one"]["kinds"]
    console.print("median ms by kind: " + ", ".join(f"{kind} {ms:.0f}" for kind, ms in kinds.items()))
    memory = figures["median"]["memory_mb"]
    console.print("memory MB: " + ", ".join(f"{k} {v:.0f}" for k, v in memory.items())
                  + f"; failed turns {figures['median']['failed_turns']:.0f}")


if __name__ == "__main__":
    main()
