"""One customer with orders, and one product, drawn for one example: the parts of it agree, in the list style of the actions.

Everything is drawn when first asked for, so that an example pays only for what it shows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Day
from datetime import timedelta
from functools import cached_property
from typing import Any

from training.corpus import goods, people
from training.corpus.pools import data, pattern, pick
from training.corpus.shops import Shop, amount, date_text, day, money_text, order_number


@dataclass(frozen=True, slots=True)
class Variant:
    options: Mapping[str, str]
    units: int


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    options: Mapping[str, str]
    quantity: int
    units: int


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    status: str
    placed: Day | None
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        return sum(line.units * line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class Product:
    title: str
    options: Mapping[str, tuple[str, ...]]
    variants: tuple[Variant, ...]  # cheapest first
    attributes: Mapping[str, str]


class Scene:
    def __init__(self, rng: random.Random, shop: Shop) -> None:
        self.rng, self.shop = rng, shop

    # --- what there is -----------------------------------------------------------------------------------------------

    @cached_property
    def product(self) -> Product:
        return self.new_product()

    @cached_property
    def order(self) -> Order:
        """The one spoken of; its first line is a variant of `product`."""
        variant = self.rng.choice(self.product.variants)
        first = Line(self.product.title, variant.options, self.few(), variant.units)
        return self.new_order((first, *self.new_lines(self.number_of(0))))

    @cached_property
    def customer(self) -> tuple[str, str]:
        return people.person(self.rng, self.shop.language)

    @cached_property
    def methods(self) -> list[str]:
        """The customer's ways to pay, two to four different ones."""
        pool = self.pool("shop")["methods"]
        drawn = [pattern(self.rng.choice(pool), self.rng) for _ in range(self.rng.choice([2, 2, 2, 3, 4]))]
        return list(dict.fromkeys(drawn))

    @cached_property
    def placed(self) -> Day:
        return day(self.rng)

    def later(self, least: int, most: int) -> Day:
        return self.placed + timedelta(days=self.rng.randint(least, most))

    # --- new ones ----------------------------------------------------------------------------------------------------

    def pool(self, name: str) -> Any:
        return data(self.shop.language, f"facts/{name}")

    def number_of(self, least: int, most: int = 8) -> int:
        """How long a list is: mostly short."""
        return min(most, least + int(self.rng.expovariate(0.75)))

    def few(self) -> int:
        return self.rng.choices([1, 2, 3, 4, 6, 12], [80, 10, 4, 3, 2, 1])[0]

    def new_title(self) -> str:
        return goods.title(self.rng, self.shop.trade, self.shop.brands, self.shop.language, self.shop.case)

    def new_product(self) -> Product:
        options = goods.option_set(self.rng, self.shop.trade, self.shop.language)
        price = amount(self.rng, self.shop)
        several = self.rng.random() < 0.6
        combinations = dict[tuple[str, ...], Variant]()
        for _ in range(self.number_of(2) if options else 1):
            chosen = {name: self.rng.choice(values) for name, values in options.items()}
            units = round(price * self.rng.uniform(0.8, 1.4)) if several else price
            combinations[tuple(chosen.values())] = Variant(chosen, max(1, units))
        variants = tuple(sorted(combinations.values(), key=lambda v: v.units))
        found = {o: tuple(dict.fromkeys(v.options[o] for v in variants)) for o in options}
        return Product(self.new_title(), found, variants,
                       goods.attributes(self.rng, self.shop.trade, self.shop.language))

    def new_lines(self, number: int) -> list[Line]:
        options = [goods.option_set(self.rng, self.shop.trade, self.shop.language) for _ in range(number)]
        return [Line(self.new_title(), {name: self.rng.choice(v) for name, v in o.items()}, self.few(),
                     amount(self.rng, self.shop)) for o in options]

    def new_order(self, lines: tuple[Line, ...] = ()) -> Order:
        placed = day(self.rng) if self.rng.random() < 0.7 else None
        return Order(order_number(self.rng, self.shop), self.rng.choice(self.pool("shop")["statuses"]), placed,
                     lines or tuple(self.new_lines(self.number_of(1, 5))))

    # --- as they are read --------------------------------------------------------------------------------------------

    def money(self, units: int) -> str:
        return money_text(max(1, units), self.shop)

    def date(self, moment: Day) -> str:
        return date_text(moment, self.shop)

    def line_text(self, line: Line, between: str = ", ") -> str:
        """As `bot.actions.saying.line_text`."""
        options = ", ".join(line.options.values())
        count = f"{line.quantity} × " if line.quantity > 1 else ""
        return f"{count}{line.title}" + (f" ({options})" if options else "") + between + self.money(line.units)

    def order_text(self, order: Order, placed: bool = False) -> str:
        """As `bot.actions.saying.order_text`, with the day only where `placed`."""
        when = f", placed {self.date(order.placed)}" if placed and order.placed else ""
        return f"{order.number} ({order.status}{when}): {', '.join(line.title for line in order.lines)}"

    def price_text(self, product: Product) -> str:
        low, high = self.money(product.variants[0].units), self.money(product.variants[-1].units)
        return low if low == high else f"{low} to {high}"

    def variant_line(self, variant: Variant) -> str:
        """As `bot.actions.products.variant_line`: short values say what they are values of."""
        options = ", ".join(f"{o} {v}" if len(v) <= 3 else v for o, v in variant.options.items())
        return f"{options or self.product.title}: {self.money(variant.units)}"

    def values(self, product: Product) -> list[str]:
        return [f"{o}: {', '.join(v)}" for o, v in product.options.items()]

    def review(self) -> str:
        texts = self.pool("texts")
        said = f"“{' '.join(pick(self.rng, texts['reviews']) for _ in range(self.rng.randint(1, 3)))}”"
        stars = f"{self.rng.randint(1, 5)} of 5, {self.rng.choice(texts['review_titles'])}: "
        return stars + said if self.rng.random() < 0.8 else said


def bullets(lines: list[str]) -> str:
    return "\n".join(f"• {line}" for line in lines)


def numbered(lines: list[str]) -> str:
    return "\n".join(f"{i}. {line}" for i, line in enumerate(lines, 1))
