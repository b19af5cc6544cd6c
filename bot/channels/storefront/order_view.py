"""An order as its page shows it: how far it is, what is asked for each line, what was paid and given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.actions.saying import money_text
from bot.channels.storefront.shelves import Range
from knowledge.models import Customer, Order, OrderLine


@dataclass(frozen=True, slots=True)
class LineView:
    line: OrderLine
    link: str
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        return self.line.unit_price * self.line.quantity


@dataclass(frozen=True, slots=True)
class PaymentView:
    words: str
    amount: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """`step` of four, 0 for an order that goes nowhere."""

    order: Order
    title: str
    note: str
    step: int
    lines: tuple[LineView, ...]
    payments: tuple[PaymentView, ...]

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.order.lines)

    @property
    def total(self) -> Decimal:
        return self.order.total


def view_of(order: Order, customer: Customer, shop: Range, statuses: Mapping[str, Mapping[str, Any]]) -> OrderView:
    told = statuses[order.status.value]
    lines = tuple(LineView(line, _link(line, shop), tuple(_notes(line, order, shop))) for line in order.lines)
    return OrderView(order, told["title"], told["note"], told["step"], lines, tuple(_payments(order, customer)))


def _link(line: OrderLine, shop: Range) -> str:
    offer = shop.by_id.get(line.product_id)
    return f"/products/{offer.slug}" if offer else "/"


def _notes(line: OrderLine, order: Order, shop: Range) -> list[str]:
    """What is asked for this line: a return, or another variant in exchange."""
    notes = [f"Return requested: {quantity} of {line.quantity}" if quantity < line.quantity else "Return requested"
             for request in order.returns for line_id, quantity in request.lines if line_id == line.id]
    for exchange in (e for e in order.exchanges if e.line_id == line.id):
        offer = shop.by_id.get(line.product_id)
        variant = offer.product.variant(exchange.new_variant_id) if offer else None
        wanted = ", ".join(variant.options.values()) if variant else exchange.new_variant_id
        notes.append(f"Exchange requested for: {wanted}")
    return notes


def _payments(order: Order, customer: Customer) -> list[PaymentView]:
    labels = {method.id: method.label for method in customer.payment_methods}
    views = []
    for entry in order.payments:
        method = labels.get(entry.method_id or "", "")
        words = ("Refunded" if entry.kind == "refund" else "Paid") + (f", {method}" if method else "")
        amount = money_text(entry.amount, order.currency)
        views.append(PaymentView(words, f"−{amount}" if entry.kind == "refund" else amount))
    return views
