"""Swapping lines for other variants: the checks that a change of items and an exchange share. Pure functions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal

from knowledge.models import Order, OrderLine, Product, Variant
from knowledge.orders.money import money_text
from knowledge.orders.operations import Change, ChangeItems, ExchangeItems, Swap
from knowledge.orders.plans import Shop, named_line, options_text
from knowledge.orders.refusals import Code, refuse


@dataclass(frozen=True, slots=True)
class Swapped:
    """A line, and what it becomes; the whole line, whatever its quantity."""

    line: OrderLine
    product: Product
    variant: Variant

    @property
    def difference(self) -> Decimal:
        """What the customer owes for it; negative: gets back."""
        return (self.variant.price - self.line.unit_price) * self.line.quantity

    @property
    def new_line(self) -> OrderLine:
        """The line keeps its id, quantity and, within one product, its title."""
        title = self.line.title if self.product.id == self.line.product_id else self.product.title
        return replace(self.line, product_id=self.product.id, variant_id=self.variant.id, title=title,
                       options=dict(self.variant.options), unit_price=self.variant.price)

    def change(self, currency: str) -> Change:
        return Change(self.line.title, _described(self.line, currency), _described(self.new_line, currency))


def _described(line: OrderLine, currency: str) -> str:
    times = f"{line.quantity} × " if line.quantity > 1 else ""
    what = options_text(line.options) or line.title
    return f"{times}{what} ({money_text(line.unit_price, currency)})"


def check_swaps(kind: str, operation: ChangeItems | ExchangeItems, order: Order, shop: Shop, *,
                across_products: bool) -> tuple[Swapped, ...]:
    """Every swap resolved, or Refused: each line once, to another variant of its product, enough in stock for all."""
    if not operation.swaps:
        raise refuse(Code.NOTHING_NAMED, kind, order)
    seen: set[str] = set()
    swapped = tuple(_check_one(kind, swap, order, shop, seen, across_products) for swap in operation.swaps)
    wanted: Counter[str] = Counter()
    for item in swapped:
        wanted[item.variant.id] += item.line.quantity
        if item.variant.stock is not None and item.variant.stock < wanted[item.variant.id]:
            raise refuse(Code.VARIANT_UNAVAILABLE, kind, order, title=item.product.title, variant_id=item.variant.id,
                         options=options_text(item.variant.options), stock=item.variant.stock,
                         quantity=wanted[item.variant.id])
    return swapped


def _check_one(kind: str, swap: Swap, order: Order, shop: Shop, seen: set[str], across_products: bool) -> Swapped:
    line = named_line(kind, order, swap.line_id, seen)
    found = shop.variant(swap.variant_id)
    if found is None:
        raise refuse(Code.VARIANT_UNKNOWN, kind, order, title=line.title, variant_id=swap.variant_id)
    product, variant = found
    if product.id != line.product_id and not across_products:
        raise refuse(Code.VARIANT_OF_OTHER_PRODUCT, kind, order, title=line.title, other=product.title)
    if variant.id == line.variant_id:
        raise refuse(Code.VARIANT_SAME, kind, order, title=line.title, options=options_text(line.options))
    return Swapped(line, product, variant)


def difference(swapped: tuple[Swapped, ...]) -> Decimal:
    """Net over all swaps: positive is charged, negative refunded."""
    return sum((item.difference for item in swapped), Decimal(0))
