"""What each variant cost when: a short history of price changes per product. It knows nothing of who paid it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.demo import source
from bot.demo.catalogue import Item, money

HISTORY_DAYS = 560
_FACTORS = (Decimal("0.9"), Decimal("0.94"), Decimal("0.95"), Decimal("1.06"), Decimal("1.1"))


@dataclass(frozen=True, slots=True)
class Step:
    """From `days_ago` on, the price was `factor` × today's, or the struck-through price."""

    days_ago: int
    factor: Decimal | None       # None: the struck-through price


@dataclass(frozen=True, slots=True)
class PriceBook:
    """The steps of each product, oldest first; the newest step is always today's price."""

    steps: Mapping[str, tuple[Step, ...]]

    def price(self, item: Item, variant: Mapping[str, Any], days_ago: int) -> Decimal:
        """What the variant cost `days_ago` days ago."""
        past = [step for step in self.steps[item.id] if step.days_ago >= days_ago] or [self.steps[item.id][0]]
        return _price(variant, past[-1])


def invent_prices(catalogue: Mapping[str, Item], seed: int) -> PriceBook:
    return PriceBook({item.id: _steps(item, seed) for item in catalogue.values()})


def _steps(item: Item, seed: int) -> tuple[Step, ...]:
    chance = source.randomness(seed, "price", item.id)
    changes = chance.choices((0, 1, 2, 3), (35, 35, 20, 10))[0]
    on_sale = item.variants[0]["compare_at_price"] is not None
    days = sorted((chance.randint(40, HISTORY_DAYS - 20) for _ in range(changes)), reverse=True)
    steps = [Step(HISTORY_DAYS, None if on_sale else chance.choice((*_FACTORS, Decimal(1))))]
    steps += [Step(day, None if on_sale else chance.choice(_FACTORS)) for day in days[:-1]]
    if on_sale:
        steps.append(Step(chance.randint(4, 38), Decimal(1)))
    elif days:
        steps.append(Step(days[-1], Decimal(1)))
    else:
        steps[0] = Step(HISTORY_DAYS, Decimal(1))
    return tuple(steps)


def _price(variant: Mapping[str, Any], step: Step) -> Decimal:
    if step.factor is None:
        return Decimal(variant["compare_at_price"])
    today = Decimal(variant["price"])
    return today if step.factor == 1 else (today * step.factor * 2).quantize(Decimal(1)) / 2


def price_rows(catalogue: Mapping[str, Item], book: PriceBook, midnight: datetime) -> Iterator[dict[str, Any]]:
    """prices.jsonl: one row per variant and step that changed its price, oldest first."""
    for item in catalogue.values():
        for variant in item.variants:
            last = None
            for step in book.steps[item.id]:
                price = _price(variant, step)
                if price != last:
                    at = midnight - timedelta(days=step.days_ago)
                    yield {"variant_id": variant["id"], "price": money(price), "currency": "USD",
                           "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
                last = price
