"""What a customer may have done to an order: imperatives, and what came of them.

An operation names ids only. A quote is the operation worked out against the live data: what changes and what it
costs, with a digest that the customer's "yes" is bound to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from knowledge.models import Address


@dataclass(frozen=True, slots=True)
class CancelOrder:
    order_id: str
    reason: str  # one of the rules' reasons


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    order_id: str
    address: Address


@dataclass(frozen=True, slots=True)
class ChangePayment:
    order_id: str
    method_id: str


@dataclass(frozen=True, slots=True)
class Swap:
    line_id: str
    variant_id: str  # the new one


@dataclass(frozen=True, slots=True)
class ChangeItems:
    order_id: str
    swaps: tuple[Swap, ...]
    method_id: str | None = None  # may be None only where nothing is due


@dataclass(frozen=True, slots=True)
class ReturnItems:
    order_id: str
    lines: tuple[tuple[str, int], ...]  # (line id, quantity)
    method_id: str  # an id, or "store_credit" where the rules allow it
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeItems:
    order_id: str
    swaps: tuple[Swap, ...]
    method_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeDefaultAddress:
    customer_id: str
    address: Address


Operation = (
    CancelOrder | ChangeAddress | ChangePayment | ChangeItems | ReturnItems | ExchangeItems | ChangeDefaultAddress
)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a card: what it is, before and after, as text from data."""

    label: str  # "status", "Water Bottle", "shipping address", "refund"
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Money:
    """What moves: positive `amount` always, `direction` says which way seen from the customer."""

    direction: str  # "refund" | "charge"
    amount: Decimal
    currency: str
    method_id: str
    method_label: str
    timing: str  # "at once" | "5 to 7 business days" | "when the goods arrive", from the rules


@dataclass(frozen=True, slots=True)
class Quote:
    operation: Operation
    kind: str  # "cancel_order", "return_items", … (snake case of the operation)
    order_number: str  # "" for the default address
    changes: tuple[Change, ...]
    money: tuple[Money, ...]
    digest: str  # sha256 over operation + live data it was worked out from


class OutcomeState(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ALREADY_DONE = "already_done"  # the same confirmation again


@dataclass(frozen=True, slots=True)
class Outcome:
    quote: Quote
    state: OutcomeState
    operation_id: str
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
