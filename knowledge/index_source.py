"""What the search index is made of, read from the shop's database: which units there are, in which version, and their
entries. It knows tables and entries, nothing of files or shelves.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db, native
from knowledge.analysis import Analyzer
from knowledge.entries import chunk_entry, line_entry, product_entry, product_facet, review_entry
from knowledge.lexicon import Lexicon
from knowledge.models import EvidenceKind, Product
from knowledge.records import chunk_from, document_from
from knowledge.shelf import Entry

PAGE = 500                # units read at a time; SQLite takes 32,766 parameters, a plan stays small with fewer
_PRODUCTS = 5_000         # products remembered for the order lines and reviews that name them
_TABLES = {EvidenceKind.PRODUCT: db.products, EvidenceKind.REVIEW: db.reviews, EvidenceKind.ORDER_LINE: db.orders}
_OF_PRODUCTS = (EvidenceKind.REVIEW, EvidenceKind.ORDER_LINE)
_OWN_SHELF = (EvidenceKind.CASE, EvidenceKind.ANSWER)
Bodies = dict[str, dict[str, Any]]


class IndexSource:
    """Reads through an engine; one per refresh, since it remembers products."""

    def __init__(self, engine: AsyncEngine, lexicon: Lexicon, analyzer: Analyzer) -> None:
        self._engine, self._lexicon, self._analyzer = engine, lexicon, analyzer
        self._products: OrderedDict[str, Product | None] = OrderedDict()

    async def versions(self, kind: EvidenceKind) -> list[tuple[str, str]]:
        """(id, hash) of every unit of this kind, in the order in which they stand in their files."""
        table = _table(kind)
        by_source = () if table is db.orders else (table.c.source,)
        query = select(table.c.id, table.c.hash).where(*_only(kind))
        query = query.order_by(*by_source, table.c.position, table.c.source, table.c.id)
        async with self._engine.connect() as connection:
            return [(row[0], row[1]) for row in await connection.execute(query)]

    async def entries(self, kind: EvidenceKind, ids: Sequence[str]) -> dict[str, list[Entry]]:
        """The entries of at most PAGE units, by unit; a unit that went meanwhile is missing."""
        bodies = await self._bodies(_table(kind), ids)
        if kind is EvidenceKind.PRODUCT:
            return {id: [product_entry(native.product_from(body), self._analyzer)] for id, body in bodies.items()}
        if kind is EvidenceKind.ORDER_LINE:
            return await self._lines(bodies)
        if kind is EvidenceKind.REVIEW:
            return await self._reviews(bodies)
        return await self._chunks(bodies)

    async def _lines(self, bodies: Bodies) -> dict[str, list[Entry]]:
        orders = {id: native.order_from(body) for id, body in bodies.items()}
        products = await self._named({line.product_id for order in orders.values() for line in order.lines})
        return {id: [line_entry(order, line, products.get(line.product_id), self._lexicon) for line in order.lines]
                for id, order in orders.items()}

    async def _reviews(self, bodies: Bodies) -> dict[str, list[Entry]]:
        reviews = {id: native.review_from(body) for id, body in bodies.items()}
        products = await self._named({review.product_id for review in reviews.values()})
        titles = {id: product.title for id, product in products.items() if product}
        return {id: [review_entry(review, titles.get(review.product_id, ""))] for id, review in reviews.items()}

    async def _chunks(self, bodies: Bodies) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {id: [] for id in bodies}
        table = db.chunks
        query = select(table.c.document_id, table.c.body).where(table.c.document_id.in_(list(bodies)))
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(table.c.document_id, table.c.position))
            for id, text in rows:
                found[id].append(chunk_entry(chunk_from(json.loads(text)), document_from(bodies[id])))
        return found

    async def _named(self, ids: set[str]) -> dict[str, Product | None]:
        """These products, None for one that the shop does not have."""
        missing = sorted(id for id in ids if id not in self._products)
        for start in range(0, len(missing), PAGE):
            part = missing[start:start + PAGE]
            bodies = await self._bodies(db.products, part)
            self._products.update((id, native.product_from(bodies[id]) if id in bodies else None) for id in part)
        found = {id: self._products[id] for id in ids}
        while len(self._products) > _PRODUCTS:
            self._products.popitem(last=False)
        return found

    async def _bodies(self, table: Table, ids: Iterable[str]) -> Bodies:
        query = select(table.c.id, table.c.body).where(table.c.id.in_(list(ids)))
        async with self._engine.connect() as connection:
            return {row[0]: json.loads(row[1]) for row in await connection.execute(query)}


def hangs_on(kind: EvidenceKind, product_id: str) -> str | None:
    """The facet of the rows of this kind whose texts are partly a product's."""
    return product_facet(product_id) if kind in _OF_PRODUCTS else None


def _table(kind: EvidenceKind) -> Table:
    return _TABLES.get(kind, db.documents)


def _only(kind: EvidenceKind) -> list[ColumnElement[bool]]:
    """Documents of three kinds stand in one table."""
    if kind in _TABLES:
        return []
    column = db.documents.c.kind
    return [column == kind.value if kind in _OWN_SHELF else column.not_in([one.value for one in _OWN_SHELF])]
