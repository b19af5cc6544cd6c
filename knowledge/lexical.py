"""BM25 over titles and bodies as plain arrays that can be memory-mapped; scoring is numpy over posting lists.

Title and body are one stream of words in which a title's may count more, weighted before saturation (Robertson,
Zaragoza & Taylor 2004, "Simple BM25 Extension to Multiple Weighted Fields"). Postings carry finished weights, so
a query is one addition per term. It knows terms, fields and row numbers, nothing of products or ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.analysis import Analyzer

Array = NDArray[Any]
_ARRAYS = ("doc_ptr", "doc_term", "doc_title_tf", "doc_body_tf", "post_ptr", "post_row", "post_weight")
_TERMS = "terms.txt"


@dataclass(frozen=True, slots=True)
class Bm25Settings:
    """`k1` saturation, `b` length normalisation, `title_weight` how many hits in the body one in the title is worth."""

    k1: float = 0.9           # product texts repeat words for no good reason: saturate early
    b: float = 0.75
    title_weight: float = 1.0


class LexicalIndex:
    """Rows are numbered as given to `build`. Immutable; thread-safe."""

    def __init__(self, terms: Sequence[str], arrays: dict[str, Array], settings: Bm25Settings) -> None:
        self.terms, self.arrays, self.settings = terms, arrays, settings
        self.number = {term: i for i, term in enumerate(terms)}
        self.size = len(arrays["doc_ptr"]) - 1
        self.document_frequency = np.diff(arrays["post_ptr"])

    @classmethod
    def build(cls, rows: Iterable[tuple[str, str]], analyzer: Analyzer,
              settings: Bm25Settings | None = None) -> LexicalIndex:
        """`rows`: (title, body) texts. Streams; keeps about 12 bytes per distinct term of a row."""
        forward = _Forward()
        for title, body in rows:
            forward.add(analyzer.terms(title), analyzer.terms(body))
        return cls._inverted(forward.terms, forward.arrays(), settings or Bm25Settings())

    @classmethod
    def _inverted(cls, terms: Sequence[str], arrays: dict[str, Array], settings: Bm25Settings) -> LexicalIndex:
        size = len(arrays["doc_ptr"]) - 1
        rows = np.repeat(np.arange(size, dtype=np.int32), np.diff(arrays["doc_ptr"]))
        weight = _weights(arrays, rows, size, len(terms), settings)
        order = np.argsort(arrays["doc_term"], kind="stable")
        counts = np.bincount(arrays["doc_term"], minlength=len(terms))
        postings: dict[str, Array] = {"post_ptr": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
                    "post_row": rows[order], "post_weight": weight[order]}
        return cls(terms, {**arrays, **postings}, settings)

    def term_counts(self) -> dict[str, int]:
        """Every term with the number of rows that hold it."""
        return dict(zip(self.terms, self.document_frequency.tolist(), strict=True))

    def idf(self, term: str) -> float:
        """Of an unknown term: that of one seen in a single row."""
        number = self.number.get(term)
        seen = 0.5 if number is None else float(self.document_frequency[number])
        return float(np.log1p((self.size - seen + 0.5) / (seen + 0.5)))

    def best_possible(self, terms: Sequence[str]) -> float:
        """The score a row would have that holds every term without end: what scores are compared with."""
        return sum(self.idf(term) for term in set(terms)) * (self.settings.k1 + 1)

    def scores(self, terms: Sequence[str]) -> Array:
        """One BM25 score per row, float32, shape (size,). Zero: no term occurs."""
        total = np.zeros(self.size, dtype=np.float32)
        for term in dict.fromkeys(terms):
            number = self.number.get(term)
            if number is not None:
                part = slice(*self.arrays["post_ptr"][number:number + 2])
                total[self.arrays["post_row"][part]] += self.arrays["post_weight"][part]
        return total

    def shares(self, readings: Sequence[Sequence[str]]) -> Array:
        """Per row the best of the readings' scores, each as a share of what it could reach; float32 in 0..1."""
        found = np.zeros(self.size, dtype=np.float32)
        for terms in readings:
            possible = self.best_possible(terms)
            if possible > 0:
                np.maximum(found, self.scores(terms) / np.float32(possible), out=found)
        return found

    def rows_with(self, term: str) -> Array:
        """Rows that hold the term, ascending."""
        number = self.number.get(term)
        if number is None:
            return np.empty(0, dtype=np.int32)
        rows: Array = self.arrays["post_row"][slice(*self.arrays["post_ptr"][number:number + 2])]
        return rows

    def search(self, terms: Sequence[str], limit: int, rows: Array | None = None) -> tuple[Array, Array]:
        """Best rows with a score above zero, best first; only `rows` (ascending) when given."""
        scores = self.scores(terms)
        if rows is not None:
            scores = scores[rows]
        top = best(scores, limit)
        top = top[scores[top] > 0]
        return (top if rows is None else rows[top]), scores[top]

    def write(self, folder: Path) -> None:
        """Plain .npy arrays and a list of terms; nothing is pickled."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _TERMS).write_text("\n".join(self.terms), encoding="utf-8")
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", self.arrays[name], allow_pickle=False)

    @classmethod
    def read(cls, folder: Path, settings: Bm25Settings | None = None) -> LexicalIndex:
        """Memory-mapped."""
        text = (folder / _TERMS).read_text(encoding="utf-8")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
        return cls(text.split("\n") if text else [], arrays, settings or Bm25Settings())


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


class _Forward:
    """Grows the row → terms table."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._pointer, self._term, self._title, self._body = [0], _Ints(), _Ints(), _Ints()

    @property
    def terms(self) -> list[str]:
        return list(self._number)

    def add(self, title: Sequence[str], body: Sequence[str]) -> None:
        counts: dict[int, list[int]] = {}
        for field, words in enumerate((title, body)):
            for word in words:
                number = self._number.setdefault(word, len(self._number))
                counts.setdefault(number, [0, 0])[field] += 1
        for number, (in_title, in_body) in counts.items():
            self._term.append(number)
            self._title.append(in_title)
            self._body.append(in_body)
        self._pointer.append(len(self._term.values))

    def arrays(self) -> dict[str, Array]:
        return {"doc_ptr": np.asarray(self._pointer, dtype=np.int64), "doc_term": self._term.array(np.int32),
                "doc_title_tf": self._title.array(np.uint16), "doc_body_tf": self._body.array(np.uint16)}


class _Ints:
    """A growing array of machine integers: four bytes each, where a list of ints takes 36."""

    def __init__(self) -> None:
        from array import array

        self.values = array("i")
        self.append = self.values.append

    def array(self, kind: Any) -> Array:
        return np.minimum(np.frombuffer(self.values, dtype=np.int32), np.iinfo(kind).max).astype(kind) \
            if self.values else np.empty(0, dtype=kind)


def _weights(arrays: dict[str, Array], rows: Array, size: int, terms: int, settings: Bm25Settings) -> Array:
    """The finished BM25 weight of each (row, term)."""
    tf = settings.title_weight * arrays["doc_title_tf"].astype(np.float64) + arrays["doc_body_tf"]
    length = np.bincount(rows, weights=tf, minlength=size)
    mean = length.mean() if size and length.any() else 1.0
    pseudo = tf / (1 - settings.b + settings.b * length / mean)[rows] if len(rows) else tf
    seen = np.bincount(arrays["doc_term"], minlength=terms)
    idf = np.log1p((size - seen + 0.5) / (seen + 0.5))
    return (idf[arrays["doc_term"]] * pseudo * (settings.k1 + 1) / (settings.k1 + pseudo)).astype(np.float32)
