"""Turns the hand-written product families into native products with variants, prices and stock.

A family file names a department and its families. A family: `id`, `category` (leaf), `type`, `tags`, `options`
(name → list of values, or value → surcharge), `attributes` (names), `about` (sentences over those attributes),
`searches` (what people type) and `models`: [name, brand, price, colors, attribute values, own words]. It knows
nothing of customers and orders.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.demo import source

MAX_VARIANTS = 18
_COMPLETE = 0.72            # share of products that come in every combination of their options
_SOLD_OUT = 0.13            # share of variants without stock
_ON_SALE = 0.12             # share of products with a struck-through price
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Item:
    """A native product with what the other generators need to know about it."""

    product: dict[str, Any]
    department: str
    leaf: str
    searches: tuple[str, ...]
    appeal: float               # how often people want it, relative to others

    @property
    def id(self) -> str:
        return str(self.product["id"])

    @property
    def variants(self) -> list[dict[str, Any]]:
        return list(self.product["variants"])

    def variant(self, **options: str) -> dict[str, Any]:
        """The first variant with these option values; LookupError when there is none."""
        for variant in self.product["variants"]:
            if all(variant["options"].get(name) == value for name, value in options.items()):
                return dict(variant)
        raise LookupError(f"{self.id} has no variant {options}")


def build_catalogue(seed: int) -> dict[str, Item]:
    """Every item by product id, in catalogue order."""
    items: dict[str, Item] = {}
    for family in source.families():
        for position, model in enumerate(family["models"], start=1):
            item = _item(family, model, f"P{family['id']}{position:02d}", seed)
            if item.id in items:
                raise ValueError(f"family id {family['id']} is used twice")
            items[item.id] = item
    return items


def _item(family: Mapping[str, Any], model: Sequence[Any], product_id: str, seed: int) -> Item:
    chance = source.randomness(seed, product_id)
    name, brand, price, colors, values, words = model[:6]
    line, _, own_type = str(name).partition("|")
    attributes = {key: _spoken(value) for key, value in zip(family["attributes"], values, strict=True)}
    options = _options(family, colors, model[6] if len(model) > 6 else {})
    title = f"{brand} {line} {own_type or family['type']}"
    product = {
        "id": product_id,
        "title": title,
        "description": _description(family, attributes, words, chance),
        "brand": brand,
        "category": [family["department"], family["category"]],
        "tags": _tags(family, attributes),
        "url": f"/products/{_slug(title)}",
        "image_url": f"/images/{product_id.lower()}.svg",
        "attributes": {key: value for key, value in attributes.items() if value != "-"},
        "options": list(options),
        "currency": "USD",
        "variants": _variants(product_id, brand, options, Decimal(str(price)), chance),
    }
    return Item(product, family["department"], family["category"], tuple(family["searches"]), chance.uniform(0.4, 2.0))


def _options(family: Mapping[str, Any], colors: Sequence[str], own: Mapping[str, Any]) -> dict[str, dict[str, Decimal]]:
    """Option name → value → surcharge. `size: shoes` names a list in sizes.yml."""
    wanted: dict[str, Any] = {"color": colors} if colors else {}
    wanted |= family.get("options", {})
    wanted |= own
    table: dict[str, dict[str, Decimal]] = {}
    for name, values in wanted.items():
        named = source.read("sizes")[values] if isinstance(values, str) else values
        priced = named if isinstance(named, Mapping) else dict.fromkeys(named, 0)
        table[name] = {_spoken(value): Decimal(str(surcharge)) for value, surcharge in priced.items()}
    return table


def _variants(product_id: str, brand: str, options: Mapping[str, Mapping[str, Decimal]], price: Decimal,
              chance: random.Random) -> list[dict[str, Any]]:
    combinations = list(itertools.product(*options.values()))
    if chance.random() > _COMPLETE:
        combinations = _thinned(combinations, chance)
    if len(combinations) > MAX_VARIANTS:
        kept = sorted(chance.sample(range(len(combinations)), MAX_VARIANTS))
        combinations = [combinations[index] for index in kept]
    reduced = chance.choice((Decimal("0.75"), Decimal("0.8"), Decimal("0.85"))) if chance.random() < _ON_SALE else None
    variants = []
    for position, combination in enumerate(combinations, start=1):
        chosen = dict(zip(options, combination, strict=True))
        full = price + sum((options[name][value] for name, value in chosen.items()), Decimal(0))
        stock = 0 if chance.random() < _SOLD_OUT else chance.choice((1, 2, 3, 4, 6, 8, 11, 15, 22, 30, 46))
        variants.append({
            "id": f"V{product_id[1:]}{position:02d}",
            "sku": "-".join([_code(brand) + product_id[1:], *(_code(value) for value in combination)]),
            "options": chosen,
            "price": money(_rounded(full * reduced) if reduced else full),
            "compare_at_price": money(full) if reduced else None,
            "stock": stock,
        })
    if not any(variant["stock"] for variant in variants):
        variants[0]["stock"] = 5        # a product nobody can buy is no use in a demo
    _distinct_skus(variants)
    return variants


def _thinned(combinations: list[tuple[str, ...]], chance: random.Random) -> list[tuple[str, ...]]:
    """Leave out a few combinations, as real ranges do, and never all."""
    if len(combinations) < 4:
        return combinations
    gone = set(chance.sample(range(1, len(combinations)), max(1, len(combinations) // 5)))
    return [combination for index, combination in enumerate(combinations) if index not in gone]


def _distinct_skus(variants: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for position, variant in enumerate(variants, start=1):
        if variant["sku"] in seen:
            variant["sku"] += f"-{position}"
        seen.add(variant["sku"])


def _description(family: Mapping[str, Any], attributes: Mapping[str, str], words: str, chance: random.Random) -> str:
    """Two to four sentences: the product's own words, facts of this family, now and then how to care for it."""
    about = _facts([text for text in family["about"] if _applies(text, attributes)], attributes, chance)
    care = chance.choice(family["care"])
    plans = [[words, *about, care], [*about[:1], words, care], [words, *about], [*about[:1], words, *about[1:]],
             [words, *about[:1], care]]
    chosen = chance.choice(plans)
    return " ".join(chosen if len(chosen) > 1 else [words, care])


