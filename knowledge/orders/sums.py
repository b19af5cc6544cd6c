"""What orders add up to, and what would come back or be due: pure sums for questions, never a write.

They follow no rule of the shop: whether something may be returned or changed, a quote tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from knowledge.models import Order, OrderLine, OrderStatus, Product, Variant
from knowledge.orders.money import ZERO, open_payments, rounded
from knowledge.orders.operations import Swap
from knowledge.orders.rules import ReturnRules


def total_of(orders: Iterable[Order], statuses: Sequence[OrderStatus] = ()) -> dict[str, Decimal]:
    """Currency → what the lines cost together; with `statuses`, of orders in one of them."""
    sums: dict[str, Decimal] = {}
    for order in orders:
        if not statuses or order.status in statuses:
            sums[order.currency] = sums.get(order.currency, ZERO) + order.total
    return {currency: rounded(amount, currency) for currency, amount in sums.items()}


def price_of(order: Order, lines: Iterable[tuple[str, int]]) -> Decimal:
    """What these lines cost, as (line id, quantity); lines the order does not have count nothing."""
    prices = {line.id: line.unit_price for line in order.lines}
    return rounded(sum((prices.get(line_id, ZERO) * quantity for line_id, quantity in lines), ZERO), order.currency)


def refund_for(order: Order, lines: Iterable[tuple[str, int]], rules: ReturnRules, *,
               store_credit: bool = False) -> Decimal:
    """What returning these lines would give back, restocking fee and store-credit bonus included."""
    goods = price_of(order, lines)
    left = goods - rounded(goods * rules.restocking_fee_percent / 100, order.currency)
    if store_credit:
        left += rounded(left * rules.store_credit_bonus_percent / 100, order.currency)
    return left


def refund_for_cancelling(order: Order) -> Decimal:
    """What was paid and not given back yet."""
    return rounded(sum((p.amount for p in open_payments(order.payments)), ZERO), order.currency)


def difference_for(order: Order, swaps: Iterable[Swap], products: Iterable[Product]) -> Decimal:
    """Due (positive) or coming back (negative) when lines become these variants; unknown ids count nothing."""
    variants = {v.id: v for p in products for v in p.variants}
    due = ZERO
    for swap in swaps:
        line, variant = order.line(swap.line_id), variants.get(swap.variant_id)
        if line is not None and variant is not None:
            due += (variant.price - line.unit_price) * line.quantity
    return rounded(due, order.currency)


def refunded(order: Order) -> Mapping[str | None, Decimal]:
    """Method id → what went back to it so far."""
    back: dict[str | None, Decimal] = {}
    for entry in order.payments:
        if entry.kind == "refund":
            back[entry.method_id] = back.get(entry.method_id, ZERO) + entry.amount
    return back


def priciest(lines: Iterable[OrderLine]) -> OrderLine | None:
    """The line with the highest unit price; the first of equals."""
    return max(lines, key=lambda line: line.unit_price, default=None)


def cheapest_available(product: Product, wanted: Mapping[str, str] | None = None) -> Variant | None:
    """The cheapest variant in stock that has these options."""
    fitting = [v for v in product.variants if v.available
               and all(v.options.get(name) == value for name, value in (wanted or {}).items())]
    return min(fitting, key=lambda v: v.price, default=None)
