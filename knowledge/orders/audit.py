"""Audit: what somebody tried that was not theirs. Kept apart from the conversation, which shows no difference."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """`event` is "foreign_order", "foreign_customer" or "foreign_proposal"; `subject` the id that was reached for."""

    at: datetime
    event: str
    customer_id: str
    conversation_id: str
    subject: str


class Audit(Protocol):
    async def record(self, record: AuditRecord) -> None:
        """Keep one record; append-only."""
        ...


class MemoryAudit:
    """Audit as a list."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []

    async def record(self, record: AuditRecord) -> None:
        self.records.append(record)


class LogAudit:
    """Audit as warnings in the log."""

    async def record(self, record: AuditRecord) -> None:
        log.warning("%s: customer %s in conversation %s reached for %s", record.event, record.customer_id,
                    record.conversation_id or "-", record.subject)
