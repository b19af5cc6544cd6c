"""The shop's range as shoppers see it: departments, kinds, ratings, what sells. Kept in memory, read anew now and then.

It knows the catalogue and no request. The assistant reads live; what a page says may be some minutes old.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Table

from knowledge import db
from knowledge.models import Product

FRESH_S = 300.0


class Stock(Protocol):
    """What of the catalogue the storefront reads."""

    def all_products(self) -> AsyncIterator[Product]: ...

    def rows(self, table: Table) -> AsyncIterator[dict[str, Any]]: ...

    async def products(self, ids: Iterable[str]) -> list[Product]: ...


@dataclass(frozen=True, slots=True)
class Opinion:
    """A review."""

    rating: int
    title: str
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A product with what the shop window says about it."""

    product: Product
    slug: str
    place: int                              # in catalogue order
    sold: int
    opinions: tuple[Opinion, ...] = ()

    @property
    def rating(self) -> float:
        return sum(o.rating for o in self.opinions) / len(self.opinions) if self.opinions else 0.0

    @property
    def price(self) -> Decimal:
        return min(v.price for v in self.product.variants)

    @property
    def several_prices(self) -> bool:
        return len({v.price for v in self.product.variants}) > 1

    @property
    def before(self) -> Decimal | None:
        """The struck-through price of the cheapest variant."""
        cheapest = min(self.product.variants, key=lambda v: v.price)
        return cheapest.compare_at_price

    @property
    def saving(self) -> int:
        """Percent off, 0 for none."""
        return round((1 - self.price / self.before) * 100) if self.before else 0

    @property
    def available(self) -> bool:
        return any(v.available for v in self.product.variants)

    @property
    def department(self) -> str:
        return self.product.category[0] if self.product.category else ""

    @property
    def kind(self) -> str:
        return self.product.category[-1] if self.product.category else ""

    def values(self, option: str) -> list[str]:
        """The values of one option, each once, in the shop's order."""
        return list(dict.fromkeys(v.options[option] for v in self.product.variants if option in v.options))


@dataclass(frozen=True, slots=True)
class Department:
    name: str
    slug: str
    offers: tuple[Offer, ...]
    kinds: Mapping[str, str]                # slug → name, in the shop's order


@dataclass(frozen=True, slots=True)
class Range:
    """Everything there is, at one moment."""

    offers: tuple[Offer, ...]
    departments: Mapping[str, Department]   # by slug
    by_slug: Mapping[str, Offer]
    by_id: Mapping[str, Offer]

    def of_ids(self, ids: Iterable[str]) -> list[Offer]:
        return [self.by_id[i] for i in ids if i in self.by_id]

    def bestsellers(self, count: int) -> list[Offer]:
        """What sells most in each department, so that the shelf shows what there is."""
        best: dict[str, Offer] = {}
        for offer in sorted((o for o in self.offers if o.available), key=lambda o: (-o.sold, o.place)):
            best.setdefault(offer.department, offer)
        return list(best.values())[:count]

    def reduced(self) -> list[Offer]:
        return sorted((o for o in self.offers if o.saving and o.available), key=lambda o: -o.saving)

    def related(self, offer: Offer, count: int) -> list[Offer]:
        """Of the same kind, then of the same department; the nearest in price first."""
        others = [o for o in self.offers if o is not offer and o.available and o.department == offer.department]
        return sorted(others, key=lambda o: (o.kind != offer.kind, abs(o.price - offer.price)))[:count]


@dataclass(slots=True)
class Shelves:
    stock: Stock
    _known: list[tuple[float, Range]] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> Range:
        """The range, at most five minutes old."""
        async with self._lock:
            if not self._known or time.monotonic() - self._known[0][0] > FRESH_S:
                self._known[:] = [(time.monotonic(), await self._read())]
            return self._known[0][1]

    async def _read(self) -> Range:
        opinions: dict[str, list[Opinion]] = {}
        async for row in self.stock.rows(db.reviews):
            opinions.setdefault(str(row["product_id"]), []).append(_opinion(row))
        sold: Counter[str] = Counter()
        async for row in self.stock.rows(db.orders):
            sold.update({str(line["product_id"]): int(line.get("quantity") or 1) for line in row.get("lines") or ()})
        offers: list[Offer] = []
        async for product in self.stock.all_products():
            if product.variants:
                said = sorted(opinions.get(product.id, ()), key=lambda o: o.at.timestamp() if o.at else 0, reverse=True)
                offers.append(Offer(product, slug_of(product), len(offers), sold[product.id], tuple(said)))
        return arranged(offers)


def arranged(offers: Sequence[Offer]) -> Range:
    by_department: dict[str, list[Offer]] = {}
    for offer in offers:
        by_department.setdefault(offer.department, []).append(offer)
    departments = {slug(name): Department(name, slug(name), tuple(found), {slug(o.kind): o.kind for o in found})
                   for name, found in by_department.items() if name}
    return Range(tuple(offers), departments, {o.slug: o for o in offers}, {o.product.id: o for o in offers})


def slug_of(product: Product) -> str:
    """The last part of the product's own URL, so that links of the shop and of the assistant are the same."""
    tail = (product.url or "").rstrip("/").rpartition("/")[2]
    return tail or slug(product.title)


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")


def _opinion(row: Mapping[str, Any]) -> Opinion:
    at = row.get("at")
    return Opinion(round(float(row.get("rating") or 0)), str(row.get("title") or ""), str(row.get("text") or ""),
                   datetime.fromisoformat(str(at)) if at else None)
