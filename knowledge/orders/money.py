"""Money on orders: what was paid by which method, what a gift card covers, how an amount is written. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from knowledge.models import Customer, MethodKind, Order, Payment, PaymentMethod
from knowledge.orders.operations import Money
from knowledge.orders.rules import STORE_CREDIT, TimingRules

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}
_WHOLE = frozenset({"JPY", "KRW", "VND", "CLP", "ISK"})       # currencies without a minor unit
ZERO = Decimal(0)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's smallest coin, half up."""
    return amount.quantize(Decimal(1) if currency in _WHOLE else Decimal("0.01"), rounding=ROUND_HALF_UP)


def money_text(amount: Decimal, currency: str) -> str:
    """'$1,249.90', or '12.00 CHF' where we know no sign."""
    number = f"{rounded(amount, currency):,}"
    sign = _SYMBOLS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency}"


def open_payments(payments: Sequence[Payment]) -> list[Payment]:
    """The payments that were not given back yet: refunds are set against payments of their method, oldest first."""
    refunds: dict[str | None, Decimal] = {}
    for entry in payments:
        if entry.kind == "refund":
            refunds[entry.method_id] = refunds.get(entry.method_id, ZERO) + entry.amount
    left: list[Payment] = []
    for entry in payments:
        if entry.kind != "payment":
            continue
        used = min(entry.amount, refunds.get(entry.method_id, ZERO))
        refunds[entry.method_id] = refunds.get(entry.method_id, ZERO) - used
        if entry.amount > used:
            left.append(replace(entry, amount=entry.amount - used))
    return _less_stray_refunds(left, sum((r for r in refunds.values() if r > 0), ZERO))


def _less_stray_refunds(left: list[Payment], stray: Decimal) -> list[Payment]:
    """Money given back by another method than it came from counts against the latest payments, or goes out twice."""
    kept: list[Payment] = []
    for entry in reversed(left):
        used = min(entry.amount, stray)
        stray -= used
        if entry.amount > used:
            kept.insert(0, replace(entry, amount=entry.amount - used))
    return kept


def method_of(customer: Customer, method_id: str | None) -> PaymentMethod | None:
    return next((m for m in customer.payment_methods if m.id == method_id), None)


def method_label(customer: Customer, method_id: str | None) -> str:
    """As the customer knows it; a method that is gone keeps its id, an unrecorded one is the original method."""
    if method_id == STORE_CREDIT:
        return "store credit"
    method = method_of(customer, method_id)
    return method.label if method else (method_id or "original payment method")


def covers(method: PaymentMethod, amount: Decimal) -> bool:
    """A gift card needs the balance (unknown counts as none); other methods are not ours to judge."""
    return method.kind is not MethodKind.GIFT_CARD or (method.balance or ZERO) >= amount


def moved(customer: Customer, method_id: str | None, amount: Decimal) -> Customer:
    """The customer after `amount` was put on (or, negative, taken off) a gift card; other methods hold no balance."""
    def after(method: PaymentMethod) -> PaymentMethod:
        if method.id != method_id or method.kind is not MethodKind.GIFT_CARD:
            return method
        return replace(method, balance=(method.balance or ZERO) + amount)

    return replace(customer, payment_methods=tuple(after(m) for m in customer.payment_methods))


def refund_money(customer: Customer, method_id: str | None, amount: Decimal, currency: str,
                 timing: TimingRules) -> Money:
    method = method_of(customer, method_id)
    at_once = method is not None and method.kind is MethodKind.GIFT_CARD
    return Money("refund", amount, currency, method_id or "", method_label(customer, method_id),
                 timing.gift_card if at_once else timing.other)


def charge_money(customer: Customer, method_id: str | None, amount: Decimal, currency: str,
                 timing: TimingRules) -> Money:
    return Money("charge", amount, currency, method_id or "", method_label(customer, method_id), timing.charge)


def refund_for_cancelling(order: Order) -> Decimal:
    """What was paid and not given back yet."""
    return rounded(sum((p.amount for p in open_payments(order.payments)), ZERO), order.currency)
