"""The shop's products, documents, reviews and price history, read live from the database. It writes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from sqlalchemy import Column, Select, Table, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db, native
from knowledge.keys import letters_and_digits
from knowledge.models import Chunk, Document, EvidenceKind, PricePoint, Product, Review
from knowledge.parsed import product_of
from knowledge.reading import reads
from knowledge.records import chunk_from, document_from

PAGE = 1000          # rows per round trip
_VARIANT = [select(db.variants.c.product_id).where(column == bindparam("key"))
            .order_by(db.variants.c.product_id, db.variants.c.position).limit(1)
            for column in (db.variants.c.id, db.variants.c.sku_key)]


class SqlCatalogue:
    """The Catalogue port, and what else the search index is built from."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._reads = engine, reads(engine)

    async def product(self, product_id: str) -> Product | None:
        found = await self.products([product_id])
        return found[0] if found else None

    async def products(self, ids: Iterable[str]) -> list[Product]:
        return [product_of(body) for body in await self._bodies(db.products, db.products.c.id, ids)]

    async def product_of_variant(self, variant_id: str) -> Product | None:
        """By variant id, else by SKU, which is compared by its letters and digits."""
        for query, key in zip(_VARIANT, (variant_id, letters_and_digits(variant_id)), strict=True):
            if found := await self._reads.all(query, key=key):
                return await self.product(found[0][0])
        return None

    async def all_products(self) -> AsyncIterator[Product]:
        """In file order."""
        async for row in self._stream(select(db.products.c.body), db.products):
            yield native.product_from(json.loads(row.body))

    async def titles(self) -> dict[str, str]:
        query = select(db.products.c.id, db.products.c.title).order_by(db.products.c.source, db.products.c.position)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return await asyncio.to_thread(dict, map(tuple, rows))      # of a large catalogue that takes a while

    async def document(self, document_id: str) -> Document | None:
        bodies = await self._bodies(db.documents, db.documents.c.id, [document_id])
        return document_from(json.loads(bodies[0])) if bodies else None

    async def all_documents(self, *kinds: EvidenceKind) -> AsyncIterator[Document]:
        """Every document, or those of `kinds`; solved cases and curated answers are documents too."""
        query = select(db.documents.c.body)
        if kinds:
            query = query.where(db.documents.c.kind.in_([kind.value for kind in kinds]))
        async for row in self._stream(query, db.documents):
            yield document_from(json.loads(row.body))

    async def chunks_of(self, document_id: str) -> list[Chunk]:
        table = db.chunks
        query = select(table.c.body).where(table.c.document_id == document_id).order_by(table.c.position)
        async with self._engine.connect() as connection:
            return [chunk_from(json.loads(row.body)) for row in await connection.execute(query)]

    async def chunks(self, ids: Iterable[str]) -> list[Chunk]:
        """Those of `ids` that exist, in the order asked for."""
        return [chunk_from(json.loads(body)) for body in await self._bodies(db.chunks, db.chunks.c.id, ids)]

    async def reviews_of(self, product_id: str, limit: int = 100) -> list[Review]:
        table = db.reviews
        query = select(table.c.body).where(table.c.product_id == product_id).order_by(table.c.position).limit(limit)
        async with self._engine.connect() as connection:
            return [native.review_from(json.loads(row.body)) for row in await connection.execute(query)]

    async def all_reviews(self) -> AsyncIterator[Review]:
        async for row in self._stream(select(db.reviews.c.body), db.reviews):
            yield native.review_from(json.loads(row.body))

    async def prices_of(self, variant_id: str) -> list[PricePoint]:
        """The price history, oldest first."""
        query = select(db.prices.c.body).where(db.prices.c.variant_id == variant_id)
        async with self._engine.connect() as connection:
            points = [native.price_from(json.loads(row.body)) for row in await connection.execute(query)]
        return sorted(points, key=lambda point: point.at)

    async def rows(self, table: Table) -> AsyncIterator[dict[str, Any]]:
        """The stored bodies of any kind, in file order."""
        async for row in self._stream(select(table.c.body), table):
            yield json.loads(row.body)

    async def counts(self) -> dict[str, int]:
        """Rows per kind."""
        names = ("products", "customers", "orders", "documents", "chunks", "reviews", "prices", "interactions")
        async with self._engine.connect() as connection:
            return {name: (await connection.execute(select(func.count()).select_from(getattr(db, name)))).scalar_one()
                    for name in names}

    async def _stream(self, query: Select[Any], table: Table) -> AsyncIterator[Any]:
        ordered = query.order_by(table.c.source, table.c.position, table.c.id)
        async with self._engine.connect() as connection:
            result = await connection.stream(ordered.execution_options(yield_per=PAGE))
            async for row in result:
                yield row

    async def _bodies(self, table: Table, key: Column[str], ids: Iterable[str]) -> list[str]:
        """The stored texts of those ids that there are, in the order asked for."""
        wanted = list(ids)
        found = dict(map(tuple, await self._reads.among(key, wanted, key, table.c.body)))
        return [found[one] for one in wanted if one in found]
