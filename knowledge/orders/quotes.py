"""From an operation to a quote: look up what it concerns, plan it, and fix the card with a digest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knowledge.models import Customer, Order
from knowledge.orders import operations as ops
from knowledge.orders.delivered import plan_default_address, plan_exchange, plan_return
from knowledge.orders.pending import plan_address, plan_cancel, plan_items, plan_payment
from knowledge.orders.plans import Plan, Shop
from knowledge.orders.rules import Rules
from knowledge.orders.wire import digest, quote_to_json
from knowledge.ports import Catalogue


async def survey(operations: Iterable[ops.Operation], orders: Iterable[Order], catalogue: Catalogue, rules: Rules,
                 now: datetime) -> Shop:
    """Read live what planning these operations on these orders needs."""
    swapping = [o for o in operations if isinstance(o, ops.ChangeItems | ops.ExchangeItems)]
    wanted = {swap.variant_id for o in swapping for swap in o.swaps}
    variants = {key: product for key in sorted(wanted) if (product := await catalogue.product_of_variant(key))}
    ids = dict.fromkeys(line.product_id for order in orders for line in order.lines)
    products = {p.id: p for p in await catalogue.products(ids)}
    return Shop(rules, now, products, variants)


def plan(operation: ops.Operation, order: Order | None, customer: Customer, shop: Shop) -> Plan:
    """Work one operation out against the state given. Raises Refused. `order` is None for the default address only."""
    if isinstance(operation, ops.ChangeDefaultAddress):
        return plan_default_address(operation, customer, shop)
    assert order is not None, "an operation on an order needs the order"
    match operation:
        case ops.CancelOrder():
            return plan_cancel(operation, order, customer, shop)
        case ops.ChangeAddress():
            return plan_address(operation, order, customer, shop)
        case ops.ChangePayment():
            return plan_payment(operation, order, customer, shop)
        case ops.ChangeItems():
            return plan_items(operation, order, customer, shop)
        case ops.ReturnItems():
            return plan_return(operation, order, customer, shop)
        case ops.ExchangeItems():
            return plan_exchange(operation, order, customer, shop)


def quote_of(worked_out: Plan) -> ops.Quote:
    """The card of a plan. Its digest covers the customer, the operation and everything the card says."""
    number = worked_out.order_before.number if worked_out.order_before else ""
    bare = ops.Quote(worked_out.operation, worked_out.kind, number, worked_out.changes, worked_out.money, "")
    return ops.Quote(bare.operation, bare.kind, number, bare.changes, bare.money,
                     digest([worked_out.customer_before.id, quote_to_json(bare)]))
