"""Vectors of texts that are read again and again, known before anybody asks.

What the shop's documents say is encoded when it is taken in (or when the shop is opened, in the background) and kept in
one memory-mapped file per encoder; what customers make us read besides (product pages, titles) is remembered while
there is room. It knows texts, not what they mean to anyone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.catalogue import SqlCatalogue
from knowledge.entries import chunk_entry
from knowledge.ports import Embedder, Vectors
from knowledge.sentences import in_place, sentences
from knowledge.shelf import Entry

log = logging.getLogger("shopclerk.search")

FOLDER = "sentences"
_MEMORY = 8192            # texts remembered beside the file: 6 MB of half floats
_AT_ONCE = 128            # texts encoded before looking whether to stop
_LOOSE = 1.5              # texts are encoded together while the longest is at most this much longer than the shortest
_SHORT = 24               # characters by which a short one may be longer, too: a run of its own costs more

Half = NDArray[np.float16]


class KnownVectors:
    """An Embedder that encodes nothing twice. Blocking; thread-safe."""

    def __init__(self, inner: Embedder, path: Path | None = None) -> None:
        self._inner, self._path = inner, path
        self.name, self.dimension = inner.name, inner.dimension
        self._row: dict[int, int] = {}
        self._vectors: Half = np.empty((0, inner.dimension), dtype=np.float16)
        self._recent: OrderedDict[int, Half] = OrderedDict()
        self._lock = threading.Lock()
        self._stopped = False
        if path is not None and path.is_file():
            self._take_over(path)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit rows, shape (len(texts), dimension)."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        missing: dict[str, list[int]] = {}
        with self._lock:
            for place, text in enumerate(texts):
                vector = self._known(_key(text))
                if vector is None:
                    missing.setdefault(text, []).append(place)
                else:
                    rows[place] = vector
        for group in _alike(missing):
            for text, vector in zip(group, self._inner.embed(group), strict=True):
                half = vector.astype(np.float16)         # as it will be remembered: the same text, the same vector
                rows[missing[text]] = half
                self._remember(_key(text), half)
        return rows

    def knows(self, texts: Iterable[str]) -> bool:
        """Whether `embed` has nothing to encode."""
        with self._lock:
            return all((key := _key(text)) in self._row or key in self._recent for text in texts)

    def learn(self, texts: Iterable[str]) -> int:
        """Know exactly these texts from now on, beside the recent ones; how many had to be encoded."""
        wanted = {_key(text): text for text in texts}
        fresh = [text for key, text in wanted.items() if key not in self._row]
        if not fresh and len(wanted) == len(self._row):
            return 0
        encoded: dict[int, Vectors] = {}
        for group in _alike(fresh):
            for start in range(0, len(group), _AT_ONCE):
                part = group[start:start + _AT_ONCE]
                if self._stopped:
                    return 0
                encoded |= zip(map(_key, part), self._inner.embed(part), strict=True)
        table = np.empty(len(wanted), dtype=self._row_type)
        table["key"] = list(wanted)
        for place, key in enumerate(wanted):
            table["vector"][place] = encoded[key] if key in encoded else self._vectors[self._row[key]]
        self._keep(table)
        return len(encoded)

    def stop(self) -> None:
        """Learning ends at the next opportunity; what is known stays."""
        self._stopped = True

    @property
    def _row_type(self) -> np.dtype[np.void]:
        return np.dtype([("key", "<u8"), ("vector", "<f2", (self.dimension,))])

    def _known(self, key: int) -> Half | None:
        if (row := self._row.get(key)) is not None:
            known: Half = self._vectors[row]
            return known
        if (recent := self._recent.get(key)) is not None:
            self._recent.move_to_end(key)
        return recent

    def _remember(self, key: int, vector: Half) -> None:
        with self._lock:
            self._recent[key] = vector
            while len(self._recent) > _MEMORY:
                self._recent.popitem(last=False)

    def _keep(self, table: NDArray[np.void]) -> None:
        """On the disk where the folder may be written, in memory anyway."""
        if self._path is not None:
            scratch = self._path.with_suffix(f".{os.getpid()}")
            with contextlib.suppress(OSError):      # a full disk, a read-only folder: known until the process ends
                self._path.parent.mkdir(exist_ok=True)
                with scratch.open("wb") as file:
                    np.save(file, table, allow_pickle=False)
                scratch.replace(self._path)
        self._use(table)

    def _take_over(self, path: Path) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError):   # a damaged file, or an encoder of another size: learnt anew
            table = np.load(path, mmap_mode="r", allow_pickle=False)
            if table.dtype == self._row_type:
                self._use(table)

    def _use(self, table: NDArray[np.void]) -> None:
        row = {int(key): place for place, key in enumerate(table["key"])}
        with self._lock:
            self._row, self._vectors = row, table["vector"]


async def vectors_of(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Encoded in another thread; what is known is at hand sooner than that begins."""
    if isinstance(embedder, KnownVectors) and embedder.knows(texts):
        return embedder.embed(texts)
    return await asyncio.to_thread(embedder.embed, texts)


def load_known(directory: Path, embedder: Embedder) -> KnownVectors:
    """The encoder of a shop's folder with what is known there."""
    return KnownVectors(embedder, directory / FOLDER / f"{embedder.name}.npy")


@contextlib.asynccontextmanager
async def open_known(directory: Path, embedder: Embedder, catalogue: SqlCatalogue) -> AsyncIterator[KnownVectors]:
    """The encoder of an opened shop; what its documents say and is not known yet is learnt in the background."""
    known = load_known(directory, embedder)
    learning = asyncio.create_task(learn_documents(known, catalogue))
    try:
        yield known
    finally:
        known.stop()
        for failure in await asyncio.gather(learning, return_exceptions=True):
            if isinstance(failure, Exception):
                log.warning("the documents' sentences could not be encoded beforehand: %s", failure)


async def learn_documents(known: KnownVectors, catalogue: SqlCatalogue) -> int:
    """Know what the documents say now; how many texts had to be encoded."""
    entries = [chunk_entry(chunk, document) async for document in catalogue.all_documents()
               for chunk in await catalogue.chunks_of(document.id)]
    return await asyncio.to_thread(known.learn, texts_of(entries))


def texts_of(entries: Iterable[Entry]) -> Iterator[str]:
    """Passages and their sentences as an `Extractor` reads them."""
    for entry in entries:
        for text in (entry.text, *sentences(entry.text)):
            yield in_place(text, entry.headings, entry.title)


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _alike(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts of similar length together: a short one that runs with a long one costs as much as that."""
    group: list[str] = []
    for text in sorted(texts, key=len):
        if group and len(text) > max(len(group[0]) * _LOOSE, len(group[0]) + _SHORT):
            yield group
            group = []
        group.append(text)
    if group:
        yield group
