"""Whether a turn takes longer in a conversation of 20,000 events than in one of 100, over both doors, and after a person
had it for a while.

Run: `python -m benchmarks.long_conversations [--turns 30] [--json]`. The histories are written into the store before the
server starts. The sizes take turns, so that what else the machine does meets all of them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.customers import RestCustomer, SocketCustomer
from benchmarks.demo_folder import copy_of, demo_folder
from benchmarks.server_process import ServerProcess
from bot.channels.tokens import conversation_token
from bot.domain import events as ev
from bot.domain.tracker import Tracker
from bot.serving import read_secret
from bot.stores import database
from bot.stores.sql import SqlTrackerStore
from knowledge import db
from knowledge.config import load_knowledge_settings

SIZES = (100, 2_000, 20_000)
SAID = ("hello", "how long does shipping take?", "thanks a lot", "what can you do?")
ROUNDS = 3
PAGE = 1000  # events written at once


def name_of(size: int, handed_over: bool, door: str) -> str:
    return f"long-{size}-{'person' if handed_over else 'bot'}-{door}"


async def write_histories(folder: Path) -> None:
    """One conversation per size, door, and with or without a person in its middle."""
    engine = database.open_engine(db.database_url(folder, load_knowledge_settings(folder)))
    await database.bring_up_to_date(engine)
    store = SqlTrackerStore(engine)
    for size in SIZES:
        for handed_over in (False, True):
            for door in ("rest", "socket"):
                await _write(store, name_of(size, handed_over, door), _history(size, handed_over))
    await engine.dispose()


def _history(size: int, handed_over: bool) -> list[ev.Event]:
    """What turns like these leave: heard, done, said; in the middle a person, where one was there."""
    turn = (ev.UserUttered("hello", "", "greet", 0.98, [], [{"name": "Chitchat", "topic": "greet"}], [], "rest"),
            ev.ActionExecuted("action_small_talk", 0.2),
            ev.BotUttered("Hello! What can I do for you?", {"custom": {"responses": ["utter_greet"]}}))
    person = (ev.HandoffRequested("asked for a person", "The customer wants a person."), ev.AgentJoined("Mia"),
              ev.AgentUttered("Good morning, I am Mia.", "Mia"), ev.HandoffEnded("agent"))
    found: list[ev.Event] = [ev.SessionStarted("rest")]
    while len(found) < size:
        found += person if handed_over and size // 2 <= len(found) < size // 2 + len(turn) else turn
    return found[:size]


async def _write(store: SqlTrackerStore, name: str, events: Sequence[ev.Event]) -> None:
    tracker, at = Tracker(name), time.time() - 86_400
    for start in range(0, len(events), PAGE):
        stamped = [ev.Stamped(start + n, at, event) for n, event in enumerate(events[start:start + PAGE], 1)]
        for one in stamped:
            tracker.apply(one)
        await store.commit(name, start, stamped, tracker)


async def measure(server: ServerProcess, secret: bytes, turns: int) -> list[dict[str, Any]]:
    """A row per size, door, and with or without a person."""
    wanted = [(size, person, door) for person in (False, True) for door in ("socket", "rest") for size in SIZES]
    times: dict[tuple[int, bool, str], list[float]] = {key: [] for key in wanted}
    cpu = dict.fromkeys(wanted, 0.0)
    async with aiohttp.ClientSession() as session:
        customers = {key: await _customer(session, server, secret, *key) for key in wanted}
        for text in SAID:
            await next(iter(customers.values())).say(text)  # warm
        for _ in range(ROUNDS):
            for key, customer in customers.items():
                before = server.cpu_s()
                times[key] += [(await customer.say(SAID[n % len(SAID)])).ms for n in range(turns)]
                cpu[key] += server.cpu_s() - before
        for customer in customers.values():
            await customer.leave()
    return [{"events": size, "door": door, "after_a_person": person, "mean_ms": float(np.mean(times[size, person, door])),
             "p50_ms": float(np.median(times[size, person, door])),
             "cpu_ms": cpu[size, person, door] * 1000 / (turns * ROUNDS)} for size, person, door in wanted]


async def _customer(session: aiohttp.ClientSession, server: ServerProcess, secret: bytes, size: int, person: bool,
                    door: str) -> SocketCustomer | RestCustomer:
    name = name_of(size, person, door)
    if door == "rest":
        return RestCustomer(session, server.url, name, None)
    customer = SocketCustomer(session, server.url, name, None)
    await customer.enter(name, conversation_token(secret, name), after=size)
    return customer


def run(turns: int) -> list[dict[str, Any]]:
    folder = copy_of(demo_folder(), "long")
    asyncio.run(write_histories(folder))
    secret = read_secret(folder)
    with ServerProcess(folder) as server:
        return asyncio.run(measure(server, secret, turns))


def growth(rows: Sequence[dict[str, Any]], key: str = "p50_ms") -> float:
    """The longest conversations' time over the shortest ones', both doors, with and without a person: 1 is flat."""
    longest, shortest = ([row[key] for row in rows if row["events"] == size] for size in (max(SIZES), min(SIZES)))
    return float(sum(longest) / sum(shortest))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--turns", type=int, default=30, help="per conversation and round")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    rows = run(arguments.turns)
    print(json.dumps(rows)) if arguments.json else print_table(rows, Console(width=140))


def print_table(rows: Sequence[dict[str, Any]], console: Console) -> None:
    table = Table("events", "door", "a person had it", "mean ms", "p50 ms", "server CPU ms per turn")
    for row in rows:
        table.add_row(f"{row['events']:,}", row["door"], "yes" if row["after_a_person"] else "no",
                      *(f"{row[key]:.1f}" for key in ("mean_ms", "p50_ms", "cpu_ms")))
    console.print(table)
    console.print(f"longest over shortest: p50 {growth(rows):.2f}, CPU {growth(rows, 'cpu_ms'):.2f}")


if __name__ == "__main__":
    main()
