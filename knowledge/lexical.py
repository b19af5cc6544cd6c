"""BM25 over titles and bodies as plain arrays that can be memory-mapped; scoring is numpy over posting lists.

Title and body are one stream of words in which a title's may count more, weighted before saturation (Robertson,
Zaragoza & Taylor 2004, "Simple BM25 Extension to Multiple Weighted Fields"). Postings carry finished weights, so
a query is one addition per term; lists that cannot bring anything into the best rows any more are only looked up in
(MaxScore: Turtle & Flood 1995, "Query evaluation: strategies and optimizations"). It knows terms, fields and row
numbers, nothing of products or ids. `lexical_build` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.terms import TermTable, mapped

Array = NDArray[Any]
ARRAYS = ("doc_ptr", "doc_term", "doc_title_tf", "doc_body_tf", "post_ptr", "post_row", "post_weight", "post_best")
_TERMS = "terms"
_SLACK = np.float32(1 + 1e-5)     # sums of the same weights in another order differ by as much


@dataclass(frozen=True, slots=True)
class Bm25Settings:
    """`k1` saturation, `b` length normalisation, `title_weight` how many hits in the body one in the title is worth."""

    k1: float = 0.9           # product texts repeat words for no good reason: saturate early
    b: float = 0.75
    title_weight: float = 1.0


class LexicalIndex:
    """Rows are numbered as given when it was built. Immutable; thread-safe."""

    def __init__(self, terms: TermTable, arrays: dict[str, Array], settings: Bm25Settings) -> None:
        self.terms, self.arrays, self.settings = terms, arrays, settings
        self.size = len(arrays["doc_ptr"]) - 1
        self._pointer, self._rows = arrays["post_ptr"], arrays["post_row"]
        self._weights, self._best = arrays["post_weight"], arrays["post_best"]

    @property
    def document_frequency(self) -> Array:
        """Rows per term, by the term's number."""
        return np.diff(self._pointer)

    def term_counts(self) -> dict[str, int]:
        """Every term with the number of rows that hold it."""
        return dict(zip(self.terms, self.document_frequency.tolist(), strict=True))

    def idf(self, term: str) -> float:
        """Of an unknown term: that of one seen in a single row."""
        number = self.terms.number(term)
        seen = 0.5 if number is None else float(self._pointer[number + 1] - self._pointer[number])
        return float(np.log1p((self.size - seen + 0.5) / (seen + 0.5)))

    def best_possible(self, terms: Sequence[str]) -> float:
        """The score a row would have that holds every term without end: what scores are compared with."""
        return sum(self.idf(term) for term in set(terms)) * (self.settings.k1 + 1)

    def scores(self, terms: Sequence[str]) -> Array:
        """One BM25 score per row, float32, shape (size,). Zero: no term occurs."""
        total = np.zeros(self.size, dtype=np.float32)
        for number in self._numbers(terms):
            rows, weights = self._list(number)
            total[rows] += weights
        return total

    def scores_of(self, terms: Sequence[str], rows: Array) -> Array:
        """The same for these rows (ascending) only, shape (len(rows),)."""
        total = np.zeros(len(rows), dtype=np.float32)
        for number in self._numbers(terms):
            total += self._weights_of(number, rows)
        return total

    def shares_of(self, readings: Sequence[Sequence[str]], rows: Array) -> Array:
        """Per row (ascending) the best of the readings' scores, each as a share of what it could reach; 0 to 1."""
        found = np.zeros(len(rows), dtype=np.float32)
        weights = {number: self._weights_of(number, rows)
                   for number in dict.fromkeys(n for terms in readings for n in self._numbers(terms))}
        for terms in readings:
            possible = self.best_possible(terms)
            if possible > 0 and (numbers := self._numbers(terms)):
                total = np.add.reduce([weights[number] for number in numbers])
                np.maximum(found, total / np.float32(possible), out=found)
        return found

    def best_shares(self, readings: Sequence[Sequence[str]], limit: int,
                    among: Array | None = None) -> tuple[Array, Array]:
        """The rows with the highest shares above zero, best first; only where `among` (one flag per row) is set."""
        found = [self._top(terms, limit, among) for terms in readings]
        rows = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
        shares = self.shares_of(readings, rows)
        top = best(shares, limit)
        top = top[shares[top] > 0]
        return rows[top], shares[top]

    def search(self, terms: Sequence[str], limit: int, rows: Array | None = None) -> tuple[Array, Array]:
        """Best rows with a score above zero, best first; only `rows` (ascending) when given."""
        among = None
        if rows is not None:
            among = np.zeros(self.size, dtype=bool)
            among[rows] = True
        found = self._top(terms, limit, among)
        scores = self.scores_of(terms, found)
        top = best(scores, limit)
        return found[top], scores[top]

    def rows_with(self, term: str) -> Array:
        """Rows that hold the term, ascending."""
        number = self.terms.number(term)
        return np.empty(0, dtype=np.int32) if number is None else self._list(number)[0]

    def knows(self, term: str) -> bool:
        return self.terms.number(term) is not None

    def write(self, folder: Path) -> None:
        """Plain .npy arrays; nothing is pickled."""
        folder.mkdir(parents=True, exist_ok=True)
        self.terms.write(folder, _TERMS)
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", self.arrays[name], allow_pickle=False)

    @classmethod
    def read(cls, folder: Path, settings: Bm25Settings | None = None) -> LexicalIndex:
        """Memory-mapped."""
        arrays = {name: mapped(folder / f"{name}.npy") for name in ARRAYS}
        return cls(TermTable.read(folder, _TERMS), arrays, settings or Bm25Settings())

    def _numbers(self, terms: Sequence[str]) -> list[int]:
        found = (self.terms.number(term) for term in dict.fromkeys(terms))
        return [number for number in found if number is not None]

    def _list(self, number: int) -> tuple[Array, Array]:
        start, end = int(self._pointer[number]), int(self._pointer[number + 1])
        return self._rows[start:end], self._weights[start:end]

    def _weights_of(self, number: int, rows: Array) -> Array:
        """What the term adds to each of these rows; a look-up per row, so good for few rows of a long list."""
        holding, weights = self._list(number)
        place = np.searchsorted(holding, rows)
        place[place == len(holding)] = 0
        return np.where(holding[place] == rows, weights[place], np.float32(0)) if len(holding) else np.zeros(len(rows))

    def _top(self, terms: Sequence[str], limit: int, among: Array | None) -> Array:
        """Ascending rows among which the `limit` best ones are."""
        numbers = sorted(self._numbers(terms), key=lambda number: -float(self._best[number]))
        rest = np.cumsum([float(self._best[number]) for number in reversed(numbers)])[::-1]
        total, threshold = np.zeros(self.size, dtype=np.float32), 0.0
        found: Array = np.empty(0, dtype=np.int64)
        if limit <= 0:
            return found
        for place, number in enumerate(numbers):
            if rest[place] * _SLACK < threshold:     # rows with nothing but the remaining terms cannot get in
                found = found[total[found] + rest[place] * _SLACK >= threshold]
                return found
            rows, weights = self._list(number)
            if among is not None:
                allowed = among[rows]
                rows, weights = rows[allowed], weights[allowed]
            total[rows] += weights
            found = np.flatnonzero(total)
            if len(found) > limit:
                threshold = float(np.partition(total[found], len(found) - limit)[len(found) - limit])
        near: Array = found[total[found] * _SLACK >= threshold]
        return near


def best(scores: Array, limit: int) -> Array:
    """Positions of the highest scores, best first; of equals the lower position."""
    if limit <= 0 or len(scores) == 0:
        return np.empty(0, dtype=np.int64)
    if limit < len(scores):
        threshold = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        candidates = np.flatnonzero(scores >= threshold)
    else:
        candidates = np.arange(len(scores))
    order = np.argsort(-scores[candidates], kind="stable")[:limit]
    chosen: Array = candidates[order]
    return chosen
