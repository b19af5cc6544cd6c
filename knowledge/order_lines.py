"""Search by meaning over one customer's own order lines, for the order service alone, with the owner it verified.

The owner is a facet: the rows of that facet are the only ones that are ever scored, so no query, limit or vector can
reach another customer's line. It knows nothing of identity and nothing live: status and money are the order service's.
"""

from __future__ import annotations

import asyncio

from knowledge.entries import owner_facet
from knowledge.models import Evidence
from knowledge.ports import Vectors
from knowledge.question import QuestionReader
from knowledge.retriever import ShelfRanker
from knowledge.shelf import Rows, Shelf

_FEW = 256


class IndexedOrderLines:
    """The OrderLineSearch port over a shelf of order lines."""

    def __init__(self, shelf: Shelf, reader: QuestionReader, ranker: ShelfRanker | None = None) -> None:
        self._shelf, self._reader, self._ranker = shelf, reader, ranker or ShelfRanker()

    async def search_lines(self, owner_id: str, query: str, *, limit: int = 5,
                           vector: Vectors | None = None) -> list[Evidence]:
        """Best first, the owner's lines only; nothing for an owner without lines or an empty owner id."""
        if not owner_id or limit <= 0:
            return []
        rows = self._shelf.facets.rows(owner_facet(owner_id))
        if not len(rows):
            return []
        if vector is not None and len(rows) <= _FEW:  # done sooner than another thread has begun
            return self._search(rows, query, limit, vector)
        return await asyncio.to_thread(self._search, rows, query, limit, vector)

    def _search(self, rows: Rows, query: str, limit: int, vector: Vectors | None) -> list[Evidence]:
        question = self._reader.read(query, vector)
        ranked, scores = self._ranker.rank(self._shelf, question, max(limit, len(rows)), rows)
        best = zip(ranked[:limit], scores[:limit], strict=True)
        return [self._shelf.evidence(int(row), float(score)) for row, score in best]
