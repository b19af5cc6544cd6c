"""Rows as JSON lines with an array of offsets, memory-mapped: a row costs nothing until it is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from knowledge.json_text import load
from knowledge.terms import mapped

Array = NDArray[Any]
ROWS_FILE = "rows.jsonl"
_COPIED_AT_ONCE = 1 << 24


class RowStore:
    """Read-only."""

    def __init__(self, data: Array, offsets: Array) -> None:
        self._data, self.offsets = data, offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> dict[str, Any]:
        found: dict[str, Any] = load(self.stretch(row, row + 1))
        return found

    def stretch(self, start: int, end: int) -> bytes:
        """The rows from `start` up to `end`, as stored."""
        return bytes(self._data[int(self.offsets[start]):int(self.offsets[end])])

    @classmethod
    def read(cls, folder: Path) -> RowStore:
        path = folder / ROWS_FILE
        data: Array = np.empty(0, dtype=np.uint8)
        if path.stat().st_size:
            data = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
        return cls(data, mapped(folder / "row_offsets.npy"))


class RowWriter:
    """Writes rows one after another; `copy` takes stretches of an older store over, as bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lengths: list[Array] = []
        self._fresh: list[int] = []

    def add(self, row: Mapping[str, Any]) -> None:
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=str).encode() + b"\n"
        self._fresh.append(len(text))
        self._stream.write(text)

    def copy(self, older: RowStore, start: int, end: int) -> None:
        self._settle()
        self._lengths.append(np.diff(older.offsets[start:end + 1]))
        ends = older.offsets[start:end + 1]
        while start < end:     # a few megabytes at a time, whatever the size of the shop
            begins = int(older.offsets[start])
            stop = max(start + 1, min(end, start + int(np.searchsorted(ends - begins, _COPIED_AT_ONCE))))
            self._stream.write(older.stretch(start, stop))
            start, ends = stop, older.offsets[stop:end + 1]

    def offsets(self) -> Array:
        self._settle()
        lengths = np.concatenate(self._lengths) if self._lengths else np.empty(0, dtype=np.int64)
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def _settle(self) -> None:
        if self._fresh:
            self._lengths.append(np.asarray(self._fresh, dtype=np.int64))
            self._fresh = []
