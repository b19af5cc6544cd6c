"""A list of offers narrowed by what a shopper ticked: filters with counts, order, pages. Pure functions of the query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from bot.channels.storefront.shelves import Offer, slug

PAGE_SIZE = 24
SORTS: Mapping[str, Callable[[Offer], Any]] = {
    "popular": lambda o: (-o.sold, o.place),
    "price": lambda o: (o.price, o.place),
    "price-down": lambda o: (-o.price, o.place),
    "rating": lambda o: (-o.rating, -len(o.opinions), o.place),
    "saving": lambda o: (-o.saving, o.place),
}
_TICKED = ("brand", "color", "size")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for; nonsense is left out rather than answered with an error."""

    ticked: Mapping[str, tuple[str, ...]]
    low: Decimal | None = None
    high: Decimal | None = None
    in_stock: bool = False
    sort: str = ""
    page: int = 1

    @property
    def narrowed(self) -> bool:
        return bool(any(self.ticked.values()) or self.low is not None or self.high is not None or self.in_stock)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter: how many offers it would leave, and whether it is ticked."""

    value: str
    count: int
    ticked: bool


@dataclass(frozen=True, slots=True)
class Listing:
    offers: Sequence[Offer]                 # of this page
    total: int
    pages: int
    page: int
    filters: Mapping[str, Sequence[Choice]]
    in_stock: int                           # how many would be left with that ticked
    floor: Decimal
    ceiling: Decimal


def read_wanted(query: Mapping[str, str], ticked: Callable[[str], Sequence[str]]) -> Wanted:
    """`ticked(name)` gives all values of a repeated parameter."""
    sort = query.get("sort", "")
    page = query.get("page", "1")
    return Wanted({name: tuple(v[:_LONGEST] for v in ticked(name) if v) for name in _TICKED}, _amount(query.get("min")),
                  _amount(query.get("max")), query.get("stock") == "1", sort if sort in SORTS else "",
                  int(page) if page.isdecimal() and len(page) < 5 else 1)


def narrow(offers: Sequence[Offer], wanted: Wanted, *, ranked: bool = False) -> Listing:
    """`ranked`: the offers come best first, which stays the order unless another one is asked for."""
    found = [o for o in offers if _fits(o, wanted)]
    if wanted.sort or not ranked:
        found.sort(key=SORTS[wanted.sort or "popular"])
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(1, wanted.page), pages)
    filters = {name: _choices(name, offers, wanted) for name in _TICKED}
    prices = [o.price for o in offers] or [Decimal(0)]
    return Listing(found[(page - 1) * PAGE_SIZE:page * PAGE_SIZE], len(found), pages, page, filters,
                   sum(o.available for o in offers if _fits(o, wanted)), min(prices), max(prices))


def address(path: str, wanted: Wanted, extra: Sequence[tuple[str, str]] = (), **changed: Any) -> str:
    """The same list with something changed: `sort`, `page`, or `without=(name, value)`."""
    without = changed.get("without", ("", ""))
    pairs = [*extra, *((name, v) for name, values in wanted.ticked.items() for v in values if (name, v) != without)]
    for name, value in (("min", wanted.low), ("max", wanted.high)):
        if value is not None and without[0] != name:
            pairs.append((name, str(value)))
    if wanted.in_stock and without[0] != "stock":
        pairs.append(("stock", "1"))
    if sort := changed.get("sort", wanted.sort):
        pairs.append(("sort", sort))
    if (page := changed.get("page", 1)) > 1:
        pairs.append(("page", str(page)))
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _fits(offer: Offer, wanted: Wanted, but: str = "") -> bool:
    """One variant has to have the ticked color and size together. `but`: a filter that is not looked at."""
    brands = wanted.ticked["brand"]
    if brands and but != "brand" and (offer.product.brand or "") not in brands:
        return False
    options = {name: wanted.ticked[name] for name in ("color", "size") if wanted.ticked[name] and but != name}
    return any(
        all(variant.options.get(name) in values for name, values in options.items())
        and (wanted.low is None or variant.price >= wanted.low) and (wanted.high is None or variant.price <= wanted.high)
        and (not wanted.in_stock or variant.available)
        for variant in offer.product.variants)


def _choices(name: str, offers: Sequence[Offer], wanted: Wanted) -> list[Choice]:
    counts: Counter[str] = Counter()
    for offer in offers:
        values = [offer.product.brand or ""] if name == "brand" else offer.values(name)
        fits = _fits(offer, wanted, but=name)
        for value in values:
            if value:
                counts[value] += fits
    ticked = wanted.ticked[name]
    shown = [Choice(value, count, value in ticked) for value, count in counts.items() if count or value in ticked]
    return sorted(shown, key=(lambda c: _size_key(c.value)) if name == "size" else (lambda c: slug(c.value)))


_LETTERS = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL")


def _size_key(value: str) -> tuple[int, float, str]:
    """Letters in their order, then numbers by value, then words."""
    if value.upper() in _LETTERS:
        return 0, _LETTERS.index(value.upper()), value
    number = "".join(c for c in value if c.isdigit() or c == ".")
    try:
        return 1, float(number), value
    except ValueError:
        return 2, 0.0, value


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal((text or "").strip()[:12])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 1_000_000 else None
