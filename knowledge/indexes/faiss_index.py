"""A vector index under our own string ids: FAISS inner product, flat while small, HNSW when large.

It knows vectors and ids, nothing of texts, files' folders or shops. Rows are append-only inside FAISS and deletes are
tombstones, so a row number never comes to mean something else; `compacted` drops the dead rows.
HNSW: Malkov & Yashunin 2016, "Efficient and robust approximate nearest neighbor search using HNSW graphs".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.ports import Vectors

faiss: Any = _faiss       # its type stubs know neither the Python overloads nor HNSW's members
Rows = NDArray[np.int64]

HNSW_FROM = 50_000       # flat at 50k × 384 costs about 5 ms on one core; below that exact is cheap
_LINKS, _BUILD, _SEARCH = 32, 80, 64
_EXACT_UP_TO = 4_096     # so few allowed rows are scored one by one: exact, and faster than walking a filtered graph


class FaissIndex:
    """Unit vectors by string id. Higher scores are more similar. Reads are thread-safe, writes are not."""

    def __init__(self, dimension: int, *, hnsw_from: int = HNSW_FROM) -> None:
        self.dimension, self.hnsw_from = dimension, hnsw_from
        self._index: Any = faiss.IndexFlatIP(dimension)
        self._ids: list[str] = []                 # by row; "" where the row is dead
        self._rows: dict[str, int] = {}           # only live rows
        self._mapped = False                      # FAISS cannot add to a mapped file: the first write copies it

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, id: str) -> bool:
        return id in self._rows

    @property
    def ids(self) -> list[str]:
        """The live ids, in order of insertion."""
        return list(self._rows)

    @property
    def exact(self) -> bool:
        """Whether every search is exact (flat), not approximate (HNSW)."""
        return isinstance(self._index, faiss.IndexFlat)

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add, or replace where an id is known; of an id given twice the last wins. Shape (len(ids), dimension)."""
        if vectors.shape != (len(ids), self.dimension):
            raise ValueError(f"{len(ids)} ids need vectors of shape {(len(ids), self.dimension)}, not {vectors.shape}")
        if not ids:
            return
        if self._mapped:
            self._index, self._mapped = faiss.deserialize_index(faiss.serialize_index(self._index)), False
        start = len(self._ids)
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        for offset, id in enumerate(ids):
            self._bury(id)
            self._ids.append(id)
            self._rows[id] = start + offset
        if self.exact and len(self) >= self.hnsw_from:
            self._become_hnsw()

    def delete(self, ids: Iterable[str]) -> int:
        """Forget these; unknown ones are ignored. Returns how many were there."""
        return sum(self._bury(id) for id in ids)

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The stored vectors, one row per id. KeyError for an unknown id."""
        return self._stored(np.asarray([self._rows[id] for id in ids], dtype=np.int64))

    def search(self, query: Vectors, limit: int, *, allowed: Iterable[str] | None = None) -> list[tuple[str, float]]:
        """The `limit` most similar ids with their inner product, best first; only `allowed` ones when given.

        Fewer come back only when fewer exist: a filter widens the search instead of emptying it.
        """
        rows = None
        if allowed is not None:
            rows = np.asarray(sorted({self._rows[id] for id in allowed if id in self._rows}), dtype=np.int64)
        found, scores = self.search_rows(query, limit, rows)
        return [(self._ids[row], float(score)) for row, score in zip(found, scores, strict=True)]

    def search_rows(self, query: Vectors, limit: int, rows: Rows | None = None) -> tuple[Rows, Vectors]:
        """As `search`, by row number; `rows` are sorted live rows."""
        query = np.ascontiguousarray(query, dtype=np.float32).reshape(1, self.dimension)
        available = len(self._rows) if rows is None else len(rows)
        limit = min(limit, available)
        if limit <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if rows is not None and len(rows) <= _EXACT_UP_TO:
            return self._score_each(query, limit, rows)
        found, scores = self._search_selected(query, limit, rows)
        if len(found) < limit:  # a filtered graph can be cut off from its matches: then look at each
            return self._score_each(query, limit, self._live() if rows is None else rows)
        return found, scores

    def similarity(self, query: Vectors, rows: Rows) -> Vectors:
        """The inner product of each of these rows with the query, shape (len(rows),)."""
        scores: Vectors = self._stored(rows) @ np.asarray(query, dtype=np.float32).reshape(-1)
        return scores

    def row_of(self, id: str) -> int | None:
        return self._rows.get(id)

    def id_of(self, row: int) -> str:
        return self._ids[row]

    def compacted(self) -> FaissIndex:
        """A copy without dead rows; itself when there are none."""
        if len(self._rows) == len(self._ids):
            return self
        fresh = FaissIndex(self.dimension, hnsw_from=self.hnsw_from)
        fresh.upsert(self.ids, self.vectors(self.ids))
        return fresh

    def write(self, path: Path) -> None:
        """FAISS's own file format; the ids are the caller's to keep (`ids`), so compact first."""
        if len(self._rows) != len(self._ids):
            raise ValueError("dead rows cannot be written: call compacted() first")
        fresh = path.with_name(f".{path.name}.writing")  # never into a file that may be mapped, by this index even
        faiss.write_index(self._index, str(fresh))
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path, ids: Sequence[str], *, hnsw_from: int = HNSW_FROM) -> FaissIndex:
        """Memory-mapped. ValueError when `ids` does not fit the file."""
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        if index.ntotal != len(ids):
            raise ValueError(f"{path} holds {index.ntotal} vectors for {len(ids)} ids")
        opened = cls(index.d, hnsw_from=hnsw_from)
        opened._index, opened._ids, opened._mapped = index, list(ids), True
        opened._rows = {id: row for row, id in enumerate(opened._ids)}
        if not isinstance(index, faiss.IndexFlat):
            index.hnsw.efSearch = _SEARCH
        return opened

    def _bury(self, id: str) -> bool:
        row = self._rows.pop(id, None)
        if row is None:
            return False
        self._ids[row] = ""
        return True

    def _live(self) -> Rows:
        return np.sort(np.fromiter(self._rows.values(), dtype=np.int64, count=len(self._rows)))

    def _stored(self, rows: Rows) -> Vectors:
        if len(rows) == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        stored: Vectors = self._index.reconstruct_batch(rows)
        return stored

    def _score_each(self, query: Vectors, limit: int, rows: Rows) -> tuple[Rows, Vectors]:
        scores = self._stored(rows) @ query[0]
        order = np.argsort(-scores, kind="stable")[:limit]
        return rows[order], scores[order]

    def _search_selected(self, query: Vectors, limit: int, rows: Rows | None) -> tuple[Rows, Vectors]:
        faiss.omp_set_num_threads(1)  # for this thread: a query over 20k takes 3 ms so, 17 ms on two busy cores
        parameters, bitmap = None, None
        if rows is not None or len(self._rows) < len(self._ids):
            bits = np.zeros(len(self._ids), dtype=np.uint8)
            bits[self._live() if rows is None else rows] = 1
            bitmap = np.packbits(bits, bitorder="little")
            selector = faiss.IDSelectorBitmap(bitmap)
            parameters = (faiss.SearchParameters(sel=selector) if self.exact
                          else faiss.SearchParametersHNSW(sel=selector, efSearch=max(_SEARCH, 2 * limit)))
        elif not self.exact:
            parameters = faiss.SearchParametersHNSW(efSearch=max(_SEARCH, limit))
        scores, found = self._index.search(query, limit, params=parameters)
        kept = found[0] >= 0
        return found[0][kept], scores[0][kept]

    def _become_hnsw(self) -> None:
        live = self.ids
        vectors = self.vectors(live)
        self._index = faiss.IndexHNSWFlat(self.dimension, _LINKS, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction, self._index.hnsw.efSearch = _BUILD, _SEARCH
        self._index.add(vectors)
        self._ids, self._rows = live, {id: row for row, id in enumerate(live)}
