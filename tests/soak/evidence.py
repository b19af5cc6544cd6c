"""What the database says after a run, held against what the customers sent: nothing lost, nothing twice, in order.

Every text carries a tag of its own, so an event is found again in the words of the turn that answered it, also where a
burst was answered as one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import events as ev
from bot.domain.tracker import fold, snapshot
from bot.stores import schema
from tests.soak.doors import Door, Frame

_TAG = re.compile(r"memo (c\d+n\d+)\b")


def tagged(words: str, conversation: int, number: int) -> str:
    return f"{words}, memo {tag(conversation, number)}"


def tag(conversation: int, number: int) -> str:
    return f"c{conversation}n{number}"


@dataclass
class Ledger:
    """What was sent: by conversation the tags in order of sending; `after` are the events acknowledged before each."""

    sent: dict[str, list[str]] = field(default_factory=dict)  # conversation id → tags (which are the client ids)
    before: dict[str, frozenset[str]] = field(default_factory=dict)  # tag → tags acknowledged before it was sent
    acknowledged: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        return sum(map(len, self.sent.values()))


@dataclass
class Finding:
    """All counts but `events`, `turns` and `bursts` are wrong when they are not 0."""

    events: int = 0  # sent
    turns: int = 0
    merged: int = 0  # events that shared their turn with an earlier one
    lost: int = 0  # acknowledged, and in no turn
    unacknowledged: int = 0
    unexpected: int = 0  # in the database, and never sent
    twice: int = 0  # answered by more than one turn
    pending: int = 0  # accepted, and not answered after the drain
    unanswered: int = 0  # turns without a reply, while no person had the conversation
    wrong_reply: int = 0  # the inbox remembers another reply than the turn gave
    apologies: int = 0  # turns that failed inside
    gaps: int = 0  # conversations whose events are not 1, 2, 3 …
    other_state: int = 0  # conversations whose snapshot is not the fold of their events
    overtaken: int = 0  # events answered before one that was acknowledged before they were sent
    phantoms: int = 0  # frames a client saw that are not in the events, or read otherwise there
    shown_twice: int = 0
    not_shown: int = 0  # messages that a socket never saw

    @property
    def faults(self) -> dict[str, int]:
        return {name: count for name, count in vars(self).items()
                if count and name not in ("events", "turns", "merged")}


@dataclass(frozen=True)
class Stored:
    """The tables, read once."""

    events: Mapping[str, Sequence[ev.Stamped]]
    snapshots: Mapping[str, Any]
    inbox: Mapping[tuple[str, str], str]  # (channel, message id) → reply


async def stored(engine: AsyncEngine, conversations: Iterable[str]) -> Stored:
    wanted, found = set(conversations), dict[str, list[ev.Stamped]]()
    async with engine.connect() as connection:
        for row in await connection.execute(select(schema.events).order_by(schema.events.c.seq)):
            if row.conversation_id in wanted:
                event = ev.event_from_json(json.loads(row.body))
                found.setdefault(row.conversation_id, []).append(ev.Stamped(row.seq, row.at, event))
        snapshots = {row.id: json.loads(row.snapshot)
                     for row in await connection.execute(select(schema.conversations)) if row.id in wanted}
        inbox = {(row.channel, row.message_id): row.reply
                 for row in await connection.execute(select(schema.inbox)) if row.conversation_id in wanted}
    return Stored(found, snapshots, inbox)


async def look(engine: AsyncEngine, ledger: Ledger, doors: Sequence[Door], lookers: Sequence[Any] = ()) -> Finding:
    """Everything that can be held against the promises. `lookers` were shown what others said."""
    return weigh(ledger, doors, lookers, await stored(engine, (door.conversation_id for door in doors)))


def weigh(ledger: Ledger, doors: Sequence[Door], lookers: Sequence[Any], tables: Stored) -> Finding:
    """What was sent and shown against what is stored."""
    finding = Finding(events=ledger.count,
                      unacknowledged=ledger.count - len(ledger.acknowledged),
                      pending=sum(reply == "" for reply in tables.inbox.values()))
    expected = {(door.channel, door.message_id(tag)) for door in doors for tag in ledger.sent[door.conversation_id]}
    finding.unexpected += len(set(tables.inbox) - expected)
    for door in doors:
        events = tables.events.get(door.conversation_id, ())
        _look_at_turns(finding, ledger, door, events, tables)
        _look_at_state(finding, door.conversation_id, events, tables)
        _look_at_frames(finding, door, events)
    for looker in lookers:
        _look_at_frames(finding, looker, tables.events.get(looker.conversation_id, ()))
    return finding


def _look_at_turns(finding: Finding, ledger: Ledger, door: Door, events: Sequence[ev.Stamped], tables: Stored) -> None:
    sent, times, position = ledger.sent[door.conversation_id], Counter[str](), dict[str, tuple[int, int]]()
    for place, (heard, said, silent) in enumerate(turns_of(events)):
        tags = _TAG.findall(heard.text)
        finding.turns += 1
        finding.merged += max(0, len(tags) - 1)
        finding.unanswered += not said and not silent
        finding.unexpected += len(set(tags) - set(sent)) + (not tags)
        times.update(tags)
        position |= {tag: (place, within) for within, tag in enumerate(tags)}
        for tag in tags:
            reply = tables.inbox.get((door.channel, door.message_id(tag)))
            finding.wrong_reply += reply is None or [m["text"] for m in json.loads(reply or "[]")] != said
    finding.apologies += sum(isinstance(s.event, ev.TurnFailed) for s in events)
    finding.twice += sum(count > 1 for count in times.values())
    finding.lost += sum(tag in ledger.acknowledged and tag not in times for tag in sent)
    finding.overtaken += sum(any(position.get(earlier, (-1, 0)) > position[tag] for earlier in ledger.before.get(tag, ()))
                             for tag in sent if tag in position)


def turns_of(events: Sequence[ev.Stamped]) -> list[tuple[ev.UserUttered, list[str], bool]]:
    """What was heard, what was said to it, and whether a person had the conversation: then the assistant is silent."""
    found: list[tuple[ev.UserUttered, list[str], bool]] = []
    silent = False
    for stamped in events:
        match stamped.event:
            case ev.UserUttered():
                found.append((stamped.event, [], silent))
            case ev.BotUttered(text=text) if found:
                found[-1][1].append(text)
            case ev.HandoffRequested() | ev.AgentJoined():
                silent = True
            case ev.HandoffEnded():
                silent = False
    return found


def _look_at_state(finding: Finding, conversation_id: str, events: Sequence[ev.Stamped], tables: Stored) -> None:
    finding.gaps += [s.seq for s in events] != list(range(1, len(events) + 1))
    state = json.loads(json.dumps(snapshot(fold(conversation_id, events)))) if events else None
    finding.other_state += state != tables.snapshots.get(conversation_id)


def _look_at_frames(finding: Finding, door: Any, events: Sequence[ev.Stamped]) -> None:
    shown: dict[int, Frame] = getattr(door, "seen", {})
    texts = {s.seq: s.event.text for s in events if isinstance(s.event, ev.UserUttered | ev.BotUttered)}
    finding.phantoms += sum(texts.get(seq) != frame["text"] for seq, frame in shown.items())
    doubles: list[int] | None = getattr(door, "doubles", None)
    if doubles is not None:  # a door that is told everything, and asks for everything
        finding.shown_twice += len(doubles)
        finding.not_shown += len(set(texts) - set(shown))
