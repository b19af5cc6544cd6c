"""The tracker store on SQL (SQLite, PostgreSQL): snapshot, events, inbox marks and reply in one transaction.

A load reads one row, however long the conversation is: the snapshot is the state, events are history. Two writers are
kept apart by compare-and-set on `seq`, so it needs no lock across processes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.events import Stamped, event_from_json, event_to_json
from bot.domain.message import OutboundMessage
from bot.domain.tracker import Tracker, restore, snapshot
from bot.ports import StaleTracker
from bot.stores import schema
from bot.stores.replies import reply_from_json, reply_to_json


class SqlTrackerStore:
    """Append-only events per conversation, with snapshots, on an engine somebody else opens and closes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(self, conversation_id: str) -> Tracker | None:
        query = select(schema.conversations.c.snapshot).where(schema.conversations.c.id == conversation_id)
        async with self._engine.connect() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return restore(schema.load(text)) if text is not None else None

    async def commit(self, conversation_id: str, expected_seq: int, events: Sequence[Stamped], tracker: Tracker,
                     inbox: Sequence[tuple[str, str]] = (), outbox: Sequence[OutboundMessage] = ()) -> None:
        try:
            async with self._engine.begin() as connection:
                await _move(connection, conversation_id, expected_seq, tracker)
                await _append(connection, conversation_id, events)
                await _mark(connection, conversation_id, inbox, outbox, tracker.last_at)
        except IntegrityError as error:       # the conversation, one of its events or a mark is there already
            raise StaleTracker(conversation_id) from error

    async def events(self, conversation_id: str, after: int = 0, limit: int = 1000) -> list[Stamped]:
        table = schema.events
        wanted = (table.c.conversation_id == conversation_id) & (table.c.seq > after)
        query = select(table.c.seq, table.c.at, table.c.body).where(wanted).order_by(table.c.seq).limit(limit)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [Stamped(row.seq, row.at, event_from_json(schema.load(row.body))) for row in rows]

    async def answered(self, channel: str, message_id: str) -> list[OutboundMessage] | None:
        table = schema.inbox
        query = select(table.c.reply).where(table.c.channel == channel, table.c.message_id == message_id)
        async with self._engine.connect() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return None if text is None else [reply_from_json(m) for m in schema.load(text)]

    async def in_mode(self, *modes: str) -> list[Tracker]:
        table = schema.conversations
        query = select(table.c.snapshot).where(table.c.mode.in_(modes)).order_by(table.c.mode_since)
        async with self._engine.connect() as connection:
            texts = (await connection.execute(query)).scalars().all()
        return [restore(schema.load(text)) for text in texts]

    async def forget_replies(self, before: float) -> int:
        """Drop the inbox marks older than `before` (seconds since the epoch); how many."""
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(schema.inbox).where(schema.inbox.c.at < before))).rowcount


async def _move(connection: AsyncConnection, conversation_id: str, expected_seq: int, tracker: Tracker) -> None:
    """Write the snapshot, if the conversation still stands where the caller read it."""
    table = schema.conversations
    row = {"seq": tracker.seq, "mode": tracker.mode.value, "mode_since": tracker.mode_since,
           "updated_at": tracker.last_at, "snapshot": schema.dump(snapshot(tracker))}
    if expected_seq == 0:
        await connection.execute(insert(table).values(id=conversation_id, **row))
        return
    unmoved = (table.c.id == conversation_id) & (table.c.seq == expected_seq)
    moved = await connection.execute(update(table).where(unmoved).values(**row))
    if moved.rowcount != 1:
        raise StaleTracker(conversation_id)


async def _append(connection: AsyncConnection, conversation_id: str, events: Sequence[Stamped]) -> None:
    rows = [{"conversation_id": conversation_id, "seq": s.seq, "at": s.at, "body": schema.dump(event_to_json(s.event))}
            for s in events]
    if rows:
        await connection.execute(insert(schema.events), rows)


async def _mark(connection: AsyncConnection, conversation_id: str, inbox: Sequence[tuple[str, str]],
                outbox: Sequence[OutboundMessage], at: float) -> None:
    reply = schema.dump([reply_to_json(m) for m in outbox])
    rows = [{"channel": channel, "message_id": message_id, "conversation_id": conversation_id, "reply": reply, "at": at}
            for channel, message_id in inbox]
    if rows:
        await connection.execute(insert(schema.inbox), rows)
