"""A complaint: what happened, what is wished for, and until when an answer is promised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    number: str
    conversation_id: str
    customer_id: str
    kind: str  # "damaged", "missing", "wrong item", "service"
    facts: str  # the customer's words
    remedy: str
    order_number: str
    opened_at: float  # seconds since the epoch
    due_at: float
    status: str = "open"
