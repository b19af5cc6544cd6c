"""P4: first come, first answered within a conversation; a turn that takes half a minute holds up no other one."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from tests.soak.crash import WORDS, drained, everything_shown, pending
from tests.soak.doors import SocketDoor
from tests.soak.evidence import Ledger, look, tag, tagged
from tests.soak.slow_model import HELD
from tests.soak.stage import Progress, Stage, silent

PAUSE_S = 0.3


@dataclass
class Order:
    events: int = 0
    turns: int = 0
    others_done_s: float = 0.0  # all other conversations answered, while one turn was held
    held_s: float = 0.0
    waiting_behind: int = 0  # messages kept behind the held turn
    faults: dict[str, int] = field(default_factory=dict)


async def order(stage: Stage, conversations: int, each: int, held_s: float, progress: Progress = silent) -> Order:
    """Everybody sends without waiting for answers; the first conversation's first turn is held meanwhile."""
    ledger, chance, began = Ledger(), random.Random(4), time.monotonic()
    doors = [await stage.socket() for _ in range(conversations)]
    try:
        first, *others = [asyncio.create_task(_talk(door, n, each, ledger, random.Random(chance.random())))
                          for n, door in enumerate(doors)]
        for number, talk in enumerate(others, 2):
            await talk
            progress("conversations", number, conversations)
        await first  # acknowledged, every word of it: what waits is kept
        await drained(stage.engine, left=each)
        done_s = time.monotonic() - began
        await asyncio.sleep(max(0.0, held_s - done_s))
        waiting, held = await pending(stage.engine), time.monotonic() - began
        stage.model.held.set()
        await drained(stage.engine)
        await everything_shown(doors, stage.engine)
    finally:
        for door in doors:
            await door.close()
    finding = await look(stage.engine, ledger, doors)
    held_up = {} if waiting == each else {"not waiting behind the held turn": each - waiting}
    return Order(ledger.count, finding.turns, done_s, held, waiting, finding.faults | held_up)


async def _talk(door: SocketDoor, number: int, each: int, ledger: Ledger, chance: random.Random) -> None:
    names, sending = [tag(number, n) for n in range(each)], list[asyncio.Task[None]]()
    ledger.sent[door.conversation_id] = names
    ledger.before |= {name: frozenset(names[:n]) for n, name in enumerate(names)}
    for n, name in enumerate(names):
        words = HELD if number == n == 0 else chance.choice(WORDS)
        sending.append(asyncio.create_task(door.deliver(name, tagged(words, number, n))))
        await asyncio.sleep(chance.uniform(0, PAUSE_S))
    await asyncio.gather(*sending)
    ledger.acknowledged.update(names)
