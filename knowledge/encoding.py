"""Texts on their way to vectors: each distinct one is encoded once, on another thread while more texts are gathered.

Vectors lie in a temporary file until the index is made of them. It knows texts, vectors and shelves that may have some.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.indexes.faiss_index import FaissIndex
from knowledge.ports import Embedder, Vectors
from knowledge.shelf import Shelf, fingerprint

Array = NDArray[Any]
EmbedProgress = Callable[[int, int], None]
_AT_ONCE = 2048           # texts per lot: enough for batches of one length each
_WAITING = 4              # lots that may wait for the encoder before gathering pauses


class Encoding:
    """Gives each distinct text a number. Numbers below `known` are those of the vectors that `older` has."""

    def __init__(self, embedder: Embedder, older: Shelf | None, lenders: Sequence[Shelf],
                 progress: EmbedProgress | None) -> None:
        self._embedder, self._progress = embedder, progress
        self._older = older if older and older.dense.dimension == embedder.dimension else None
        self._lenders = [(one.dense, _numbers(one)) for one in lenders if one.dense.dimension == embedder.dimension]
        self._numbers = _numbers(self._older) if self._older else {}
        self._prints = list(self._numbers)
        self.known = len(self._prints)
        self._waiting: list[str | Vectors] = []
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this object; `close` closes it
        self._thread = ThreadPoolExecutor(1, "encoder")
        self._lots: list[Future[int]] = []
        self._done = self.asked = 0           # texts encoded, texts to be encoded

    def number(self, text: str) -> int:
        """The number of the text's vector, which may not be there yet."""
        print_ = fingerprint(text)
        number = self._numbers.get(print_)
        if number is None:
            number = self._numbers[print_] = len(self._prints)
            self._prints.append(print_)
            lent = self._lent(print_)
            self._waiting.append(text if lent is None else lent)
            self.asked += lent is None
            if len(self._waiting) >= _AT_ONCE:
                self._send()
        return number

    def _lent(self, print_: int) -> Vectors | None:
        for dense, numbers in self._lenders:
            if (number := numbers.get(print_)) is not None:
                vector: Vectors = dense.vectors(np.asarray([number]))[0]
                return vector
        return None

    def _send(self) -> None:
        while len(self._lots) >= _WAITING:
            self._report(self._lots.pop(0).result())
        self._lots.append(self._thread.submit(self._encode, self._waiting))
        self._waiting = []

    def _encode(self, waiting: Sequence[str | Vectors]) -> int:
        texts = [one for one in waiting if isinstance(one, str)]
        vectors = np.empty((len(waiting), self._embedder.dimension), dtype=np.float32)
        mine = np.fromiter((isinstance(one, str) for one in waiting), dtype=bool, count=len(waiting))
        if texts:
            vectors[mine] = self._embedder.embed(texts)
        if len(texts) < len(waiting):
            vectors[~mine] = np.stack([one for one in waiting if not isinstance(one, str)])
        self._file.write(vectors.tobytes())
        return len(texts)

    def _report(self, count: int) -> None:
        self._done += count
        if self._progress and count:
            self._progress(self._done, self.asked)

    def finish(self, kept: Array, fresh: Array, lists_from: int) -> tuple[FaissIndex, Array]:
        """An index of the older vectors `kept`, then of the new ones `fresh`; and the prints of both."""
        if self._waiting:
            self._send()
        for lot in self._lots:
            self._report(lot.result())
        self._lots = []
        new, wanted = self._written(), fresh - self.known
        more = new if len(wanted) == len(new) and (np.diff(wanted) == 1).all() else new[wanted]
        dense = (self._older.dense.renumbered(kept, more, lists_from=lists_from) if self._older and len(kept)
                 else FaissIndex.build(more, lists_from=lists_from))
        return dense, np.asarray(self._prints, dtype=np.uint64)[np.concatenate([kept, fresh])]

    def _written(self) -> Vectors:
        self._file.flush()
        shape = (len(self._prints) - self.known, self._embedder.dimension)
        if not shape[0]:
            return np.empty(shape, dtype=np.float32)
        return np.memmap(self._file, dtype=np.float32, mode="r", shape=shape)

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._file.close()


def _numbers(shelf: Shelf) -> dict[int, int]:
    """Text's print → its vector's number."""
    prints: Mapping[int, Any] = dict.fromkeys(shelf.arrays["vector_print"].tolist())
    return {print_: number for number, print_ in enumerate(prints)}
