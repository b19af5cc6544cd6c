"""The tracker store on SQL (SQLite, PostgreSQL): snapshot, events, inbox marks and reply in one transaction.

A load reads one row, however long the conversation is: the snapshot is the state, events are history. Two writers are
kept apart by compare-and-set on `seq`, so it needs no lock across processes. On SQLite the transactions of turns that
end together share one flush to the disk (`GroupCommit`); PostgreSQL groups its commits itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Connection, Insert, Integer, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.events import Stamped, event_from_json, event_to_json
from bot.domain.message import InboundMessage, OutboundMessage
from bot.domain.tracker import Tracker, restore, snapshot
from bot.ports import Feed, StaleTracker
from bot.stores import schema
from bot.stores.accepted import message_from_json, message_to_json
from bot.stores.notices import notify
from bot.stores.replies import reply_from_json, reply_to_json
from knowledge.reading import reads
from knowledge.writing import Write, alone, once, run

PENDING = ""  # a reply not given yet
_SNAPSHOT = select(schema.conversations.c.snapshot).where(schema.conversations.c.id == bindparam("id"))
_PENDING = (
    select(schema.inbox.c.body)
    .where(schema.inbox.c.reply == text("''"), schema.inbox.c.at < bindparam("before"))
    .order_by(schema.inbox.c.at)
)
_PENDING_OF = (
    select(schema.inbox.c.body)
    .where(schema.inbox.c.reply == text("''"), schema.inbox.c.conversation_id == bindparam("id"))
    .order_by(schema.inbox.c.at)
)
_REPLY = select(schema.inbox.c.reply).where(
    schema.inbox.c.channel == bindparam("channel"), schema.inbox.c.message_id == bindparam("message_id")
)
_EVENTS = (
    select(schema.events.c.seq, schema.events.c.at, schema.events.c.body)
    .where(schema.events.c.conversation_id == bindparam("id"), schema.events.c.seq > bindparam("after"))
    .order_by(schema.events.c.seq)
    .limit(bindparam("limit", type_=Integer))
)
_BEGUN, _HISTORY = insert(schema.conversations), insert(schema.events)
_MOVED = update(schema.conversations).where(
    schema.conversations.c.id == bindparam("of"), schema.conversations.c.seq == bindparam("expected")
)
_MESSAGE = ("channel", "message_id")  # what tells two messages apart


class SqlTrackerStore:
    """Append-only events per conversation, with snapshots, on an engine somebody else opens and closes."""

    def __init__(self, engine: AsyncEngine, write: Write | None = None, feed: Feed | None = None) -> None:
        self._reads, self._write, self._feed = reads(engine), write or alone(engine), feed

    async def load(self, conversation_id: str) -> Tracker | None:
        rows = await self._reads.all(_SNAPSHOT, id=conversation_id)
        return restore(schema.load(rows[0][0])) if rows else None

    async def commit(
        self,
        conversation_id: str,
        expected_seq: int,
        events: Sequence[Stamped],
        tracker: Tracker,
        inbox: Sequence[tuple[str, str]] = (),
        outbox: Sequence[OutboundMessage] = (),
    ) -> None:
        write = _turn(conversation_id, expected_seq, events, tracker, inbox, outbox)
        try:
            await self._write(write)
        except IntegrityError as error:  # the conversation or one of its events is there already
            raise StaleTracker(conversation_id) from error
        if self._feed is not None:
            self._feed.committed(conversation_id, events, tracker.mode.value)

    async def accept(self, message: InboundMessage) -> None:
        row = _inbox_row(message.channel, message.message_id, message.conversation_id, PENDING, time.time())
        body = schema.dump(message_to_json(message))
        await self._write(lambda connection: _insert_mark(connection, row | {"body": body}, replace=False))

    async def pending(self, before: float) -> list[InboundMessage]:
        return [message_from_json(schema.load(body)) for (body,) in await self._reads.all(_PENDING, before=before)]

    async def pending_of(self, conversation_id: str) -> list[InboundMessage]:
        return [message_from_json(schema.load(body)) for (body,) in await self._reads.all(_PENDING_OF, id=conversation_id)]

    async def events(self, conversation_id: str, after: int = 0, limit: int = 1000) -> list[Stamped]:
        rows = await self._reads.all(_EVENTS, id=conversation_id, after=after, limit=limit)
        return [Stamped(seq, at, event_from_json(schema.load(body))) for seq, at, body in rows]

    async def answered(self, channel: str, message_id: str) -> list[OutboundMessage] | None:
        rows = await self._reads.all(_REPLY, channel=channel, message_id=message_id)
        return [reply_from_json(m) for m in schema.load(rows[0][0])] if rows and rows[0][0] != PENDING else None

    async def in_mode(self, *modes: str) -> list[Tracker]:
        table = schema.conversations
        rows = await self._reads.among(table.c.mode, modes, table.c.mode_since, table.c.snapshot)
        return [restore(schema.load(text)) for _, text in sorted(rows, key=lambda row: float(row[0]))]

    async def forget_replies(self, before: float) -> int:
        """Drop the replies older than `before` (seconds since the epoch), never what waits for one; how many."""
        old = delete(schema.inbox).where(schema.inbox.c.at < before, schema.inbox.c.reply != PENDING)
        return await self._write(lambda connection: connection.execute(old).rowcount)


def _turn(
    conversation_id: str,
    expected_seq: int,
    events: Sequence[Stamped],
    tracker: Tracker,
    inbox: Sequence[tuple[str, str]],
    outbox: Sequence[OutboundMessage],
) -> Callable[[Connection], int]:
    """One turn's rows, made ready before anybody waits for the writer."""
    state = {
        "seq": tracker.seq,
        "mode": tracker.mode.value,
        "mode_since": tracker.mode_since,
        "updated_at": tracker.last_at,
        "snapshot": schema.dump(snapshot(tracker)),
    }
    history = [
        {"conversation_id": conversation_id, "seq": s.seq, "at": s.at, "body": schema.dump(event_to_json(s.event))}
        for s in events
    ]
    reply = schema.dump([reply_to_json(m) for m in outbox]) if inbox else ""
    marks = [_inbox_row(*mark, conversation_id, reply, tracker.last_at) for mark in inbox]

    def write(connection: Connection) -> int:
        _move(connection, conversation_id, expected_seq, state)
        if history:
            run(connection, _HISTORY, history)
        for mark in marks:
            if _insert_mark(connection, mark, replace=True) != 1:
                raise StaleTracker(conversation_id)
        notify(connection, conversation_id)
        return len(history)

    return write


