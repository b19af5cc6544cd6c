"""Search by meaning over one customer's own order lines, for the order service alone, with the owner it verified.

The owner is a facet: the rows of that facet are the only ones that are ever scored, so no query, limit or vector can
reach another customer's line. It knows nothing of identity and nothing live: status and money are the order service's.
"""

from __future__ import annotations

import asyncio

from knowledge.analysis import Analyzer
from knowledge.entries import owner_facet
from knowledge.models import Evidence
from knowledge.ports import Embedder, Vectors
from knowledge.retriever import Question, ShelfRanker
from knowledge.shelf import Shelf


class IndexedOrderLines:
    """The OrderLineSearch port over a shelf of order lines."""

    def __init__(self, shelf: Shelf, embedder: Embedder, analyzer: Analyzer, ranker: ShelfRanker | None = None) -> None:
        self._shelf, self._embedder, self._analyzer = shelf, embedder, analyzer
        self._ranker = ranker or ShelfRanker(analyzer)

    async def search_lines(self, owner_id: str, query: str, *, limit: int = 5,
                           vector: Vectors | None = None) -> list[Evidence]:
        """Best first, the owner's lines only; nothing for an owner without lines or an empty owner id."""
        if not owner_id or limit <= 0:
            return []
        return await asyncio.to_thread(self._search, owner_id, query, limit, vector)

    def _search(self, owner_id: str, query: str, limit: int, vector: Vectors | None) -> list[Evidence]:
        rows = self._shelf.facets.rows(owner_facet(owner_id))
        if not len(rows):
            return []
        if vector is None:
            vector = self._embedder.embed([query])[0]
        question = Question(query, tuple(self._analyzer.terms(query)), vector.reshape(-1))
        ranked, scores = self._ranker.rank(self._shelf, question, max(limit, len(rows)), rows)
        best = zip(ranked[:limit], scores[:limit], strict=True)
        return [self._shelf.evidence(int(row), float(score)) for row, score in best]
