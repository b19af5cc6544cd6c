"""Fills baskets as one customer would: from favourite departments, in the customer's size, nothing bought twice.

It knows the catalogue and the customer, and nothing of statuses, prices or dates.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.demo import source
from bot.demo.catalogue import Item
from bot.demo.people import Person

_WORN = ("Shoes", "Jackets", "Trousers", "Tops & Accessories")
_USED_UP = ("Coffee Beans", "Tea", "Seeds & Growing", "Candles & Scent", "Socks")
_CHEAP = Decimal(40)        # below this people sometimes take two or three
Line = tuple[Item, Mapping[str, Any], int]


@dataclass
class Shopper:
    """One customer over all their orders: remembers what is owned already, and always takes the same size."""

    person: Person
    by_department: Mapping[str, Sequence[Item]]
    fit: float                                  # 0 the smallest size of a range, 1 the largest
    owned: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, person: Person, by_department: Mapping[str, Sequence[Item]], seed: int) -> Shopper:
        return cls(person, by_department, source.randomness(seed, "fit", person.id).random())

    def basket(self, chance: random.Random, *, swappable: bool) -> list[Line]:
        """One to four lines; with `swappable` at least one item has two variants in stock."""
        wanted = chance.choices((1, 2, 3, 4), (40, 32, 19, 9))[0]
        lines: list[Line] = []
        while len(lines) < wanted:
            item = self._item(chance)
            if item.id in self.owned or (swappable and not lines and not _swappable(item)):
                continue
            if item.leaf not in _USED_UP:
                self.owned.add(item.id)
            if all(item.id != other.id for other, _, _ in lines):
                lines.append((item, self._variant(item, chance), _quantity(item, chance)))
        return lines

    def _item(self, chance: random.Random) -> Item:
        favourite = chance.choices(self.person.tastes, (5, 3, 2))[0]
        department = favourite if chance.random() < 0.8 else chance.choice(list(self.by_department))
        items = self.by_department[department]
        return chance.choices(items, [item.appeal for item in items])[0]

    def _variant(self, item: Item, chance: random.Random) -> Mapping[str, Any]:
        variants = item.variants
        key = "waist" if "waist" in item.product["options"] else "size"
        if item.department in _WORN and key in item.product["options"]:
            sizes = list(dict.fromkeys(variant["options"][key] for variant in variants))
            mine = sizes[round(self.fit * (len(sizes) - 1))]
            variants = [variant for variant in variants if variant["options"][key] == mine]
        return chance.choice(variants)


def _swappable(item: Item) -> bool:
    return sum(1 for variant in item.variants if variant["stock"]) > 1


def _quantity(item: Item, chance: random.Random) -> int:
    if Decimal(item.variants[0]["price"]) >= _CHEAP:
        return 1
    return chance.choices((1, 2, 3), (75, 18, 7))[0]
