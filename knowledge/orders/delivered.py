"""What may happen once the goods are there: return and exchange; and the customer's default address.
Pure: state in, plan out.

A return or an exchange leaves the request only: money moves when the goods arrive, so no payment is entered here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

from knowledge.models import Customer, ExchangeRequest, MethodKind, Order, OrderLine, OrderStatus, ReturnRequest
from knowledge.orders.money import method_label, method_of, open_payments, rounded
from knowledge.orders.operations import Change, ChangeDefaultAddress, ExchangeItems, Money, ReturnItems
from knowledge.orders.pending import difference_method, difference_money
from knowledge.orders.plans import (
    Plan,
    Shop,
    address_text,
    check_category,
    check_delivered,
    missing_fields,
    named_line,
    options_text,
)
from knowledge.orders.refusals import Code, refuse
from knowledge.orders.rules import STORE_CREDIT, ReturnRules
from knowledge.orders.swaps import check_swaps, difference


def plan_return(operation: ReturnItems, order: Order, customer: Customer, shop: Shop) -> Plan:
    """Status and the request: which lines go back and where the refund goes."""
    kind, rule = "return_items", shop.rules.return_items
    check_delivered(kind, rule, order, shop)
    reason = _return_reason(operation, order, rule)
    parts = _returned_lines(operation, order, rule, shop)
    _check_refund_target(operation.method_id, order, customer, rule)
    goods = rounded(sum((line.unit_price * quantity for line, quantity in parts), Decimal(0)), order.currency)
    fee = rounded(goods * rule.restocking_fee_percent / 100, order.currency)
    bonus = Decimal(0)
    if operation.method_id == STORE_CREDIT:
        bonus = rounded((goods - fee) * rule.store_credit_bonus_percent / 100, order.currency)
    refund = goods - fee + bonus
    request = ReturnRequest(tuple((line.id, quantity) for line, quantity in parts), operation.method_id,
                            _terms(rule, reason, fee, bonus, refund))
    final = replace(order, status=OrderStatus.RETURN_REQUESTED, returns=(*order.returns, request))
    changes = (Change("status", order.status.value, OrderStatus.RETURN_REQUESTED.value),
               *(Change(line.title, _described(line, line.quantity), f"return {quantity}") for line, quantity in parts))
    money = (Money("refund", refund, order.currency, operation.method_id, method_label(customer, operation.method_id),
                   shop.rules.timing.on_receipt),) if refund else ()
    return Plan(operation, order, final, customer, customer, changes, money)


def _terms(rule: ReturnRules, reason: str, fee: Decimal, bonus: Decimal, refund: Decimal) -> dict[str, Any]:
    """What the shop's own rules add to a request; empty under the shipped ones."""
    terms: dict[str, Any] = {}
    if rule.reasons:
        terms["reason"] = reason
    if fee:
        terms["restocking_fee"] = str(fee)
    if bonus:
        terms["bonus"] = str(bonus)
    return terms | ({"refund_amount": str(refund)} if fee or bonus else {})


def _return_reason(operation: ReturnItems, order: Order, rule: ReturnRules) -> str:
    given = operation.reason.strip().casefold()
    accepted = next((r for r in rule.reasons if r.casefold() == given), None)
    turned_down = given in {r.casefold() for r in rule.excluded_reasons}
    if turned_down or (rule.reasons and accepted is None):
        raise refuse(Code.REASON_NOT_ACCEPTED, "return_items", order, reason=operation.reason,
                     reasons=list(rule.reasons))
    return accepted or operation.reason.strip()


