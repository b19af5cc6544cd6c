"""A shelf: everything searchable of one kind, as vectors, BM25 postings, facets and the rows themselves.

It knows texts, facets and where its files are within a folder; not where entries come from or how scores are mixed.
Rows are numbered 0..n-1 alike in all parts, so a filter is one sorted array of row numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.analysis import Analyzer
from knowledge.indexes.faiss_index import HNSW_FROM, FaissIndex
from knowledge.lexical import LexicalIndex
from knowledge.models import Evidence, EvidenceKind
from knowledge.ports import Embedder, Vectors

Rows = NDArray[np.int64]
EmbedProgress = Callable[[int, int], None]
_EMBED_AT_ONCE = 512


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
    low: float = 0.0
    high: float = 0.0

    @property
    def to_embed(self) -> str:
        return self.meaning or f"{self.title}. {self.text}"

    @property
    def fingerprint(self) -> str:
        """Changes when anything searchable or shown changes."""
        return _digest(json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, default=str))

    @property
    def meaning_fingerprint(self) -> str:
        """Changes when the vector does."""
        return _digest(self.to_embed)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()


class RowStore:
    """JSON lines with an array of offsets, memory-mapped: a row costs nothing until it is asked for."""

    def __init__(self, data: Any, offsets: NDArray[np.int64]) -> None:
        self._data, self._offsets = data, offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> dict[str, Any]:
        start, end = int(self._offsets[row]), int(self._offsets[row + 1])
        found: dict[str, Any] = json.loads(bytes(self._data[start:end]))
        return found

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> RowStore:
        parts = [json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n" for row in rows]
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        return cls(np.frombuffer(b"".join(parts), dtype=np.uint8), offsets)

    def write(self, folder: Path) -> None:
        (folder / "rows.jsonl").write_bytes(bytes(self._data))
        np.save(folder / "row_offsets.npy", self._offsets, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> RowStore:
        path = folder / "rows.jsonl"
        data = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.empty(0, dtype=np.uint8)
        return cls(data, np.load(folder / "row_offsets.npy", mmap_mode="r", allow_pickle=False))


class Facets:
    """Facet string → the rows that have it, ascending."""

    def __init__(self, names: Sequence[str], pointer: NDArray[np.int64], rows: Rows) -> None:
        self._number = {name: i for i, name in enumerate(names)}
        self._pointer, self._rows = pointer, rows

    @property
    def names(self) -> list[str]:
        return list(self._number)

    def rows(self, name: str) -> Rows:
        number = self._number.get(name)
        if number is None:
            return np.empty(0, dtype=np.int64)
        found: Rows = self._rows[self._pointer[number]:self._pointer[number + 1]]
        return found

    @classmethod
    def of(cls, facets: Sequence[Sequence[str]]) -> Facets:
        postings: dict[str, list[int]] = {}
        for row, names in enumerate(facets):
            for name in set(names):
                postings.setdefault(name, []).append(row)
        counts = [len(rows) for rows in postings.values()]
        flat = [row for rows in postings.values() for row in rows]
        pointer = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(list(postings), pointer, np.asarray(flat, dtype=np.int64))

    def write(self, folder: Path) -> None:
        (folder / "facets.json").write_text(json.dumps(self.names, ensure_ascii=False), encoding="utf-8")
        np.save(folder / "facet_pointer.npy", self._pointer, allow_pickle=False)
        np.save(folder / "facet_rows.npy", self._rows, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> Facets:
        names = json.loads((folder / "facets.json").read_text(encoding="utf-8"))
        return cls(names, np.load(folder / "facet_pointer.npy", mmap_mode="r", allow_pickle=False),
                   np.load(folder / "facet_rows.npy", mmap_mode="r", allow_pickle=False))


class Shelf:
    """Read-only and thread-safe; `build` makes a new one and reuses the vectors of an older one."""

    def __init__(self, kind: EvidenceKind, store: RowStore, dense: FaissIndex, lexical: LexicalIndex, facets: Facets,
                 prices: Vectors) -> None:
        self.kind, self.store, self.dense = kind, store, dense
        self.lexical, self.facets, self.prices = lexical, facets, prices

    def __len__(self) -> int:
        return len(self.store)

    def entry(self, row: int) -> dict[str, Any]:
        return self.store[row]

    def evidence(self, row: int, score: float) -> Evidence:
        """The row as evidence. Prices and stock are not in it."""
        data = self.store[row]
        return Evidence(id=data["id"], kind=self.kind, title=data["title"], text=data["text"], score=score,
                        ref=data["ref"], source=data["source"], url=data["url"], headings=tuple(data["headings"]),
                        data=data["data"])

    @classmethod
    def build(cls, kind: EvidenceKind, entries: Sequence[Entry], embedder: Embedder, analyzer: Analyzer, *,
              older: Shelf | None = None, hnsw_from: int = HNSW_FROM,
              progress: EmbedProgress | None = None) -> tuple[Shelf, int]:
        """The shelf and how many texts had to be embedded. Of entries with one id the last wins."""
        unique = list({entry.id: entry for entry in entries}.values())
        vectors, embedded = _vectors(unique, embedder, older, progress)
        dense = FaissIndex(embedder.dimension, hnsw_from=hnsw_from)
        dense.upsert([entry.id for entry in unique], vectors)
        lexical = LexicalIndex.build(((e.title, _body(e)) for e in unique), analyzer)
        prices = np.asarray([(e.low, e.high) for e in unique], dtype=np.float32).reshape(-1, 2)
        store = RowStore.of(_stored(entry) for entry in unique)
        return cls(kind, store, dense, lexical, Facets.of([e.facets for e in unique]), prices), embedded

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.dense.write(folder / "vectors.faiss")
        self.store.write(folder)
        self.facets.write(folder)
        self.lexical.write(folder / "lexical")
        np.save(folder / "prices.npy", self.prices, allow_pickle=False)
        (folder / "ids.json").write_text(json.dumps(self.dense.ids, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, kind: EvidenceKind, folder: Path, *, hnsw_from: int = HNSW_FROM) -> Shelf:
        """Memory-mapped."""
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
        return cls(kind, RowStore.read(folder), FaissIndex.read(folder / "vectors.faiss", ids, hnsw_from=hnsw_from),
                   LexicalIndex.read(folder / "lexical"), Facets.read(folder),
                   np.load(folder / "prices.npy", mmap_mode="r", allow_pickle=False))


def _body(entry: Entry) -> str:
    return " ".join((entry.text, entry.keywords, *entry.keys))


def _stored(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "title": entry.title, "text": entry.text, "ref": entry.ref, "source": entry.source,
            "url": entry.url, "headings": entry.headings, "data": entry.data,
            "print": entry.fingerprint, "meaning_print": entry.meaning_fingerprint}


def _vectors(entries: Sequence[Entry], embedder: Embedder, older: Shelf | None,
             progress: EmbedProgress | None) -> tuple[Vectors, int]:
    """One vector per entry: taken over where the text that made it is unchanged, else embedded."""
    vectors = np.empty((len(entries), embedder.dimension), dtype=np.float32)
    missing = []
    for position, entry in enumerate(entries):
        row = older.dense.row_of(entry.id) if older and older.dense.dimension == embedder.dimension else None
        if older and row is not None and older.entry(row)["meaning_print"] == entry.meaning_fingerprint:
            vectors[position] = older.dense.vectors([entry.id])[0]
        else:
            missing.append(position)
    for start in range(0, len(missing), _EMBED_AT_ONCE):
        part = missing[start:start + _EMBED_AT_ONCE]
        vectors[part] = embedder.embed([entries[i].to_embed for i in part])
        if progress:
            progress(min(start + len(part), len(missing)), len(missing))
    return vectors, len(missing)
