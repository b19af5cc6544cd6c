"""Makes a shelf out of an older one and of what is new, unit by unit, in the order in which it shall stand.

Rows go straight into their file and vectors on their way lie on disk (`encoding`), so memory does not grow with the
shop's texts. It knows entries and shelves; where entries come from is the caller's.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from knowledge.analysis import Analyzer
from knowledge.encoding import EmbedProgress, Encoding
from knowledge.facets import FacetBuilder
from knowledge.indexes.faiss_index import LISTS_FROM
from knowledge.lexical_build import LexicalBuilder
from knowledge.models import EvidenceKind
from knowledge.ports import Embedder
from knowledge.row_store import ROWS_FILE, RowStore, RowWriter
from knowledge.shelf import Entry, Shelf, Unit, fingerprint

Array = NDArray[Any]


def shelve(kind: EvidenceKind, entries: Iterable[Entry], embedder: Embedder, analyzer: Analyzer) -> Shelf:
    """A shelf in memory, each entry a unit of its own."""
    builder = ShelfBuilder(kind, embedder, analyzer)
    for entry in entries:
        builder.add(entry.id, "", [entry])
    return builder.finish()


class ShelfBuilder:
    """`older`: what rows may be kept of. `vectors_from`: where vectors of known texts are; `older` where not given.
    `lenders`: shelves of other kinds that may have a text's vector already.

    Without a `folder` all stays in memory.
    """

    def __init__(self, kind: EvidenceKind, embedder: Embedder, analyzer: Analyzer, *, folder: Path | None = None,
                 older: Shelf | None = None, vectors_from: Shelf | None = None, lenders: Sequence[Shelf] = (),
                 lists_from: int = LISTS_FROM, progress: EmbedProgress | None = None) -> None:
        if older is not None and older.dense.dimension != embedder.dimension:
            older = None
        self._kind, self._folder, self._older, self._lists_from = kind, folder, older, lists_from
        self._stream: BinaryIO = io.BytesIO()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._stream = (folder / ROWS_FILE).open("wb")
        self._rows = RowWriter(self._stream)
        self._encoding = Encoding(embedder, vectors_from or older, lenders, progress)
        self._lexical = LexicalBuilder(analyzer, older.lexical if older else None)
        self._facets = FacetBuilder(older.facets if older else None)
        self._texts = {print_: n for n, print_ in enumerate(older.arrays["text_print"].tolist())} if older else {}
        self._text_prints = list(self._texts)
        self._units: list[Unit] = []
        self._stretches: list[tuple[int, int]] = []       # of older rows; (-1, count) for new ones
        self._new_text, self._new_vector, self._new_prices = array("q"), array("q"), array("f")

    def keep(self, unit: Unit, start: int) -> None:
        """Take over an older unit whose rows begin at `start`."""
        self._units.append(unit)
        if not unit.rows:
            return
        last = self._stretches[-1] if self._stretches else (-1, 0)
        if last[0] >= 0 and last[1] == start:
            self._stretches[-1] = (last[0], start + unit.rows)
        else:
            self._copy()
            self._stretches.append((start, start + unit.rows))

    def add(self, name: str, digest: str, entries: Sequence[Entry]) -> None:
        """A new unit, or another version of one."""
        self._units.append(Unit(name, digest, len(entries)))
        if not entries:
            return
        self._copy()
        for entry in entries:
            self._facets.add(len(self._new_text), entry.facets)
            self._new_text.append(self._text(entry))
            self._new_vector.append(self._encoding.number(entry.to_embed))
            self._new_prices.extend((entry.low, entry.high))
            self._rows.add(entry.stored)
        self._stretches.append((-1, len(entries)))

    def _copy(self) -> None:
        """Write the stretch of older rows that has just ended."""
        if self._stretches and self._stretches[-1][0] >= 0 and self._older is not None:
            self._rows.copy(self._older.store, *self._stretches[-1])

    def _text(self, entry: Entry) -> int:
        print_ = fingerprint(entry.title, entry.body)
        number = self._texts.get(print_)
        if number is None:
            number = self._texts[print_] = self._lexical.add(entry.title, entry.body)
            self._text_prints.append(print_)
        return number

    @property
    def embedded(self) -> int:
        """How many distinct texts had to be encoded so far."""
        return self._encoding.asked

    def close(self) -> None:
        """To be called whatever happened."""
        self._encoding.close()
        self._stream.close()

    def finish(self) -> Shelf:
        """The shelf; written into the folder, if there is one."""
        try:
            return self._finished()
        finally:
            self.close()

    def _finished(self) -> Shelf:
        self._copy()
        store = self._store()
        source = self._source()
        old = source >= 0
        texts, row_text = _first_come(self._gathered(source, "row_text", self._new_text))
        vectors, row_vector = _first_come(self._gathered(source, "row_vector", self._new_vector))
        kept, vectors, row_vector = _old_first(vectors, row_vector, self._encoding.known)
        dense, vector_prints = self._encoding.finish(kept, vectors, self._lists_from)
        arrays: dict[str, Array] = {"row_text": row_text.astype(np.int32), "row_vector": row_vector.astype(np.int32),
                  "text_print": np.asarray(self._text_prints, dtype=np.uint64)[texts], "vector_print": vector_prints,
                  "prices": self._prices(source)}
        place_of_old = np.full(len(self._older) if self._older else 0, -1, dtype=np.int64)
        place_of_old[source[old]] = np.flatnonzero(old)
        facets = self._facets.finish(place_of_old, np.flatnonzero(~old))
        shelf = Shelf(self._kind, store, dense, self._lexical.finish(texts), facets, arrays, None, tuple(self._units))
        if self._folder is not None:
            shelf.write(self._folder)
        return shelf

    def _store(self) -> RowStore:
        offsets = self._rows.offsets()
        if isinstance(self._stream, io.BytesIO):
            return RowStore(np.frombuffer(self._stream.getvalue(), dtype=np.uint8), offsets)
        self._stream.flush()
        assert self._folder is not None
        size = (self._folder / ROWS_FILE).stat().st_size
        data = np.memmap(self._folder / ROWS_FILE, dtype=np.uint8, mode="r") if size else np.empty(0, dtype=np.uint8)
        return RowStore(data, offsets)

    def _source(self) -> Array:
        """Per row the older row that it is, or −1 for a new one."""
        parts = [np.full(end, -1, dtype=np.int64) if start < 0 else np.arange(start, end, dtype=np.int64)
                 for start, end in self._stretches]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def _gathered(self, source: Array, name: str, fresh: array[int]) -> Array:
        """A number per row, the older shelf's or a new one."""
        found = np.empty(len(source), dtype=np.int64)
        old = source >= 0
        if self._older is not None:
            found[old] = self._older.arrays[name][source[old]]
        found[~old] = np.asarray(fresh, dtype=np.int64)
        return found

    def _prices(self, source: Array) -> Array:
        found = np.empty((len(source), 2), dtype=np.float32)
        old = source >= 0
        if self._older is not None:
            found[old] = self._older.prices[source[old]]
        found[~old] = np.asarray(self._new_prices, dtype=np.float32).reshape(-1, 2)
        return found


def _first_come(numbers: Array) -> tuple[Array, Array]:
    """The distinct numbers in order of their first appearance, and per place which of these it is."""
    distinct, first, place = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return distinct[order], rank[place]


def _old_first(numbers: Array, place: Array, known: int) -> tuple[Array, Array, Array]:
    """(those below `known`, the others, `place` for the two behind one another)."""
    old = numbers < known
    rank = np.empty(len(numbers), dtype=np.int64)
    rank[old], rank[~old] = np.arange(old.sum()), old.sum() + np.arange((~old).sum())
    return numbers[old], numbers[~old], rank[place] if len(numbers) else place
