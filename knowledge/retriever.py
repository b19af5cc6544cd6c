"""Hybrid search over the shelves: words and meaning fused, constraints checked on live data.

A filter is never silently dropped: what comes back fulfils the constraints as the catalogue has them now, and the
search widens until enough is found or everything was looked at. It knows no prices of its own and no customers' orders.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from knowledge.analysis import Analyzer
from knowledge.filters import allowed_rows, priced_right
from knowledge.fusion import FusionSettings, fuse
from knowledge.lexical import best
from knowledge.matching import Matcher, single_wishes
from knowledge.models import Evidence, EvidenceKind
from knowledge.ports import Catalogue, Constraints, Vectors
from knowledge.query import ParsedQuery, QueryParser
from knowledge.question import Question, QuestionReader
from knowledge.rerankers import Reranker
from knowledge.shelf import Rows, Sharing, Shelf

Flags = NDArray[np.bool_]
T = TypeVar("T")
DEPTH = 100               # candidates from each side
CHANGED = 50              # of the rows whose price was wrong at the last ingest, so many are asked what it is now
WHOLE_UP_TO = 512         # shelves of which every row is judged
EACH_UP_TO = 4_096        # so few rows are judged one by one, which is exact and faster than asking the indexes
_ASK = 10                 # products read from the catalogue at a time while a filter is checked
_WIDEN = 4                # how much deeper to look each time a filter left too few
_MANY = 4_096             # rows from which ranking takes more than a millisecond
_REMEMBERED = 512         # queries: the stages of a turn ask the same one
PUBLIC_KINDS = (EvidenceKind.PRODUCT, EvidenceKind.DOCUMENT, EvidenceKind.ANSWER, EvidenceKind.CASE,
                EvidenceKind.REVIEW)


class ShelfRanker:
    """Ranks one shelf's rows for a question. Blocking; thread-safe."""

    def __init__(self, settings: FusionSettings | None = None, *, dense: bool = True, lexical: bool = True,
                 reranker: Reranker | None = None) -> None:
        self._settings, self._reranker = settings or FusionSettings(), reranker
        self._dense, self._lexical = dense, lexical

    def rank(self, shelf: Shelf, question: Question, depth: int, rows: Rows | None = None) -> tuple[Rows, Vectors]:
        """Row numbers and scores, best first; only `rows` (ascending) when given. At most 2 × depth, and what reads
        like one of them."""
        nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if not len(shelf) or (rows is not None and not len(rows)):
            return nothing
        if rows is None and len(shelf) <= WHOLE_UP_TO:
            rows = shelf.everything
        elif rows is not None and len(rows) == len(shelf) > EACH_UP_TO:
            rows = None     # all are allowed: the same is found without asking so of each
        if rows is not None and len(rows) <= EACH_UP_TO:
            found, words, cosine = self._best_of(shelf, question, depth, rows)
        else:
            found = self._candidates(shelf, question, depth, rows)
            words, cosine = self._judged(shelf, question, found)
        if not len(found):
            return nothing
        ranked, scores = self._fused(question, found, words, cosine, given=False)
        return self._reranked(shelf, question, ranked, scores) if self._reranker else (ranked, scores)

    def rank_given(self, shelf: Shelf, question: Question, rows: Rows) -> tuple[Rows, Vectors]:
        """All of `rows`, reordered: for candidates that are known to be about the matter."""
        return self._fused(question, rows, *self._judged(shelf, question, rows), given=True)

    def _best_of(self, shelf: Shelf, question: Question, depth: int,
                 rows: Rows) -> tuple[Rows, Vectors, Vectors]:
        """The best of a few rows by words and by meaning, each of them judged: no index is asked."""
        words, cosine = self._judged(shelf, question, rows)
        by_words = best(words, depth)
        places = by_words[words[by_words] > 0]
        if self._means(question):
            places = np.union1d(places, best(cosine, depth))
        places = np.sort(places)
        return rows[places], words[places], cosine[places]

    def _candidates(self, shelf: Shelf, question: Question, depth: int, rows: Rows | None) -> Rows:
        """Ascending rows: the best by words, the best by meaning, and all that share a text or a vector with them."""
        found = [np.empty(0, dtype=np.int64)]
        if self._lexical:
            texts, _ = shelf.lexical.best_shares(question.readings, depth, _flags(shelf.texts, rows, shelf.lexical.size))
            found.append(shelf.texts.rows(texts))
        if self._means(question) and question.vector is not None:
            among = None if rows is None else shelf.vectors.distinct(rows)[0]
            vectors, _ = shelf.dense.search(question.vector, depth, among)
            found.append(shelf.vectors.rows(vectors))
        near = np.unique(np.concatenate(found))
        return near if rows is None else np.intersect1d(near, rows, assume_unique=True)

    def _judged(self, shelf: Shelf, question: Question, rows: Rows) -> tuple[Vectors, Vectors]:
        """Of each row how well its words and its meaning fit, both 0 to 1 (or less, for opposite meanings)."""
        words = cosine = np.zeros(len(rows), dtype=np.float32)
        if self._lexical:
            texts, place = shelf.texts.distinct(rows)
            words = shelf.lexical.shares_of(question.readings, texts)[place]
        if self._dense and question.vector is not None:
            vectors, place = shelf.vectors.distinct(rows)
            cosine = shelf.dense.similarity(question.vector, vectors)[place]
        return words, cosine

    def _means(self, question: Question) -> bool:
        return self._dense and question.vector is not None

    def _fused(self, question: Question, rows: Rows, words: Vectors, cosine: Vectors, *,
               given: bool) -> tuple[Rows, Vectors]:
        share = self._settings.share(natural=question.natural, given=given) if self._lexical else 0.0
        scores = fuse(words, cosine, share if self._means(question) else 1.0)
        order = np.argsort(-scores, kind="stable")
        return rows[order], scores[order]

    def _reranked(self, shelf: Shelf, question: Question, rows: Rows, scores: Vectors) -> tuple[Rows, Vectors]:
        """The first few in a new order; those below keep theirs and stay below."""
        assert self._reranker is not None
        few = self._reranker.depth
        texts = [f"{entry['title']}. {entry['text']}" for entry in map(shelf.entry, rows[:few].tolist())]
        fresh = self._reranker.rerank(question.text, texts, scores[:few])
        order = np.argsort(-fresh, kind="stable")
        ordered = np.sort(scores[:few])[::-1]  # scores stay on the fused scale, comparable between shelves
        return np.concatenate([rows[:few][order], rows[few:]]), np.concatenate([ordered, scores[few:]])


