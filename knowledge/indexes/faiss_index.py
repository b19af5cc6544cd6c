"""A vector index over numbered unit vectors: FAISS inner product, exact while small, inverted lists when large.

It knows vectors and their numbers, nothing of ids, texts or shops. Inverted lists (IVF: Jégou et al. 2011, "Product
quantization for nearest neighbor search", without the quantization) hold half floats, which lose nothing that can be
seen; they are built ten times faster than a graph and take additions and removals in place. Searches are thread-safe.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.ports import Vectors

faiss: Any = _faiss       # its type stubs know neither the Python overloads nor the lists' members
Numbers = NDArray[np.int64]

LISTS_FROM = 10_000       # flat takes 0.7 ms there, lists 0.1 at recall@100 0.99
_PROBES = 64              # lists that are looked at: recall@100 0.993 at 20,000, 0.999 at 190,000
_EXACT_UP_TO = 4_096      # so few allowed vectors are scored one by one: exact, and faster than probing
_SAMPLE = 40              # vectors per list that training looks at
_ADD_AT_ONCE = 20_000
_GROWN = 2.0              # from so many times what the lists were trained on (or so few) they are trained anew


class FaissIndex:
    """Unit vectors numbered from 0. Higher scores are more similar."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self.dimension: int = index.d
        if not self.exact:
            self._lists = faiss.downcast_index(index)
            self._lists.make_direct_map(True)

    @classmethod
    def build(cls, vectors: Vectors, *, lists_from: int = LISTS_FROM) -> FaissIndex:
        """`vectors`, shape (count, dimension), may be a memory-mapped file of any float type."""
        count, dimension = vectors.shape
        if count < max(lists_from, 2):
            index = faiss.IndexFlatIP(dimension)
        else:
            index = _trained(vectors)
        for start in range(0, count, _ADD_AT_ONCE):
            index.add(np.ascontiguousarray(vectors[start:start + _ADD_AT_ONCE], dtype=np.float32))
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def exact(self) -> bool:
        """Whether every search is exact (flat), not approximate (lists)."""
        return isinstance(self._index, faiss.IndexFlat)

    def renumbered(self, kept: Numbers, more: Vectors, *, lists_from: int = LISTS_FROM) -> FaissIndex:
        """A new index of the vectors `kept` (each at most once), numbered in this order, and then of `more`."""
        count = len(kept) + len(more)
        if self.exact or count < lists_from or not self._fits(count):
            return FaissIndex.build(np.concatenate([self.vectors(kept), more]), lists_from=lists_from)
        fresh = faiss.deserialize_index(faiss.serialize_index(self._index))     # a mapped one cannot be changed
        fresh.set_direct_map_type(faiss.DirectMap.NoMap)
        place = np.full(len(self), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        gone = np.flatnonzero(place < 0)
        if len(gone):
            fresh.remove_ids(gone)
        _renumber(fresh, place)
        if len(more):
            numbers = np.arange(len(kept), count, dtype=np.int64)
            fresh.add_with_ids(np.ascontiguousarray(more, dtype=np.float32), numbers)
        return FaissIndex(fresh)

    def _fits(self, count: int) -> bool:
        lists = _lists_for(count)
        return bool(lists / _GROWN ** 0.5 <= self._lists.nlist <= lists * _GROWN ** 0.5)

    def search(self, query: Vectors, limit: int, among: Numbers | None = None) -> tuple[Numbers, Vectors]:
        """The most similar numbers with their inner product, best first; only those of `among` (ascending) if given.

        Fewer come back only when fewer exist: a filter widens the search instead of emptying it.
        """
        query = np.ascontiguousarray(query, dtype=np.float32).reshape(1, self.dimension)
        limit = min(limit, len(self) if among is None else len(among))
        if limit <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if among is not None and len(among) <= _EXACT_UP_TO:
            return self._score_each(query, limit, among)
        found, scores = self._search_selected(query, limit, among)
        if len(found) < limit:  # the lists looked at held too few that are allowed: then look at each
            return self._score_each(query, limit, np.arange(len(self)) if among is None else among)
        return found, scores

    def similarity(self, query: Vectors, numbers: Numbers) -> Vectors:
        """The inner product of each of these with the query, shape (len(numbers),)."""
        scores: Vectors = self.vectors(numbers) @ np.asarray(query, dtype=np.float32).reshape(-1)
        return scores

    def vectors(self, numbers: Numbers) -> Vectors:
        """The stored vectors, one row per number."""
        if len(numbers) == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        stored: Vectors = self._index.reconstruct_batch(np.ascontiguousarray(numbers, dtype=np.int64))
        return stored

    def write(self, path: Path) -> None:
        """FAISS's own file format."""
        fresh = path.with_name(f".{path.name}.writing")  # never into a file that may be mapped, by this index even
        faiss.write_index(self._index, str(fresh))
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path, count: int) -> FaissIndex:
        """Memory-mapped. ValueError when the file does not hold `count` vectors."""
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise ValueError(f"{path}: {error}") from error
        if index.ntotal != count:
            raise ValueError(f"{path} holds {index.ntotal} vectors, not {count}")
        return cls(index)

    def _score_each(self, query: Vectors, limit: int, numbers: Numbers) -> tuple[Numbers, Vectors]:
        scores = self.vectors(numbers) @ query[0]
        order = np.argsort(-scores, kind="stable")[:limit]
        return numbers[order], scores[order]

    def _search_selected(self, query: Vectors, limit: int, among: Numbers | None) -> tuple[Numbers, Vectors]:
        faiss.omp_set_num_threads(1)  # for this thread: with two on two busy cores a search takes five times as long
        options: dict[str, Any] = {} if self.exact else {"nprobe": _PROBES}
        if among is not None:
            bits = np.zeros(len(self), dtype=np.uint8)
            bits[among] = 1
            bitmap = np.packbits(bits, bitorder="little")
            options["sel"] = faiss.IDSelectorBitmap(bitmap)
            if not self.exact:     # so many lists that as many allowed vectors are seen as without a filter
                options["nprobe"] = min(self._lists.nlist, _PROBES * len(self) // len(among))
        kind = faiss.SearchParameters if self.exact else faiss.SearchParametersIVF
        scores, found = self._index.search(query, limit, params=kind(**options) if options else None)
        held = found[0] >= 0
        return found[0][held], scores[0][held]


def _lists_for(count: int) -> int:
    return max(1, min(int(4 * count ** 0.5), count // 4))


def _trained(vectors: Vectors) -> Any:
    """Empty lists whose centres suit these vectors; always the same for the same vectors."""
    count, dimension = vectors.shape
    lists = _lists_for(count)
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dimension), dimension, lists,
                                          faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False)
    index.cp.seed, index.cp.niter, index.cp.min_points_per_centroid = 7, 6, 1
    index.cp.spherical = True
    places = np.random.default_rng(7).permutation(count)[:lists * _SAMPLE]
    index.train(np.ascontiguousarray(vectors[np.sort(places)], dtype=np.float32))
    return index


def _renumber(index: Any, place: Numbers) -> None:
    """Give every vector in the lists its new number."""
    lists = index.invlists
    for number in range(index.nlist):
        size = lists.list_size(number)
        if size:
            ids = faiss.rev_swig_ptr(lists.get_ids(number), size)
            ids[:] = place[ids]
