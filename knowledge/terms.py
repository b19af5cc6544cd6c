"""Many distinct strings with numbers, as arrays that can be memory-mapped: a shop's million words cost no Python object.

A string is found by its hash, then compared; what was found is remembered. It knows strings and numbers, no language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_REMEMBERED = 20_000      # look-ups kept per table


class TermTable:
    """Immutable; a string's number is its place in what the table was made of. Thread-safe."""

    def __init__(self, data: Array, pointer: Array, hashes: Array, order: Array | None = None) -> None:
        """`hashes` in the order of the numbers; with `order` they are sorted already, by it."""
        self._data, self._pointer = data, pointer
        self._order = np.argsort(hashes, kind="stable").astype(np.int32) if order is None else order
        self._sorted = hashes[self._order] if order is None else hashes
        self._known: dict[str, int | None] = {}

    @classmethod
    def of(cls, terms: Iterable[str]) -> TermTable:
        """Every string must be there once only."""
        parts = [term.encode() for term in terms]
        pointer = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        data = np.frombuffer(b"".join(parts), dtype=np.uint8)
        return cls(data, pointer, np.fromiter(map(_hash, parts), dtype=np.uint64, count=len(parts)))

    def __len__(self) -> int:
        return len(self._pointer) - 1

    def __getitem__(self, number: int) -> str:
        return bytes(self._data[self._pointer[number]:self._pointer[number + 1]]).decode()

    def __iter__(self) -> Iterator[str]:
        data, ends = bytes(self._data), self._pointer.tolist()
        return (data[start:end].decode() for start, end in pairwise(ends))

    def number(self, term: str) -> int | None:
        """None for a string that is not here."""
        try:
            return self._known[term]
        except KeyError:
            found = self._look_up(term.encode())
            if len(self._known) < _REMEMBERED:
                self._known[term] = found
            return found

    def _look_up(self, term: bytes) -> int | None:
        wanted = np.uint64(_hash(term))
        place = int(np.searchsorted(self._sorted, wanted))
        while place < len(self._sorted) and self._sorted[place] == wanted:
            number = int(self._order[place])
            if bytes(self._data[self._pointer[number]:self._pointer[number + 1]]) == term:
                return number
            place += 1
        return None

    def taking(self, numbers: Array, more: Iterable[str] = ()) -> TermTable:
        """A new table of these numbers' strings, in this order, and then of `more`."""
        lengths = np.diff(self._pointer)[numbers]
        kept = self._data[ragged(np.asarray(self._pointer)[numbers], lengths)]
        fresh = TermTable.of(more)
        pointer = np.concatenate([[0], np.cumsum(np.concatenate([lengths, np.diff(fresh._pointer)]))]).astype(np.int64)
        hashes = np.concatenate([self._hashes()[numbers], fresh._hashes()])
        return TermTable(np.concatenate([kept, fresh._data]), pointer, hashes)

    def shapes(self) -> tuple[Array, Array, Array]:
        """Per string: how many characters, its first and its last byte (0 for an empty one)."""
        data, lengths = np.asarray(self._data), np.diff(self._pointer)
        starts = np.concatenate([[0], np.cumsum((data & 0xC0) != 0x80)])
        characters = starts[self._pointer[1:]] - starts[self._pointer[:-1]]
        if not len(data):
            return characters, np.zeros(len(self), dtype=np.uint8), np.zeros(len(self), dtype=np.uint8)
        first = np.where(lengths > 0, data[np.minimum(self._pointer[:-1], len(data) - 1)], 0)
        last = np.where(lengths > 0, data[np.maximum(self._pointer[1:] - 1, 0)], 0)
        return characters, first, last

    def letters(self) -> Array:
        """Per string 32 bits: which ASCII characters it holds, some sharing a bit (see `letters_of`)."""
        data = np.asarray(self._data)
        if not len(data):
            return np.zeros(len(self), dtype=np.uint32)
        bits = np.where(data < 0x80, np.left_shift(np.uint32(1), data & np.uint8(31), dtype=np.uint32), np.uint32(0))
        found: Array = np.bitwise_or.reduceat(bits, np.minimum(self._pointer[:-1], len(data) - 1))
        found[np.diff(self._pointer) == 0] = 0
        return found

    def write(self, folder: Path, name: str) -> None:
        """Three .npy files whose names begin with `name`."""
        for part, array in (("data", self._data), ("pointer", self._pointer), ("hash", self._sorted),
                            ("order", self._order)):
            np.save(folder / f"{name}_{part}.npy", array, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path, name: str) -> TermTable:
        """Memory-mapped."""
        return cls(*(mapped(folder / f"{name}_{part}.npy") for part in ("data", "pointer", "hash", "order")))

    def _hashes(self) -> Array:
        """In the order of the numbers."""
        hashes = np.empty(len(self), dtype=np.uint64)
        hashes[self._order] = self._sorted
        return hashes


def _hash(term: bytes) -> int:
    return int.from_bytes(blake2b(term, digest_size=8).digest(), "little")


def letters_of(term: str) -> int:
    """The same bits of one string. One slip of the pen changes two of them at most: one letter gone, another come."""
    found = 0
    for byte in term.encode():
        if byte < 0x80:
            found |= 1 << (byte & 31)
    return found


def ragged(starts: Array, lengths: Array) -> Array:
    """The positions of many stretches behind one another: start, start + 1 … for each."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    positions: Array = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - lengths), lengths)
    return positions


def mapped(path: Path) -> Array:
    """A .npy file, memory-mapped as a plain array (which is read a third faster than numpy's memmap class)."""
    found: Array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    return found
