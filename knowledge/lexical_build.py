"""Makes a LexicalIndex, from texts or from an older index and what is new: the words of kept rows are never read again.

It knows terms, fields and row numbers, nothing of products or ids.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.analysis import Analyzer
from knowledge.lexical import Bm25Settings, LexicalIndex
from knowledge.terms import TermTable, ragged

Array = NDArray[Any]
_MOST = np.iinfo(np.uint16).max


def build_lexical(rows: Iterable[tuple[str, str]], analyzer: Analyzer,
                  settings: Bm25Settings | None = None) -> LexicalIndex:
    """`rows`: (title, body) texts."""
    builder = LexicalBuilder(analyzer, settings=settings)
    numbers = [builder.add(title, body) for title, body in rows]
    return builder.finish(np.asarray(numbers, dtype=np.int64))


class LexicalBuilder:
    """Numbers of the older index's rows stay; `add` gives the numbers that follow them; `finish` says which remain."""

    def __init__(self, analyzer: Analyzer, older: LexicalIndex | None = None,
                 settings: Bm25Settings | None = None) -> None:
        self._analyzer, self._older = analyzer, older
        self._settings = settings or (older.settings if older else Bm25Settings())
        self._known_terms = len(older.terms) if older else 0
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._pointer, self._term, self._title, self._body = array("q", [0]), array("i"), array("i"), array("i")
        self._first = older.size if older else 0

    def add(self, title: str, body: str) -> int:
        """The number of the new row. Keeps about 12 bytes per distinct term of a row."""
        in_title, in_body = Counter(self._analyzer.terms(title)), Counter(self._analyzer.terms(body))
        words, numbers = in_title | in_body, self._numbers
        for word in words:
            if word not in numbers:
                self._learn(word)
        self._term.extend([numbers[word] for word in words])
        self._title.extend([min(in_title[word], _MOST) for word in words])
        self._body.extend([min(in_body[word], _MOST) for word in words])
        self._pointer.append(len(self._term))
        return self._first + len(self._pointer) - 2

    def _learn(self, word: str) -> None:
        known = self._older.terms.number(word) if self._older else None
        if known is None:
            known = self._known_terms + len(self._names)
            self._names.append(word)
        self._numbers[word] = known

    def finish(self, rows: Array) -> LexicalIndex:
        """An index of these rows, in this order; words that none of them holds are forgotten."""
        pointer, term, title, body = self._gathered(rows)
        counts = np.bincount(term, minlength=self._known_terms + len(self._names))
        used = np.flatnonzero(counts)
        if len(used) < len(counts):
            renumbered = np.cumsum(counts > 0, dtype=np.int32) - 1
            term, counts = renumbered[term].astype(np.int32), counts[used]
        forward = {"doc_ptr": pointer, "doc_term": term, "doc_title_tf": title, "doc_body_tf": body}
        return LexicalIndex(self._terms(used), forward | inverted(forward, counts, self._settings), self._settings)

    def _terms(self, used: Array) -> TermTable:
        old, new = used[used < self._known_terms], used[used >= self._known_terms] - self._known_terms
        names = [self._names[number] for number in new.tolist()]
        return self._older.terms.taking(old, names) if self._older else TermTable.of(names)

    def _gathered(self, rows: Array) -> tuple[Array, Array, Array, Array]:
        """(pointer, term, title count, body count) of the rows, from the older index and from what was added."""
        fresh = {"doc_ptr": np.frombuffer(self._pointer, dtype=np.int64), "doc_term": _ints(self._term, np.int32),
                 "doc_title_tf": _ints(self._title, np.uint16), "doc_body_tf": _ints(self._body, np.uint16)}
        if self._older is None and len(rows) == len(fresh["doc_ptr"]) - 1 and (np.diff(rows) == 1).all():
            return fresh["doc_ptr"], fresh["doc_term"], fresh["doc_title_tf"], fresh["doc_body_tf"]
        sources = [(rows >= self._first, rows - self._first, fresh)]
        if self._older is not None:
            sources.append((rows < self._first, rows, self._older.arrays))
        lengths = np.zeros(len(rows), dtype=np.int64)
        for chosen, numbers, arrays in sources:
            lengths[chosen] = np.diff(arrays["doc_ptr"])[numbers[chosen]]
        pointer = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        gathered = [np.empty(int(pointer[-1]), dtype=kind) for kind in (np.int32, np.uint16, np.uint16)]
        for chosen, numbers, arrays in sources:
            here = ragged(pointer[:-1][chosen], lengths[chosen])
            there = ragged(np.asarray(arrays["doc_ptr"])[numbers[chosen]], lengths[chosen])
            for target, name in zip(gathered, ("doc_term", "doc_title_tf", "doc_body_tf"), strict=True):
                target[here] = arrays[name][there]
        return pointer, gathered[0], gathered[1], gathered[2]


def _ints(values: array[int], kind: Any) -> Array:
    return np.frombuffer(values, dtype=np.int32).astype(kind) if len(values) else np.empty(0, dtype=kind)


def inverted(forward: dict[str, Array], counts: Array, settings: Bm25Settings) -> dict[str, Array]:
    """The postings, with the finished weight of each and the highest weight of each term."""
    size = len(forward["doc_ptr"]) - 1
    rows = np.repeat(np.arange(size, dtype=np.int32), np.diff(forward["doc_ptr"]))
    weight = _weights(forward, rows, size, counts, settings)
    order = np.argsort(forward["doc_term"], kind="stable")
    pointer = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    weight = weight[order]
    best = np.maximum.reduceat(weight, pointer[:-1]) if len(weight) else np.empty(0, dtype=np.float32)
    return {"post_ptr": pointer, "post_row": rows[order], "post_weight": weight, "post_best": best}


def _weights(forward: dict[str, Array], rows: Array, size: int, counts: Array, settings: Bm25Settings) -> Array:
    """The finished BM25 weight of each (row, term)."""
    tf = settings.title_weight * forward["doc_title_tf"].astype(np.float32) + forward["doc_body_tf"]
    length = np.bincount(rows, weights=tf, minlength=size)
    mean = length.mean() if size and length.any() else 1.0
    norm = (1 - settings.b + settings.b * length / mean).astype(np.float32)
    pseudo = tf / norm[rows] if len(rows) else tf
    idf = np.log1p((size - counts + 0.5) / (counts + 0.5)).astype(np.float32)
    found: Array = (idf[forward["doc_term"]] * pseudo * (settings.k1 + 1) / (settings.k1 + pseudo)).astype(np.float32)
    return found