def _returned_lines(operation: ReturnItems, order: Order, rule: ReturnRules, shop: Shop) -> list[tuple[OrderLine, int]]:
    kind = "return_items"
    if not operation.lines:
        raise refuse(Code.NOTHING_NAMED, kind, order)
    sent: Counter[str] = Counter()
    for request in order.returns:
        sent.update(dict(request.lines))
    seen: set[str] = set()
    parts: list[tuple[OrderLine, int]] = []
    for line_id, quantity in operation.lines:
        line = named_line(kind, order, line_id, seen)
        left = line.quantity - sent[line_id]
        if not 0 < quantity <= left:
            raise refuse(Code.QUANTITY_WRONG, kind, order, title=line.title, quantity=quantity, available=left)
        if quantity != line.quantity and not rule.partial_quantities:
            raise refuse(Code.WHOLE_LINE_ONLY, kind, order, title=line.title, quantity=line.quantity)
        check_category(kind, rule, order, line, shop)
        parts.append((line, quantity))
    return parts


def refund_targets(order: Order, customer: Customer, rule: ReturnRules) -> tuple[str, ...]:
    """Ids of the methods a refund of this order may go to, the original ones first."""
    original = [e.method_id for e in open_payments(order.payments) if e.method_id]
    targets: list[str] = []
    if "original" in rule.refund_to:
        targets += original
    for method in customer.payment_methods:
        if "any" in rule.refund_to or ("gift_card" in rule.refund_to and method.kind is MethodKind.GIFT_CARD):
            targets.append(method.id)
    if STORE_CREDIT in rule.refund_to:
        targets.append(STORE_CREDIT)
    return tuple(dict.fromkeys(targets))


def _check_refund_target(method_id: str, order: Order, customer: Customer, rule: ReturnRules) -> None:
    targets = refund_targets(order, customer, rule)
    if method_id in targets:
        return
    if method_id != STORE_CREDIT and method_of(customer, method_id) is None:
        raise refuse(Code.METHOD_UNKNOWN, "return_items", order)
    raise refuse(Code.METHOD_NOT_ALLOWED, "return_items", order, label=method_label(customer, method_id),
                 allowed=[method_label(customer, t) for t in targets])


def plan_exchange(operation: ExchangeItems, order: Order, customer: Customer, shop: Shop) -> Plan:
    """Status and the requests; lines stay as they are until the goods are exchanged."""
    kind, rule = "exchange_items", shop.rules.exchange_items
    if rule.once and order.exchanges:
        raise refuse(Code.EXCHANGE_ALREADY_REQUESTED, kind, order)
    check_delivered(kind, rule, order, shop)
    swapped = check_swaps(kind, operation, order, shop, across_products=rule.across_products)
    for item in swapped:
        check_category(kind, rule, order, item.line, shop)
    due = rounded(difference(swapped), order.currency)
    method = difference_method(kind, operation.method_id, due, order, customer)
    requests = tuple(ExchangeRequest(item.line.id, item.variant.id, operation.method_id) for item in swapped)
    final = replace(order, status=OrderStatus.EXCHANGE_REQUESTED, exchanges=order.exchanges + requests)
    changes = (Change("status", order.status.value, OrderStatus.EXCHANGE_REQUESTED.value),
               *(item.change(order.currency) for item in swapped))
    money = tuple(replace(m, timing=shop.rules.timing.on_receipt)
                  for m in difference_money(method, due, order, customer, shop))
    return Plan(operation, order, final, customer, customer, changes, money)


def plan_default_address(operation: ChangeDefaultAddress, customer: Customer, shop: Shop) -> Plan:
    """The customer's own address; orders keep theirs."""
    kind, rule = "change_default_address", shop.rules.change_default_address
    if not rule.enabled:
        raise refuse(Code.NOT_OFFERED, kind)
    if missing := missing_fields(operation.address, rule.required):
        raise refuse(Code.ADDRESS_INCOMPLETE, kind, missing=list(missing))
    if operation.address == customer.address:
        raise refuse(Code.ADDRESS_SAME, kind)
    change = Change("default address", address_text(customer.address), address_text(operation.address))
    return Plan(operation, None, None, customer, replace(customer, address=operation.address), (change,))


def _described(line: OrderLine, quantity: int) -> str:
    what = options_text(line.options) or line.title
    return f"{quantity} × {what}" if quantity > 1 else what