def _facts(texts: list[str], attributes: Mapping[str, str], chance: random.Random) -> list[str]:
    """Sentences in a random order, leaving out those that would say the same attribute again."""
    chance.shuffle(texts)
    said: set[str] = set()
    sentences = []
    for text in texts:
        names = set(_PLACEHOLDER.findall(text))
        if not names & said:
            sentence = text.format_map(attributes)
            sentences.append(sentence[0].upper() + sentence[1:])
        said |= names
    return sentences


def _applies(text: str, attributes: Mapping[str, str]) -> bool:
    """A sentence over a fact this product lacks, or answers with yes or no, would read wrongly."""
    return all(attributes[name] not in ("-", "yes", "no") for name in _PLACEHOLDER.findall(text))


def _tags(family: Mapping[str, Any], attributes: Mapping[str, str]) -> list[str]:
    own = [name.replace("_", " ") for name, value in attributes.items() if value == "yes"]
    return [*family.get("tags", ()), *own]


def money(amount: Decimal) -> str:
    """Two decimals, as the native format writes money."""
    return f"{amount:.2f}"


def _rounded(amount: Decimal) -> Decimal:
    """To the nearest 50 cents, never free."""
    return max(Decimal("1.00"), (amount * 2).quantize(Decimal(1)) / 2)


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _code(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())[:3]


def _slug(text: str) -> str:
    """ "Dormouse -5" must not share an address with "Dormouse 5"."""
    text = re.sub(r"(?<=\s)-(?=\d)", "minus ", text)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
