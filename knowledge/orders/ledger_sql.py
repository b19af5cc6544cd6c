"""Ledger, order events and audit in the shop's database, on SQLite or PostgreSQL. They outlive the process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db
from knowledge.native import compact
from knowledge.orders.audit import AuditRecord
from knowledge.orders.ledger import SETTLED, LedgerEntry, LedgerState
from knowledge.orders.outbox import OrderEvent
from knowledge.reading import reads
from knowledge.writing import Write, alone, once, run

_OPEN = (LedgerState.REQUESTED.value, LedgerState.UNKNOWN.value)

ledger = Table(
    "order_ledger", db.metadata,
    Column("operation_id", String(64), primary_key=True),
    Column("proposal_digest", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("customer_id", db.ID, nullable=False),
    Column("conversation_id", db.ID, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("quote", Text, nullable=False),
    Column("states", Text, nullable=False),
    Index("order_ledger_by_proposal", "proposal_digest"),
    Index("order_ledger_by_state", "state", "customer_id"),
)
events = Table(
    "order_events", db.metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("operation_id", String(64), nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("at", Float(53), nullable=False),
    Column("body", Text, nullable=False),
)
audit = Table(
    "order_audit", db.metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Float(53), nullable=False),
    Column("event", String(32), nullable=False),
    Column("customer_id", db.ID, nullable=False),
    Column("conversation_id", db.ID, nullable=False),
    Column("subject", db.ID, nullable=False),
)


def _entries_where(*conditions: Any) -> Select[Any]:
    return select(ledger).where(*conditions).order_by(ledger.c.at, ledger.c.operation_id)


_ENTRY = _entries_where(ledger.c.operation_id == bindparam("operation_id"))
_OF_PROPOSAL = _entries_where(ledger.c.proposal_digest == bindparam("digest"))
_UNSETTLED = _entries_where(ledger.c.state.in_(_OPEN))
_UNSETTLED_OF = _entries_where(ledger.c.state.in_(_OPEN), ledger.c.customer_id == bindparam("customer_id"))
_FINISH = update(ledger).where(ledger.c.operation_id == bindparam("of"), ledger.c.state.in_(_OPEN))


class SqlLedger:
    """OperationLedger: the primary key decides who was first."""

    def __init__(self, engine: AsyncEngine, write: Write | None = None) -> None:
        self._reads, self._write = reads(engine), write or alone(engine)

    async def begin(self, entry: LedgerEntry) -> bool:
        row = {
            "operation_id": entry.operation_id, "proposal_digest": entry.proposal_digest, "position": entry.position,
            "customer_id": entry.customer_id, "conversation_id": entry.conversation_id, "at": entry.at.timestamp(),
            "state": entry.state.value, "reason": entry.reason, "quote": compact(entry.quote),
            "states": compact(entry.states)}
        return await self._write(lambda connection: run(connection, once(ledger, connection.dialect.name), [row]) == 1)

    async def finish(self, operation_id: str, state: LedgerState, reason: str = "") -> bool:
        values: dict[str, Any] = {"state": state.value, "reason": reason}
        if state in SETTLED:
            values["states"] = "{}"
        return await self._write(lambda connection: run(connection, _FINISH, [values | {"of": operation_id}]) == 1)

    async def entry(self, operation_id: str) -> LedgerEntry | None:
        found = await self._entries(_ENTRY, operation_id=operation_id)
        return found[0] if found else None

    async def of_proposal(self, proposal_digest: str) -> list[LedgerEntry]:
        return sorted(await self._entries(_OF_PROPOSAL, digest=proposal_digest), key=lambda e: e.position)

    async def unsettled(self, customer_id: str = "") -> list[LedgerEntry]:
        if customer_id:
            return await self._entries(_UNSETTLED_OF, customer_id=customer_id)
        return await self._entries(_UNSETTLED)

    async def _entries(self, query: Select[Any], **values: str) -> list[LedgerEntry]:
        return [_entry(row) for row in await self._reads.all(query, **values)]


def _entry(row: Sequence[Any]) -> LedgerEntry:
    """From the table's columns, in their order."""
    operation, proposal, position, customer, conversation, at, state, reason, quote, states = row
    return LedgerEntry(operation, proposal, position, customer, conversation, json.loads(quote), json.loads(states),
                       datetime.fromtimestamp(at, UTC), LedgerState(state), reason)


class SqlOrderEvents:
    """OrderEvents: whoever reads after a seq misses none, for sequence numbers appear in order."""

    def __init__(self, engine: AsyncEngine, write: Write | None = None) -> None:
        self._engine, self._write = engine, write or alone(engine)

    async def record(self, kind: str, order_native_json: Mapping[str, Any], operation_id: str) -> None:
        row = {"operation_id": operation_id, "kind": kind, "at": datetime.now(UTC).timestamp(),
               "body": compact(order_native_json)}

        def append(connection: Connection) -> None:
            if connection.dialect.name == "postgresql":   # a lower seq must not appear after a higher one was read
                connection.execute(text("LOCK TABLE order_events IN EXCLUSIVE MODE"))
            run(connection, once(events, connection.dialect.name, "operation_id"), [row])

        await self._write(append)

    async def after(self, seq: int, limit: int = 100) -> list[OrderEvent]:
        query = select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        async with self._engine.connect() as connection:
            return [OrderEvent(r.seq, r.kind, json.loads(r.body), r.operation_id, datetime.fromtimestamp(r.at, UTC))
                    for r in await connection.execute(query)]


class SqlAudit:
    """Audit as a table that is only ever added to."""

    def __init__(self, engine: AsyncEngine, write: Write | None = None) -> None:
        self._engine, self._write = engine, write or alone(engine)

    async def record(self, record: AuditRecord) -> None:
        values = {"at": record.at.timestamp(), "event": record.event, "customer_id": record.customer_id,
                  "conversation_id": record.conversation_id, "subject": record.subject}
        await self._write(lambda connection: connection.execute(insert(audit).values(values)).rowcount)

    async def records(self, limit: int = 100) -> list[AuditRecord]:
        """The latest, newest first."""
        query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [AuditRecord(datetime.fromtimestamp(r.at, UTC), r.event, r.customer_id, r.conversation_id, r.subject)
                    for r in await connection.execute(query)]
