"""P1 and P2: events through every door while the server is killed again and again; then a drain, and the books."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import schema
from tests.soak.doors import Door, PostedDoor, RestDoor, Sent, SocketDoor, begin
from tests.soak.evidence import Finding, Ledger, look, tag, tagged
from tests.soak.place import Place
from tests.soak.server import Server
from tests.soak.slow_model import SlowModel
from tests.soak.stage import Progress, silent

WORDS = ("hello", "thanks a lot", "that's great", "good morning", "what can you do?", "hi there", "thanks, bye")
UP_S = (0.2, 3.0)  # between two kills the server is up so long
# Turns that took longer are given up by their caller, and resumed; as short as that is still many times a usual turn.
SETTINGS = {"SHOPCLERK__TIMEOUTS__TURN_S": "5"}
DRAINED_S = 120.0


@dataclass
class Crash:
    """The figures of one run."""

    kills: int = 0
    finding: Finding = field(default_factory=Finding)
    attempts: int = 0
    seconds: float = 0.0
    ready_s: list[float] = field(default_factory=list)
    before_last_kill: int = 0  # events acknowledged until then
    accepted_first: int = 0  # at a kill: messages kept and not answered yet, summed over the kills
    exit_code: int | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, Any]:
        return self.finding.faults | ({} if self.exit_code == 0 else {"exit_code": self.exit_code})


@dataclass
class _Pace:
    """No conversation runs ahead of the kills: events are let go in proportion, so that the last kill meets the last."""

    kills: int
    each: int  # events per conversation
    done: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def allow(self, number: int) -> None:
        while number >= self.each * (self.done + 1) / (self.kills + 1):
            await self.moved.wait()

    def killed(self) -> None:
        self.done += 1
        self.moved.set()
        self.moved = asyncio.Event()


async def crash(place: Place, log: Path, *, events: int, conversations: int, kills: int, seed: int = 1,
                progress: Progress = silent) -> Crash:
    """Raises NeverReady when the server does not come back."""
    chance, began, found = random.Random(seed), time.monotonic(), Crash()
    async with SlowModel() as model, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session, \
            place.opened() as engine:
        server, sent, ledger, doors = Server(place, log, SETTINGS), Sent(), Ledger(), list[Door]()
        try:
            await server.start()
            doors += [await _door(session, server.url, number, sent) for number in range(conversations)]
            pace = _Pace(kills, events // conversations)
            customers = asyncio.gather(*(_customer(door, number, pace, ledger, random.Random(seed * 1000 + number))
                                         for number, door in enumerate(doors)))
            for _ in range(kills):
                await asyncio.wait({customers}, timeout=chance.uniform(*UP_S))
                await server.kill()
                found.accepted_first += await pending(engine)
                found.before_last_kill = len(ledger.acknowledged)
                found.kills += 1
                pace.killed()
                server.more = SETTINGS | (model.settings if found.kills % 2 else {})
                await server.start()
                progress("kills", found.kills, kills)
            await customers
            await drained(engine)
            await everything_shown(doors, engine)
            found.exit_code = await server.stop()
        finally:
            await server.close()
            for door in doors:
                await door.close()
        found.finding = await look(engine, ledger, doors)
        found.attempts, found.ready_s = sent.attempts, server.ready_s
        found.errors = server.faults()
    found.seconds = time.monotonic() - began
    return found


async def _door(session: aiohttp.ClientSession, url: str, number: int, sent: Sent) -> Door:
    """Half of the customers have a socket, the others share the three other doors."""
    kind = number % 6
    if kind == 1:
        return RestDoor(session, url, f"soak-{number}", sent)
    conversation_id, token = await begin(session, url)
    if kind in (3, 5):
        return PostedDoor(session, url, conversation_id, token, sent, stream=kind == 5)
    return SocketDoor(session, url, conversation_id, token, sent)


async def _customer(door: Door, number: int, pace: _Pace, ledger: Ledger, chance: random.Random) -> None:
    """Says one to four things at a time, and goes on as soon as they are acknowledged."""
    sent, said = ledger.sent.setdefault(door.conversation_id, []), 0

    async def deliver(name: str, text: str) -> None:
        await door.deliver(name, text)
        ledger.acknowledged.add(name)

    while said < pace.each:
        await pace.allow(said)
        burst = min(chance.choice((1, 1, 2, 3, 4)), pace.each - said)
        before = frozenset(t for t in sent if t in ledger.acknowledged)
        names = [tag(number, said + n) for n in range(burst)]
        sent += names
        ledger.before |= dict.fromkeys(names, before)
        await asyncio.gather(*(deliver(name, tagged(chance.choice(WORDS), number, said + n))
                               for n, name in enumerate(names)))
        said += burst


async def pending(engine: AsyncEngine) -> int:
    """Messages accepted and not answered."""
    query = select(func.count()).select_from(schema.inbox).where(schema.inbox.c.reply == "")
    async with engine.connect() as connection:
        return int((await connection.execute(query)).scalar_one())


async def drained(engine: AsyncEngine, within_s: float = DRAINED_S, left: int = 0) -> None:
    """Until no more than `left` messages wait, or it is clear that they will not be answered: the books show it then."""
    until = time.monotonic() + within_s
    while await pending(engine) > left and time.monotonic() < until:  # noqa: ASYNC110 - another process answers
        await asyncio.sleep(0.2)


async def everything_shown(doors: Sequence[Any], engine: AsyncEngine) -> None:
    """Until each socket has been told of the last event."""
    query = select(schema.conversations.c.id, schema.conversations.c.seq)
    async with engine.connect() as connection:
        ends = {row.id: row.seq for row in await connection.execute(query)}
    waits = [door.caught_up(ends[door.conversation_id]) for door in doors
             if hasattr(door, "caught_up") and door.conversation_id in ends]
    await asyncio.gather(*waits, return_exceptions=True)
