"""P7: asked to stop under load, the server says at once that it is not ready, ends in time, and owes nobody an answer."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from tests.soak.crash import WORDS, drained, everything_shown, pending
from tests.soak.doors import PostedDoor, SocketDoor
from tests.soak.evidence import Ledger, look, tag, tagged
from tests.soak.server import status
from tests.soak.slow_model import HELD
from tests.soak.stage import Stage

ENDS_WITHIN_S = 25.0


@dataclass
class Stopping:
    events: int = 0
    not_ready_ms: float = 0.0  # until readiness answers 503
    ended_s: float = 0.0
    exit_code: int | None = None
    left_for_the_next: int = 0  # accepted and not answered when it ended
    faults: dict[str, float | str] = field(default_factory=dict)


async def stopping(stage: Stage, conversations: int, load_s: float, within_s: float = ENDS_WITHIN_S) -> Stopping:
    """Customers talk on and on, one turn takes longer than a stopping server waits; then SIGTERM, then a new start."""
    ledger, over = Ledger(), asyncio.Event()
    stage.model.held.clear()
    doors = [await stage.socket(2.0) if n % 2 else await stage.posted(stream=n % 4 == 0, patience_s=2.0)
             for n in range(conversations)]
    held = await stage.socket(2.0)
    talks = [asyncio.create_task(_talk(door, n, ledger, over)) for n, door in enumerate(doors)]
    try:
        ledger.sent[held.conversation_id] = [name := tag(conversations, 0)]
        await held.deliver(name, tagged(HELD, conversations, 0))
        ledger.acknowledged.add(name)
        await asyncio.sleep(load_s)
        found = await _stop(stage, within_s)
        found.left_for_the_next = await pending(stage.engine)
        stage.model.held.set()
        await stage.server.start()
        over.set()
        await asyncio.gather(*talks)
        await drained(stage.engine)
        await everything_shown([*doors, held], stage.engine)
    finally:
        for task in talks:
            task.cancel()
        for door in (*doors, held):
            await door.close()
    finding = await look(stage.engine, ledger, [*doors, held])
    found.events = ledger.count
    found.faults |= finding.faults
    return found


async def _stop(stage: Stage, within_s: float) -> Stopping:
    began = time.monotonic()
    stage.server.ask_to_stop()
    answers, seen = [], 0.0
    while not seen and time.monotonic() - began < within_s:
        answers.append(await status(stage.session, f"{stage.server.url}/readyz"))
        if answers[-1] != 200:
            seen = time.monotonic() - began
    found = Stopping(not_ready_ms=seen * 1000)
    if answers[-1] != 503:
        found.faults["readiness"] = f"{answers[-1]} instead of 503"
    try:
        found.exit_code = await stage.server.exit_code(within_s - (time.monotonic() - began))
    except TimeoutError:
        found.faults["still there"] = within_s
        await stage.server.kill()
    found.ended_s = time.monotonic() - began
    if found.exit_code != 0:
        found.faults["exit code"] = str(found.exit_code)
    return found


async def _talk(door: SocketDoor | PostedDoor, number: int, ledger: Ledger, over: asyncio.Event) -> None:
    sent, chance = ledger.sent.setdefault(door.conversation_id, []), random.Random(number)
    while not over.is_set():
        name = tag(number, len(sent))
        ledger.before[name] = frozenset(sent)
        sent.append(name)
        await door.deliver(name, tagged(chance.choice(WORDS), number, len(sent) - 1))
        ledger.acknowledged.add(name)