def _move(connection: Connection, conversation_id: str, expected_seq: int, state: Mapping[str, object]) -> None:
    """Write the snapshot, if the conversation still stands where the caller read it."""
    if expected_seq == 0:
        run(connection, _BEGUN, [{"id": conversation_id, **state}])
    elif run(connection, _MOVED, [{"of": conversation_id, "expected": expected_seq, **state}]) != 1:
        raise StaleTracker(conversation_id)


def _inbox_row(channel: str, message_id: str, conversation_id: str, reply: str, at: float) -> dict[str, object]:
    return {
        "channel": channel,
        "message_id": message_id,
        "conversation_id": conversation_id,
        "reply": reply,
        "body": "",
        "at": at,
    }


def _insert_mark(connection: Connection, row: dict[str, object], *, replace: bool) -> int:
    """1 when the row is in. A pending one is answered where `replace` says so; an answered one is never touched."""
    dialect = connection.dialect.name
    return run(connection, _answered(dialect) if replace else once(schema.inbox, dialect, *_MESSAGE), [row])


@lru_cache(maxsize=2)
def _answered(dialect: str) -> Insert:
    new = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(schema.inbox)
    answer = {name: new.excluded[name] for name in ("reply", "body", "at")}
    return new.on_conflict_do_update(index_elements=_MESSAGE, set_=answer, where=schema.inbox.c.reply == PENDING)
