"""The shopper's cart, kept in a cookie: variants and quantities. Names, prices and stock are the shop's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot.channels.storefront.shelves import Offer, Range
from knowledge.models import Variant

MOST_LINES, MOST_OF_ONE = 40, 20
COOKIE, COOKIE_AGE_S = "larkfell_cart", 30 * 86400
_ENTRY = re.compile(r"([A-Za-z0-9_-]{1,64})\*(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Line:
    offer: Offer
    variant: Variant
    quantity: int

    @property
    def total(self) -> Decimal:
        return self.variant.price * self.quantity

    @property
    def most(self) -> int:
        """As many as can be had, which may be fewer than are in the cart."""
        return MOST_OF_ONE if self.variant.stock is None else min(MOST_OF_ONE, max(0, self.variant.stock))


@dataclass(frozen=True, slots=True)
class Basket:
    lines: tuple[Line, ...] = ()

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def subtotal(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal(0))

    @property
    def cookie(self) -> str:
        return ".".join(f"{line.variant.id}*{line.quantity}" for line in self.lines)

    @property
    def context(self) -> list[dict[str, object]]:
        """As the widget sends it along with a message."""
        return [{"product_id": line.offer.product.id, "variant_id": line.variant.id, "quantity": line.quantity}
                for line in self.lines]

    def added(self, offer: Offer, variant: Variant, quantity: int) -> Basket:
        """At most as many as there are; a full cart stays as it is."""
        held = {line.variant.id: line for line in self.lines}
        before = held[variant.id].quantity if variant.id in held else 0
        if variant.id not in held and len(held) >= MOST_LINES:
            return self
        return self.with_quantity(offer, variant, before + max(1, quantity))

    def with_quantity(self, offer: Offer, variant: Variant, quantity: int) -> Basket:
        """0 takes it out."""
        line = Line(offer, variant, quantity)
        kept = {x.variant.id: x for x in self.lines}
        kept[variant.id] = Line(offer, variant, min(quantity, line.most))
        return Basket(tuple(x for x in kept.values() if x.quantity > 0))


def read_basket(cookie: str, shop: Range) -> Basket:
    """What the cookie names and the shop still has."""
    variants = _variants(shop, (entry[0] for entry in _entries(cookie)))
    lines = [Line(*variants[variant_id], min(quantity, MOST_OF_ONE))
             for variant_id, quantity in dict(_entries(cookie)).items() if variant_id in variants and quantity]
    return Basket(tuple(lines[:MOST_LINES]))


def find_variant(shop: Range, variant_id: str) -> tuple[Offer, Variant] | None:
    return _variants(shop, [variant_id]).get(variant_id)


def _entries(cookie: str) -> list[tuple[str, int]]:
    return [(m[1], int(m[2])) for part in cookie[:4000].split(".") if (m := _ENTRY.fullmatch(part))]


def _variants(shop: Range, ids: Iterable[str]) -> Mapping[str, tuple[Offer, Variant]]:
    wanted = set(ids)
    return {v.id: (offer, v) for offer in shop.offers for v in offer.product.variants if v.id in wanted} if wanted else {}