class HybridRetriever:
    """The Search port. `catalogue` is read live for every product that a constraint concerns."""

    def __init__(self, shelves: Mapping[EvidenceKind, Shelf], reader: QuestionReader, catalogue: Catalogue,
                 parser: QueryParser, analyzer: Analyzer, matcher: Matcher, *,
                 ranker: ShelfRanker | None = None) -> None:
        self.shelves, self._reader, self._catalogue, self._parser = shelves, reader, catalogue, parser
        self._analyzer, self._matcher, self._ranker = analyzer, matcher, ranker or ShelfRanker()
        self._ranks: dict[tuple[EvidenceKind, str, bytes], tuple[Rows, Vectors]] = {}
        self._lock = threading.Lock()
        self.understand = lru_cache(maxsize=_REMEMBERED)(self._understand)

    async def search(self, query: str, *, kinds: tuple[EvidenceKind, ...] = (),
                     constraints: Constraints | None = None, limit: int = 10,
                     vector: Vectors | None = None) -> list[Evidence]:
        """Best first. Constraints concern products only; without them they are parsed from the query."""
        parsed = self.understand(query) if constraints is None else ParsedQuery(query, constraints)
        asked = {kind: shelf for kind in kinds or PUBLIC_KINDS if (shelf := self.shelves.get(kind)) and len(shelf)}
        limited = asked.get(EvidenceKind.PRODUCT) if not parsed.constraints.empty else None
        free = [shelf for shelf in asked.values() if shelf is not limited]
        rows = sum(map(len, asked.values())) if vector is not None else _MANY   # without a vector the encoder is asked
        question, ranked = await _aside(rows, self._ranked, parsed.text or query, vector, free, limit)
        fitting: list[Evidence] = []
        if limited is not None:
            fitting = await self._constrained(limited, question, parsed.constraints, limit)
        place = {kind: i for i, kind in enumerate(asked)}
        found: list[tuple[float, int, Callable[[], Evidence]]] = [
            (score, place[shelf.kind], partial(shelf.evidence, row, score)) for shelf, row, score in ranked]
        found += [(one.score, place[one.kind], partial(replace, one)) for one in fitting]
        return [read() for _, _, read in sorted(found, key=lambda item: (-item[0], item[1]))[:limit]]

    def _ranked(self, text: str, vector: Vectors | None, shelves: Iterable[Shelf],
                limit: int) -> tuple[Question, list[tuple[Shelf, int, float]]]:
        """The question made ready, and the best rows of shelves on which nothing is limited."""
        question = self._reader.read(text, vector)
        return question, [(shelf, row, score) for shelf in shelves
                          for row, score in self._best_rows(shelf, question, limit)]

    def _understand(self, query: str) -> ParsedQuery:
        """The query parsed, without the guesses that nothing in the shop bears out."""
        parsed = self._parser.parse(self._reader.mended(query))
        shelf = self.shelves.get(EvidenceKind.PRODUCT)
        if shelf is None or parsed.constraints.empty:
            return parsed
        return believable(parsed, shelf, self._analyzer)

    async def nearest(self, query: str, constraints: Constraints, *,
                      limit: int = 5) -> list[tuple[Evidence, list[str]]]:
        """When nothing fits everything: what comes nearest, with the names of the wishes it misses, fewest first."""
        question = await asyncio.to_thread(self._reader.read, query)
        shelf = self.shelves.get(EvidenceKind.PRODUCT)
        if shelf is None:
            return []
        rows, scores = await asyncio.to_thread(self._ranker.rank, shelf, question, DEPTH)
        refs = {shelf.entry(int(row))["ref"]: (int(row), float(score)) for row, score in zip(rows, scores, strict=True)}
        products = await self._catalogue.products(refs)
        judged = [(self._matcher.missed(product, constraints), *refs[product.id]) for product in products]
        judged.sort(key=lambda item: (len(item[0]), -item[2]))
        return [(shelf.evidence(row, score), missed) for missed, row, score in judged[:limit]]

    def _best_rows(self, shelf: Shelf, question: Question, limit: int) -> list[tuple[int, float]]:
        """Remembered for a while: what is searched for an answer was searched to understand the message."""
        vector = b"" if question.vector is None else question.vector.tobytes()
        key = (shelf.kind, question.text, vector)
        known = self._ranks.get(key)
        if known is None or limit > DEPTH:
            known = self._ranker.rank(shelf, question, max(DEPTH, limit))
            with self._lock:
                while len(self._ranks) >= _REMEMBERED:
                    del self._ranks[next(iter(self._ranks))]
                self._ranks[key] = known
        rows, scores = known
        return list(zip(rows[:limit].tolist(), scores[:limit].tolist(), strict=True))

    async def _constrained(self, shelf: Shelf, question: Question, wanted: Constraints,
                           limit: int) -> list[Evidence]:
        rows = await _aside(len(shelf), allowed_rows, shelf, wanted, self._analyzer)
        everything = np.arange(len(shelf), dtype=np.int64) if rows is None else rows
        right = await _aside(len(everything), priced_right, shelf, wanted, everything)
        found = await self._verified(shelf, question, wanted, limit, everything[right])
        if len(found) < limit and not right.all():  # a price may have changed since: ask the best of the others, too
            found += await self._verified(shelf, question, wanted, limit - len(found), everything[~right], CHANGED)
        return found

    async def _verified(self, shelf: Shelf, question: Question, wanted: Constraints, limit: int,
                        rows: Rows, most: int | None = None) -> list[Evidence]:
        """The best of `rows` that the catalogue says fit now; looks deeper until enough do, or `most` were asked."""
        found: list[Evidence] = []
        asked: set[int] = set()
        depth = max(DEPTH, limit)
        most = len(rows) if most is None else min(most, len(rows))
        while len(found) < limit and len(asked) < most:
            ranked, scores = await _aside(len(shelf), self._ranker.rank, shelf, question, depth, rows)
            fresh = [(int(r), float(s)) for r, s in zip(ranked, scores, strict=True) if int(r) not in asked]
            fresh = fresh[:most - len(asked)]
            if not fresh:
                break
            asked.update(row for row, _ in fresh)
            for start in range(0, len(fresh), _ASK):
                if len(found) < limit:
                    found += await self._that_fit(shelf, fresh[start:start + _ASK], wanted, limit - len(found))
            depth *= _WIDEN
        return found

    async def _that_fit(self, shelf: Shelf, ranked: Sequence[tuple[int, float]], wanted: Constraints,
                        limit: int) -> list[Evidence]:
        refs = {row: shelf.entry(row)["ref"] for row, _ in ranked}
        products = {product.id: product for product in await self._catalogue.products(refs.values())}
        found: list[Evidence] = []
        for row, score in ranked:
            product = products.get(refs[row])
            if product and (variants := self._matcher.variants(product, wanted)):
                evidence = shelf.evidence(row, score)
                found.append(replace(evidence, data={**evidence.data, "variant_ids": [v.id for v in variants]}))
                if len(found) == limit:
                    break
        return found


