"""Finds the product and variant that a foreign order line means, by SKU or title, in the store as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from knowledge import db, native
from knowledge.keys import letters_and_digits
from knowledge.models import Order, OrderLine, Product, Variant

_AT_ONCE = 500


class Linker:
    """Fills lines without a product id; what the catalogue does not have keeps the names that the order gives it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def link(self, rows: Sequence[tuple[int, Order]]) -> list[tuple[int, Order]]:
        """(line, order) with every order line linked as far as the catalogue knows it."""
        open_lines = [line for _, order in rows for line in order.lines if not line.product_id]
        if not open_lines:
            return list(rows)
        by_sku = await self._by_sku({letters_and_digits(line.extra.get("sku")) for line in open_lines} - {""})
        by_title = await self._by_title({name for line in open_lines for name in _titles(line)})
        return [(number, replace(order, lines=tuple(_linked(line, by_sku, by_title) for line in order.lines)))
                for number, order in rows]

    async def _by_sku(self, keys: set[str]) -> dict[str, tuple[Product, Variant]]:
        found = {}
        wanted: dict[str, str] = {}
        for part in _parts(keys):
            query = select(db.variants.c.sku_key, db.variants.c.product_id).where(db.variants.c.sku_key.in_(part))
            wanted.update((row[0], row[1]) for row in await self._connection.execute(query))
        products = {p.id: p for p in await self._products(db.products.c.id, set(wanted.values()))}
        for key, product_id in wanted.items():
            for variant in products[product_id].variants:
                if letters_and_digits(variant.sku) == key:
                    found[key] = (products[product_id], variant)
        return found

    async def _by_title(self, titles: set[str]) -> dict[str, Product]:
        return {product.title: product for product in await self._products(db.products.c.title, titles)}

    async def _products(self, column: Column[str], values: set[str]) -> list[Product]:
        found: list[Product] = []
        for part in _parts(values):
            rows = await self._connection.execute(select(db.products.c.body).where(column.in_(part)))
            found.extend(native.product_from(json.loads(row[0])) for row in rows)
        return found


def _linked(line: OrderLine, by_sku: dict[str, tuple[Product, Variant]], by_title: dict[str, Product]) -> OrderLine:
    if line.product_id:
        return line
    known = by_sku.get(letters_and_digits(line.extra.get("sku")))
    product, variant = known or _by_name(line, by_title)
    if product is None:
        return replace(line, product_id=line.variant_id)
    if variant is None:
        return replace(line, product_id=product.id, title=product.title)
    return replace(line, product_id=product.id, variant_id=variant.id, title=product.title, options=variant.options)


def _by_name(line: OrderLine, by_title: dict[str, Product]) -> tuple[Product | None, Variant | None]:
    """"Trail Shoe - red / 42": the product's title, then the values of the variant's options."""
    for title in _titles(line):
        if product := by_title.get(title):
            values = line.title[len(title):].strip(" -")
            fits = [v for v in product.variants if " / ".join(v.options.values()) == values]
            return product, fits[0] if fits else (product.variants[0] if len(product.variants) == 1 else None)
    return None, None


def _titles(line: OrderLine) -> list[str]:
    """The whole name, then what stands before its last " - "."""
    head, dash, _ = line.title.rpartition(" - ")
    return [line.title, head] if dash else [line.title]


def _parts(values: set[str]) -> Iterable[list[str]]:
    ordered = sorted(values)
    return (ordered[start:start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE))
