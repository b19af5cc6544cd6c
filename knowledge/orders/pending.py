"""What may happen to an order before it leaves the house: cancel, address, payment, items. Pure: state in, plan out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from knowledge.models import Customer, Order, OrderStatus, Payment, PaymentMethod
from knowledge.orders.money import (
    charge_money,
    covers,
    method_label,
    method_of,
    money_text,
    moved,
    open_payments,
    refund_money,
    rounded,
)
from knowledge.orders.operations import CancelOrder, Change, ChangeAddress, ChangeItems, ChangePayment, Money
from knowledge.orders.plans import Plan, Shop, address_text, check_pending, missing_fields
from knowledge.orders.refusals import Code, refuse
from knowledge.orders.swaps import check_swaps, difference


def plan_cancel(operation: CancelOrder, order: Order, customer: Customer, shop: Shop) -> Plan:
    """Status, reason, and one refund per payment still open, back where it came from."""
    kind, rule = "cancel_order", shop.rules.cancel_order
    check_pending(kind, rule, order, shop)
    reason = next((r for r in rule.reasons if r.casefold() == operation.reason.strip().casefold()), None)
    if rule.reasons and reason is None:
        raise refuse(Code.REASON_NOT_ACCEPTED, kind, order, reason=operation.reason, reasons=list(rule.reasons))
    back = open_payments(order.payments)
    after = customer
    for entry in back:
        after = moved(after, entry.method_id, entry.amount)
    refunds = tuple(Payment("refund", entry.amount, entry.method_id) for entry in back)
    final = replace(order, status=OrderStatus.CANCELLED, cancel_reason=reason or operation.reason.strip() or None,
                    payments=order.payments + refunds)
    changes = [Change("status", order.status.value, OrderStatus.CANCELLED.value)]
    if final.cancel_reason:
        changes.append(Change("reason", "", final.cancel_reason))
    money = tuple(refund_money(customer, e.method_id, e.amount, order.currency, shop.rules.timing) for e in back)
    return Plan(operation, order, final, customer, after, tuple(changes), money)


def plan_address(operation: ChangeAddress, order: Order, customer: Customer, shop: Shop) -> Plan:
    """The order's shipping address; the customer's default stays."""
    kind, rule = "change_address", shop.rules.change_address
    check_pending(kind, rule, order, shop)
    if missing := missing_fields(operation.address, rule.required):
        raise refuse(Code.ADDRESS_INCOMPLETE, kind, order, missing=list(missing))
    if operation.address == order.address:
        raise refuse(Code.ADDRESS_SAME, kind, order)
    change = Change("shipping address", address_text(order.address), address_text(operation.address))
    return Plan(operation, order, replace(order, address=operation.address), customer, customer, (change,))


def plan_payment(operation: ChangePayment, order: Order, customer: Customer, shop: Shop) -> Plan:
    """A new payment over all that was paid, and a refund of every old one."""
    kind = "change_payment"
    check_pending(kind, shop.rules.change_payment, order, shop)
    method = own_method(kind, operation.method_id, order, customer)
    old = open_payments(order.payments)
    if not old:
        raise refuse(Code.PAYMENT_NOT_RECORDED, kind, order)
    if any(entry.method_id == method.id for entry in old):
        raise refuse(Code.METHOD_SAME, kind, order, label=method.label)
    total = sum((entry.amount for entry in old), Decimal(0))
    check_cover(kind, method, total, order)
    after = moved(customer, method.id, -total)
    for entry in old:
        after = moved(after, entry.method_id, entry.amount)
    entries = (Payment("payment", total, method.id), *(Payment("refund", e.amount, e.method_id) for e in old))
    timing, currency = shop.rules.timing, order.currency
    money = (charge_money(customer, method.id, total, currency, timing),
             *(refund_money(customer, e.method_id, e.amount, currency, timing) for e in old))
    labels = ", ".join(method_label(customer, e.method_id) for e in old)
    change = Change("payment method", labels, method.label)
    return Plan(operation, order, replace(order, payments=order.payments + entries), customer, after, (change,), money)


def plan_items(operation: ChangeItems, order: Order, customer: Customer, shop: Shop) -> Plan:
    """New variants on the same lines, and one entry of the net difference."""
    kind, rule = "change_items", shop.rules.change_items
    check_pending(kind, rule, order, shop)
    swapped = check_swaps(kind, operation, order, shop, across_products=rule.across_products)
    due = rounded(difference(swapped), order.currency)
    method = difference_method(kind, operation.method_id, due, order, customer)
    new_lines = {item.line.id: item.new_line for item in swapped}
    entries: tuple[Payment, ...] = ()
    after, money = customer, difference_money(method, due, order, customer, shop)
    if due and method:
        entries = (Payment("payment" if due > 0 else "refund", abs(due), method.id),)
        after = moved(customer, method.id, -due)
    final = replace(order, lines=tuple(new_lines.get(line.id, line) for line in order.lines), items_changed=True,
                    payments=order.payments + entries)
    changes = tuple(item.change(order.currency) for item in swapped)
    return Plan(operation, order, final, customer, after, changes, money)


def own_method(kind: str, method_id: str, order: Order, customer: Customer) -> PaymentMethod:
    """One of the customer's own methods, or Refused; somebody else's is as unknown as an invented one."""
    method = method_of(customer, method_id)
    if method is None:
        raise refuse(Code.METHOD_UNKNOWN, kind, order)
    return method


def check_cover(kind: str, method: PaymentMethod, amount: Decimal, order: Order) -> None:
    """Raise Refused when a gift card does not hold `amount`."""
    if not covers(method, amount):
        balance = method.balance or Decimal(0)
        raise refuse(Code.GIFT_CARD_SHORT, kind, order, label=method.label,
                     balance=money_text(balance, order.currency), amount=money_text(amount, order.currency),
                     missing=money_text(amount - balance, order.currency))


def difference_method(kind: str, method_id: str | None, due: Decimal, order: Order,
                      customer: Customer) -> PaymentMethod | None:
    """The method that bears a price difference; it may stay unnamed only where nothing is due."""
    if method_id is None:
        if due:
            raise refuse(Code.METHOD_NEEDED, kind, order, amount=money_text(abs(due), order.currency),
                         direction="charge" if due > 0 else "refund", currency=order.currency)
        return None
    method = own_method(kind, method_id, order, customer)
    if due > 0:
        check_cover(kind, method, due, order)
    return method


def difference_money(method: PaymentMethod | None, due: Decimal, order: Order, customer: Customer,
                     shop: Shop) -> tuple[Money, ...]:
    if not due or method is None:
        return ()
    make = charge_money if due > 0 else refund_money
    return (make(customer, method.id, abs(due), order.currency, shop.rules.timing),)
