"""A plan: one operation worked out against the state it meets. Pure: no storage, no clock, no catalogue behind it.

`pending.py` and `delivered.py` make plans; the service turns them into quotes and writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from knowledge.models import Address, Customer, Order, OrderLine, Product, Variant
from knowledge.orders.operations import Change, Money, Operation
from knowledge.orders.refusals import Code, refuse
from knowledge.orders.rules import DeliveredRules, PendingRules, Rules

KINDS: Mapping[str, str] = MappingProxyType({
    "CancelOrder": "cancel_order", "ChangeAddress": "change_address", "ChangePayment": "change_payment",
    "ChangeItems": "change_items", "ReturnItems": "return_items", "ExchangeItems": "exchange_items",
    "ChangeDefaultAddress": "change_default_address"})


def kind_of(operation: Operation) -> str:
    """'cancel_order' for CancelOrder, and so on: the key of rules, quotes and events."""
    return KINDS[type(operation).__name__]


@dataclass(frozen=True, slots=True)
class Shop:
    """What a plan may look at besides order and customer: the rules, the time, the products concerned, live."""

    rules: Rules
    now: datetime
    products: Mapping[str, Product] = field(default_factory=dict)     # by product id
    variants: Mapping[str, Product] = field(default_factory=dict)     # by variant id or SKU as the operation names it

    def variant(self, key: str) -> tuple[Product, Variant] | None:
        product = self.variants.get(key)
        found = next((v for v in product.variants if key in (v.id, v.sku)), None) if product else None
        return (product, found) if product and found else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the write would leave. `order_*` are None for the default address."""

    operation: Operation
    order_before: Order | None
    order_after: Order | None
    customer_before: Customer
    customer_after: Customer
    changes: tuple[Change, ...]
    money: tuple[Money, ...] = ()

    @property
    def kind(self) -> str:
        return kind_of(self.operation)

    @property
    def touches_customer(self) -> bool:
        return self.customer_before != self.customer_after


def check_pending(kind: str, rule: PendingRules, order: Order, shop: Shop) -> None:
    """Raise Refused unless the order's state and age let `kind` happen."""
    if not rule.enabled:
        raise refuse(Code.NOT_OFFERED, kind, order, shop.rules)
    if order.status not in rule.statuses:
        code = Code.CANCEL_NOT_PENDING if kind == "cancel_order" else Code.CHANGE_NOT_PENDING
        raise refuse(code, kind, order, shop.rules)
    if order.items_changed and not rule.after_items_changed:
        raise refuse(Code.ITEMS_ALREADY_CHANGED, kind, order, shop.rules)
    if rule.within_minutes is not None:
        limit = timedelta(minutes=rule.within_minutes)
        if _over(order.placed_at, limit, kind, order, shop):
            raise refuse(Code.TOO_LATE, kind, order, shop.rules, minutes=rule.within_minutes)


def check_delivered(kind: str, rule: DeliveredRules, order: Order, shop: Shop) -> None:
    """Raise Refused unless the order's state and age let `kind` happen."""
    if not rule.enabled:
        raise refuse(Code.NOT_OFFERED, kind, order, shop.rules)
    if order.status not in rule.statuses:
        code = Code.RETURN_NOT_DELIVERED if kind == "return_items" else Code.EXCHANGE_NOT_DELIVERED
        raise refuse(code, kind, order, shop.rules)
    if rule.window_days is not None:
        window = timedelta(days=rule.window_days)
        if _over(order.delivered_at, window, kind, order, shop):
            ended = (order.delivered_at or shop.now) + window
            raise refuse(Code.WINDOW_CLOSED, kind, order, shop.rules, days=rule.window_days,
                         ended_on=ended.date().isoformat())


def _over(since: datetime | None, limit: timedelta, kind: str, order: Order, shop: Shop) -> bool:
    if since is None:
        if shop.rules.undated == "refuse":
            raise refuse(Code.DATE_UNKNOWN, kind, order, shop.rules)
        return False
    return shop.now > since + limit


def check_category(kind: str, rule: DeliveredRules, order: Order, line: OrderLine, shop: Shop) -> None:
    """Raise Refused when the line's product is in a category that stays sold."""
    product = shop.products.get(line.product_id)
    excluded = {c.casefold() for c in rule.excluded_categories}
    hit = next((c for c in (product.category if product else ()) if c.casefold() in excluded), None)
    if hit is not None:
        raise refuse(Code.NOT_RETURNABLE, kind, order, title=line.title, category=hit)


def named_line(kind: str, order: Order, line_id: str, seen: set[str]) -> OrderLine:
    """The order's line; each may be named once per operation."""
    line = order.line(line_id)
    if line is None:
        raise refuse(Code.LINE_UNKNOWN, kind, order, line_id=line_id)
    if line_id in seen:
        raise refuse(Code.LINE_TWICE, kind, order, line_id=line_id, title=line.title)
    seen.add(line_id)
    return line


def missing_fields(address: Address, required: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in required if not (getattr(address, name, None) or "").strip())


def address_text(address: Address | None) -> str:
    """One line, in the order the fields have; empty parts left out."""
    if address is None:
        return ""
    parts = (address.line1, address.line2, address.city, address.state, address.postcode, address.country)
    return ", ".join(p.strip() for p in parts if p and p.strip())


def options_text(options: Mapping[str, str]) -> str:
    """'color: red, size: 42'; empty for a product without options."""
    return ", ".join(f"{name}: {value}" for name, value in options.items())
