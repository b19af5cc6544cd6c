"""An accepted write for a book that has moved on: only what the write changed, onto what stands there now. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from knowledge.models import Customer, Order, PaymentMethod

_APPENDED = ("payments", "returns", "exchanges")     # a write only ever adds to these


def rebased_order(before: Order, after: Order, current: Order) -> Order:
    """`current` with the fields that differ between `before` and `after`; what was appended is appended."""
    if current == before:
        return after
    changed: dict[str, Any] = {}
    for field in fields(Order):
        old, new, now = (getattr(x, field.name) for x in (before, after, current))
        if old == new or now == new:
            continue
        changed[field.name] = now + new[len(old):] if field.name in _APPENDED else new
    return replace(current, **changed)


def rebased_customer(before: Customer, after: Customer, current: Customer) -> Customer:
    """`current` with the address that was set and the balances moved by what the write moved."""
    if current == before:
        return after
    deltas = {m.id: (m.balance or Decimal(0)) - _balance(before, m.id) for m in after.payment_methods}
    methods = tuple(_moved(m, deltas.get(m.id, Decimal(0))) for m in current.payment_methods)
    address = after.address if after.address != before.address else current.address
    return replace(current, payment_methods=methods, address=address)


def _balance(customer: Customer, method_id: str) -> Decimal:
    found = next((m for m in customer.payment_methods if m.id == method_id), None)
    return (found.balance or Decimal(0)) if found else Decimal(0)


def _moved(method: PaymentMethod, delta: Decimal) -> PaymentMethod:
    return replace(method, balance=(method.balance or Decimal(0)) + delta) if delta else method
