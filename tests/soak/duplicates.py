"""P3 and P10: the same event many times at once, and again a week and a restart later: one turn, one row, one reply."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sqlalchemy import update

from bot.stores import schema
from tests.contracts.widget_client import Widget
from tests.soak.doors import API, PostedDoor, RestDoor
from tests.soak.evidence import Ledger, look, tag, tagged
from tests.soak.stage import Stage

AT_ONCE, TEN = 5, 10
LATER_S = 7.5 * 86400


@dataclass
class Duplicates:
    events: int = 0
    requests: int = 0
    refused: int = 0  # answered otherwise than by 2xx or an acknowledgement
    other_replies: int = 0  # the same event got another reply
    faults: dict[str, int] = field(default_factory=dict)


async def duplicates(stage: Stage, events: int) -> Duplicates:
    """Every event five times at once over REST and over the widget's two ways, ten times on a socket, and once more
    after a restart, when the rows are seven and a half days old."""
    found, ledger = Duplicates(events=events), Ledger()
    rest = [RestDoor(stage.session, stage.server.url, f"again-{n}", stage.sent, 60.0) for n in range(events)]
    posted = [await stage.posted(stream=n % 2 == 1) for n in range(events)]
    sockets = [await stage.posted() for _ in range(events)]  # their tokens, used on a socket below
    doors: list[RestDoor | PostedDoor] = [*rest, *posted, *sockets]
    ledger.sent = {door.conversation_id: [tag(n, 0)] for n, door in enumerate(doors)}
    ledger.acknowledged = {tag(n, 0) for n in range(len(doors))}

    async def several(door: RestDoor | PostedDoor, number: int, times: int) -> None:
        text = tagged("hello", number, 0)
        answers = await asyncio.gather(*(door.once(tag(number, 0), text) for _ in range(times)))
        found.requests += times
        found.refused += answers.count(False)

    async def everywhere(times: int, on_socket: int) -> None:
        await asyncio.gather(*(several(door, n, times) for n, door in enumerate(doors[:2 * events])))
        numbers = range(2 * events, 3 * events)
        await asyncio.gather(*(_on_socket(stage, door, number, on_socket) for number, door in zip(numbers, sockets,
                                                                                                 strict=True)))
        found.requests += events * on_socket

    await everywhere(AT_ONCE, TEN)
    await stage.server.stop()
    async with stage.engine.begin() as connection:
        await connection.execute(update(schema.inbox).values(at=schema.inbox.c.at - LATER_S))
    await stage.server.start()
    await everywhere(1, 1)
    found.other_replies = sum(any(reply != replies[0] for reply in replies)
                              for door in rest for replies in door.replies.values())
    turns = await look(stage.engine, ledger, doors)
    extra = {"turns too many": turns.turns - len(doors)} if turns.turns != len(doors) else {}
    own = {"refused": found.refused, "other_replies": found.other_replies}
    found.faults = turns.faults | extra | {name: count for name, count in own.items() if count}
    return found


async def _on_socket(stage: Stage, door: PostedDoor, number: int, times: int) -> None:
    """The same frame so many times, and as many acknowledgements."""
    url = f"{stage.server.url}{API}/{door.conversation_id}/socket"
    async with stage.session.ws_connect(url) as socket:
        widget = Widget(socket)
        await widget.send(type="hello", token=door.token)
        for _ in range(times):
            await widget.say(tag(number, 0), tagged("hello", number, 0))
        for _ in range(times):
            await widget.until("ack", client_id=tag(number, 0))