async def _aside(rows: int, work: Callable[..., T], *args: Any) -> T:
    """In another thread where it may take long; over few rows it is done sooner than another thread has begun."""
    return await asyncio.to_thread(work, *args) if rows >= _MANY else work(*args)


def believable(parsed: ParsedQuery, shelf: Shelf, analyzer: Analyzer) -> ParsedQuery:
    """Drop a wish that was only guessed when nothing that has it is what the query is about.

    "apple watch strap" names no brand if no strap is by Apple; "large tv" no size if no TV comes in large.
    """
    kept = parsed.constraints
    if not parsed.unsure or not parsed.head:
        return parsed
    about = shelf.lexical.rows_with(parsed.head)
    if not len(about):
        return parsed
    for name, wish in single_wishes(kept):
        guessed = name in parsed.unsure
        rows = allowed_rows(shelf, wish, analyzer) if guessed else None
        if rows is not None and not len(np.intersect1d(rows, about)):
            kept = _without(kept, name, wish)
    return replace(parsed, constraints=kept)


def _without(constraints: Constraints, name: str, wish: Constraints) -> Constraints:
    if name == "brand":
        return replace(constraints, brands=())
    if name == "category":
        return replace(constraints, categories=())
    return replace(constraints, options=tuple(pair for pair in constraints.options if pair not in wish.options))


def _flags(sharing: Sharing, rows: Rows | None, size: int) -> Flags | None:
    """One flag per text: whether one of `rows` has it."""
    if rows is None:
        return None
    flags = np.zeros(size, dtype=bool)
    flags[sharing.of(rows)] = True
    return flags
