"""Order events: what was accepted, append-only, for the signed webhooks that the service sends.

Recording is idempotent by operation id, so a restart in the middle of a write records it once. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """`kind` is what happened ("order.cancelled" …), `data` the native order (or customer) after it."""

    seq: int
    kind: str
    data: Mapping[str, Any]
    operation_id: str
    at: datetime


class OrderEvents(Protocol):
    async def record(self, kind: str, order_native_json: Mapping[str, Any], operation_id: str) -> None:
        """Append once per operation id."""
        ...

    async def after(self, seq: int, limit: int = 100) -> list[OrderEvent]:
        """Events with a higher seq, oldest first."""
        ...


EVENT_NAMES: Mapping[str, str] = {
    "cancel_order": "order.cancelled",
    "change_address": "order.address_changed",
    "change_payment": "order.payment_changed",
    "change_items": "order.items_changed",
    "return_items": "order.return_requested",
    "exchange_items": "order.exchange_requested",
    "change_default_address": "customer.address_changed",
}


class MemoryOrderEvents:
    """OrderEvents as a list."""

    def __init__(self) -> None:
        self.events: list[OrderEvent] = []

    async def record(self, kind: str, order_native_json: Mapping[str, Any], operation_id: str) -> None:
        if all(e.operation_id != operation_id for e in self.events):
            self.events.append(OrderEvent(len(self.events) + 1, kind, order_native_json, operation_id,
                                          datetime.now(UTC)))

    async def after(self, seq: int, limit: int = 100) -> list[OrderEvent]:
        return [e for e in self.events if e.seq > seq][:limit]
