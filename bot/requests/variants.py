"""Which variant a wish means: the one that fits, several to choose from, or none and why.

What the customer did not name stays as it is where that can be had.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.requests.lexicon import Lexicon
from bot.requests.values import magnitude, option_values
from bot.requests.wishes import Step, Wish
from knowledge.models import Product, Variant


@dataclass(frozen=True, slots=True)
class Match:
    """`fits` best first: one is the answer, several are a question, none with `nearest` a refusal with an offer."""

    fits: tuple[Variant, ...] = ()
    nearest: tuple[Variant, ...] = ()
    failing: str = ""  # the wish that cannot be met, as "option: value"
    sold_out: bool = False  # it exists and is out of stock
    same: bool = False  # the wish describes what the customer has


def match_variants(product: Product, current: Variant | None, wish: Wish, lexicon: Lexicon) -> Match:
    """Available variants of `product`, other than `current`, that the wish describes."""
    wish = _without_current(wish, current)
    found = _match_one(product, current, wish, lexicon)
    if not found.fits and wish.otherwise is not None:
        second = match_variants(product, current, wish.otherwise, lexicon)
        if second.fits:
            return second
    return found


def _without_current(wish: Wish, current: Variant | None) -> Wish:
    """ "the 17 inch one, change it to 13 inch": of several values, the one it has already describes it."""
    if current is None:
        return wish
    return replace(
        wish,
        options={
            o: tuple(v for v in values if v != current.options.get(o)) or values for o, values in wish.options.items()
        },
    )


def _match_one(product: Product, current: Variant | None, wish: Wish, lexicon: Lexicon) -> Match:
    others = [v for v in product.variants if current is None or v.id != current.id]
    if wish.variant:
        return _named(product, current, wish)
    fitting = [v for v in others if _fulfils(v, current, wish, product, lexicon)]
    open_ones = [v for v in fitting if v.available]
    if not open_ones:
        return _nothing(product, current, wish, others, fitting, lexicon)
    if wish.price in ("cheapest", "most_expensive"):
        pick = min if wish.price == "cheapest" else max
        best_one = pick(open_ones, key=lambda v: v.price)
        if current is not None and pick((best_one, current), key=lambda v: v.price) is current and current.available:
            return Match(same=True)
        return Match((best_one,))
    best = _closest(open_ones, current, product, wish, lexicon)
    best = _by_preference(best, wish)
    return Match(tuple(sorted(best, key=lambda v: v.price)))


def _named(product: Product, current: Variant | None, wish: Wish) -> Match:
    variant = next(v for v in product.variants if v.id == wish.variant)
    if current is not None and variant.id == current.id:
        return Match(same=True)
    if not variant.available:
        return Match(
            sold_out=True,
            failing=", ".join(variant.options.values()),
            nearest=tuple(v for v in product.variants if v.available and v is not current)[:3],
        )
    return Match((variant,))


def _fulfils(variant: Variant, current: Variant | None, wish: Wish, product: Product, lexicon: Lexicon) -> bool:
    options = variant.options
    if any(options.get(o) not in values for o, values in wish.options.items()):
        return False
    if any(options.get(o) in values for o, values in wish.without.items()):
        return False
    if current is not None and any(options.get(o) != current.options.get(o) for o in wish.fixed):
        return False
    if current is None:
        return all(_far_enough(variant, None, s, product, lexicon) for s in wish.steps if s.far)
    if wish.price == "cheaper" and variant.price >= current.price:
        return False
    if wish.price == "dearer" and variant.price <= current.price:
        return False
    return all(_far_enough(variant, current, step, product, lexicon) for step in wish.steps)


def _far_enough(variant: Variant, current: Variant | None, step: Step, product: Product, lexicon: Lexicon) -> bool:
    there = _place(variant, step.option, product, lexicon)
    if there is None:
        return False
    if step.far:
        ends = [
            m for v in product.variants if v.available and (m := _place(v, step.option, product, lexicon)) is not None
        ]
        return bool(ends) and there == (max(ends) if step.direction > 0 else min(ends))
    if current is None:
        return True
    here = _place(current, step.option, product, lexicon)
    if here is None:
        return False
    if step.amount is not None and _reachable(product, step.option, here + step.direction * step.amount, lexicon):
        return there == here + step.direction * step.amount
    return (there - here) * step.direction > 0


def _reachable(product: Product, option: str, goal: float, lexicon: Lexicon) -> bool:
    values = option_values(product).get(option, ())
    return any(magnitude(v, values, lexicon) == goal for v in values)


def _place(variant: Variant, option: str, product: Product, lexicon: Lexicon) -> float | None:
    return magnitude(variant.options.get(option, ""), option_values(product).get(option, ()), lexicon)


def _closest(
    fits: list[Variant], current: Variant | None, product: Product, wish: Wish, lexicon: Lexicon
) -> list[Variant]:
    """Those that change least of what was not named; among comparatives the next step, not the farthest."""
    if current is None or wish.show:
        return fits
    named = set(wish.options) | {s.option for s in wish.steps} | set(wish.free) | set(wish.prefer)

    def changed(variant: Variant) -> int:
        return sum(1 for o, v in current.options.items() if o not in named and variant.options.get(o) != v)

    def stride(variant: Variant) -> float:
        return sum(
            abs((_place(variant, s.option, product, lexicon) or 0) - (_place(current, s.option, product, lexicon) or 0))
            for s in wish.steps
            if not s.far
        )

    if not wish.loose:
        exact = [v for v in fits if changed(v) == 0]
        if wish.keep and not exact:
            return fits
        fits = exact or fits
    if len(fits) > 1 and any(not s.far for s in wish.steps):
        nearest = min(stride(v) for v in fits)
        fits = [v for v in fits if stride(v) == nearest]
    return fits


def _by_preference(fits: list[Variant], wish: Wish) -> list[Variant]:
    """Narrow by what would be nice, in the order it was said; keep all where nothing of it can be had."""
    for option, values in [*wish.prefer.items(), *wish.options.items()]:
        for value in values:
            some = [v for v in fits if v.options.get(option) == value]
            if some:
                fits = some
                break
    return fits


def _nothing(
    product: Product,
    current: Variant | None,
    wish: Wish,
    others: list[Variant],
    fitting: list[Variant],
    lexicon: Lexicon,
) -> Match:
    """Why nothing fits, and what comes nearest."""
    if (
        current is not None
        and not fitting
        and wish.options
        and _fulfils(current, current, Wish(options=wish.options), product, lexicon)
        and not wish.steps
        and not wish.price
    ):
        same = all(current.options.get(o) in values for o, values in wish.options.items())
        if same:
            return Match(same=True, nearest=_nearest(others, current, wish))
    return Match(
        sold_out=bool(fitting),
        failing=_failing(product, current, wish, lexicon),
        nearest=_nearest(others, current, wish),
    )


def _failing(product: Product, current: Variant | None, wish: Wish, lexicon: Lexicon) -> str:
    if wish.options:
        return ", ".join(f"{o} {' / '.join(v)}" for o, v in wish.options.items())
    if wish.steps:
        return ", ".join(f"{s.option}" for s in wish.steps)
    return wish.price


def _nearest(others: list[Variant], current: Variant | None, wish: Wish) -> tuple[Variant, ...]:
    def distance(variant: Variant) -> int:
        missed = sum(2 for o, values in wish.options.items() if variant.options.get(o) not in values)
        moved = sum(
            1
            for o, v in (current.options if current else {}).items()
            if o not in wish.options and variant.options.get(o) != v
        )
        return missed + moved

    return tuple(sorted((v for v in others if v.available), key=lambda v: (distance(v), v.price))[:3])
