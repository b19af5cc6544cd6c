"""A shelf: everything searchable of one kind, as vectors, BM25 postings, facets and the rows themselves.

It knows texts, facets and where its files are within a folder; not where entries come from or how scores are mixed.
Rows that read alike share one text and one vector: a hundred thousand orders buy a few thousand different things.
`shelf_build` makes shelves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.facets import Facets
from knowledge.indexes.faiss_index import FaissIndex
from knowledge.lexical import LexicalIndex
from knowledge.models import Evidence, EvidenceKind
from knowledge.ports import Vectors
from knowledge.row_store import RowStore
from knowledge.terms import mapped, ragged

Rows = NDArray[np.int64]
Array = NDArray[Any]
UNITS_FILE, VECTORS_FILE = "units.json", "vectors.faiss"
_ARRAYS = ("row_text", "row_vector", "text_print", "vector_print", "prices")


@dataclass(frozen=True, slots=True)
class Entry:
    """One searchable thing. `keys` are exact handles (SKUs); `low`/`high` the prices when indexed, a hint only."""

    id: str
    title: str
    text: str
    ref: str = ""
    source: str = ""
    url: str | None = None
    headings: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    meaning: str = ""                 # what the encoder reads; title and text where empty
    keywords: str = ""                # searched by word, never shown
    keys: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()     # (option, value) as written: the vocabulary learns them
    low: float = 0.0
    high: float = 0.0

    @property
    def to_embed(self) -> str:
        return self.meaning or f"{self.title}. {self.text}"

    @property
    def body(self) -> str:
        """What is searched by word, besides the title."""
        return " ".join((self.text, self.keywords, *self.keys))

    @property
    def stored(self) -> dict[str, Any]:
        """What is kept to be shown."""
        row = {"id": self.id, "title": self.title, "text": self.text, "ref": self.ref, "source": self.source,
               "url": self.url, "headings": self.headings, "data": self.data}
        return row | {"options": self.options} if self.options else row


def fingerprint(*texts: str) -> int:
    """64 bits of a hash: enough to tell a shop's texts apart (one mistake in a billion shops of 200,000)."""
    digest = blake2b("\x00".join(texts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class Sharing:
    """Which number each row has, where several rows may have one."""

    def __init__(self, numbers: Array) -> None:
        self.numbers = numbers

    @cached_property
    def _own(self) -> bool:
        return bool((self.numbers == np.arange(len(self.numbers))).all())

    @cached_property
    def _by_number(self) -> tuple[Array, Array]:
        order = np.argsort(self.numbers, kind="stable").astype(np.int32)
        counts = np.bincount(self.numbers)
        return order, np.concatenate([[0], np.cumsum(counts)])

    def of(self, rows: Array) -> Array:
        return np.asarray(self.numbers[rows], dtype=np.int64)

    def distinct(self, rows: Array) -> tuple[Array, Any]:
        """The numbers of these rows, each once where rows share them, and the place of each row among them."""
        if self._own:
            return np.asarray(rows, dtype=np.int64), slice(None)
        numbers, place = np.unique(self.of(rows), return_inverse=True)
        return numbers, place

    def rows(self, numbers: Array) -> Rows:
        """All rows that have one of these numbers."""
        if self._own:
            return numbers.astype(np.int64)
        order, pointer = self._by_number
        return order[ragged(pointer[numbers], pointer[numbers + 1] - pointer[numbers])].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Unit:
    """What rows were made of: one product, order, document or review, as the database had it. Its rows are together."""

    id: str
    hash: str
    rows: int


class Shelf:
    """Read-only and thread-safe."""

    def __init__(self, kind: EvidenceKind, store: RowStore, dense: FaissIndex, lexical: LexicalIndex, facets: Facets,
                 arrays: Mapping[str, Array], folder: Path | None = None, units: tuple[Unit, ...] = ()) -> None:
        self.kind, self.store, self.dense = kind, store, dense
        self.lexical, self.facets, self.arrays, self.folder = lexical, facets, arrays, folder
        self.texts, self.vectors = Sharing(arrays["row_text"]), Sharing(arrays["row_vector"])
        self.prices: Vectors = arrays["prices"]
        self._units = units

    def __len__(self) -> int:
        return len(self.store)

    @cached_property
    def everything(self) -> Rows:
        """All rows."""
        return np.arange(len(self), dtype=np.int64)

    def entry(self, row: int) -> dict[str, Any]:
        return self.store[row]

    def evidence(self, row: int, score: float) -> Evidence:
        """The row as evidence. Prices and stock are not in it."""
        data = self.store[row]
        return Evidence(id=data["id"], kind=self.kind, title=data["title"], text=data["text"], score=score,
                        ref=data["ref"], source=data["source"], url=data["url"], headings=tuple(data["headings"]),
                        data=data["data"])

    def with_words(self, lexical: LexicalIndex) -> Shelf:
        """The same with another index of words over the same texts."""
        return Shelf(self.kind, self.store, self.dense, lexical, self.facets, self.arrays, self.folder, self._units)

    def ids(self) -> list[str]:
        """Of all rows; reads each."""
        return [self.store[row]["id"] for row in range(len(self))]

    def units(self) -> list[Unit]:
        """What the rows were made of, in their order."""
        if self.folder is None:
            return list(self._units)
        found = json.loads((self.folder / UNITS_FILE).read_text(encoding="utf-8"))
        return [Unit(*unit) for unit in found]

    def write(self, folder: Path) -> None:
        """Everything but the rows, which are in `folder` already."""
        folder.mkdir(parents=True, exist_ok=True)
        self.dense.write(folder / VECTORS_FILE)
        self.facets.write(folder)
        self.lexical.write(folder / "lexical")
        np.save(folder / "row_offsets.npy", self.store.offsets, allow_pickle=False)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", self.arrays[name], allow_pickle=False)
        units = [[unit.id, unit.hash, unit.rows] for unit in self.units()]
        (folder / UNITS_FILE).write_text(json.dumps(units, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, kind: EvidenceKind, folder: Path) -> Shelf:
        """Memory-mapped."""
        arrays = {name: mapped(folder / f"{name}.npy") for name in _ARRAYS}
        return cls(kind, RowStore.read(folder), FaissIndex.read(folder / VECTORS_FILE, len(arrays["vector_print"])),
                   LexicalIndex.read(folder / "lexical"), Facets.read(folder), arrays, folder)
