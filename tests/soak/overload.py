"""P8: ten times more than the server has room for: refused with 503 and the seconds to wait, and nothing of it kept;
what was acknowledged is answered; memory stays under its cap."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.soak.crash import drained
from tests.soak.doors import PostedDoor, RestDoor
from tests.soak.evidence import Ledger, look, tag, tagged
from tests.soak.stage import Progress, Stage, silent

TURNS = 40  # the limit the server is given
TIMES = 10
CAP_MB = 500.0
MODEL_S = 0.3  # every turn waits for the model so long: the queue fills


@dataclass
class Overload:
    requests: int = 0
    acknowledged: int = 0
    refused: int = 0
    peak_mb: float = 0.0
    idle_mb: float = 0.0
    faults: dict[str, float] = field(default_factory=dict)


async def overload(stage: Stage, rounds: int, progress: Progress = silent) -> Overload:
    """Each round four hundred senders at once, each in a conversation of its own; nobody tries again."""
    found, ledger = Overload(idle_mb=stage.server.resident_mb()), Ledger()
    doors = [RestDoor(stage.session, stage.server.url, f"many-{n}", stage.sent, 120.0) if n % 2
             else await stage.posted(patience_s=120.0) for n in range(TURNS * TIMES)]
    watching = asyncio.create_task(_watch_memory(stage, found))
    ledger.sent = {door.conversation_id: [] for door in doors}
    try:
        for number in range(rounds):
            await asyncio.gather(*(_say(door, n, number, ledger, found) for n, door in enumerate(doors)))
            progress("rounds", number + 1, rounds)
    finally:
        watching.cancel()
    await drained(stage.engine)
    finding = await look(stage.engine, ledger, doors)
    found.refused = stage.sent.refused
    own = {"without Retry-After": stage.sent.retry_after_missing,
           "neither kept nor refused": found.requests - found.acknowledged - found.refused,
           "nobody was refused": int(found.refused == 0), "nobody was served": int(found.acknowledged == 0),
           "over the cap, MB": max(0.0, found.peak_mb - CAP_MB)}
    found.faults = finding.faults | {name: count for name, count in own.items() if count}
    return found


async def _say(door: RestDoor | PostedDoor, number: int, again: int, ledger: Ledger, found: Overload) -> None:
    name = tag(number, again)
    found.requests += 1
    if await door.once(name, tagged("hello", number, again)):  # what was refused is unexpected in the books
        found.acknowledged += 1
        ledger.sent[door.conversation_id].append(name)
        ledger.acknowledged.add(name)


async def _watch_memory(stage: Stage, found: Overload) -> None:
    while True:
        found.peak_mb = max(found.peak_mb, stage.server.resident_mb())
        await asyncio.sleep(0.1)
