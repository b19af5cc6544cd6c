"""Facets: short strings ("brand:norda", "owner:C7") with the rows that have them, as arrays that can be mapped.

It knows strings and row numbers, not what a facet means.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.terms import TermTable, mapped

Array = NDArray[Any]


class Facets:
    """Facet string → the rows that have it, ascending. Immutable; thread-safe."""

    def __init__(self, names: TermTable, pointer: Array, rows: Array) -> None:
        self.names, self._pointer, self._rows = names, pointer, rows

    def rows(self, name: str) -> Array:
        number = self.names.number(name)
        if number is None:
            return np.empty(0, dtype=np.int64)
        return self._rows[int(self._pointer[number]):int(self._pointer[number + 1])].astype(np.int64)

    def pairs(self) -> tuple[Array, Array]:
        """(facet number, row) of every row that has a facet."""
        return np.repeat(np.arange(len(self.names)), np.diff(self._pointer)), self._rows

    @classmethod
    def of(cls, names: TermTable, numbers: Array, rows: Array, fresh: Iterable[str] = ()) -> Facets:
        """From pairs. Numbers from `len(names)` on are those of `fresh`; facets without a row are left out."""
        every = list(fresh)
        counts = np.bincount(numbers, minlength=len(names) + len(every))
        used = np.flatnonzero(counts)
        order = np.lexsort((rows, numbers))
        kept = names.taking(used[used < len(names)], [every[n - len(names)] for n in used[used >= len(names)].tolist()])
        pointer = np.concatenate([[0], np.cumsum(counts[used])]).astype(np.int64)
        return cls(kept, pointer, rows[order].astype(np.int32))

    def write(self, folder: Path) -> None:
        self.names.write(folder, "facet")
        np.save(folder / "facet_rows_from.npy", self._pointer, allow_pickle=False)
        np.save(folder / "facet_rows.npy", self._rows, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> Facets:
        """Memory-mapped."""
        return cls(TermTable.read(folder, "facet"), mapped(folder / "facet_rows_from.npy"),
                   mapped(folder / "facet_rows.npy"))


class FacetBuilder:
    """Collects the facets of new rows; `finish` adds those of the older rows that stay."""

    def __init__(self, older: Facets | None) -> None:
        self._older = older or Facets(TermTable.of(()), np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int32))
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._facet, self._row = array("i"), array("i")

    def add(self, row: int, names: Iterable[str]) -> None:
        """The facets of the new row with this place among the new ones."""
        for name in dict.fromkeys(names):
            self._facet.append(self._number(name))
            self._row.append(row)

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            known = self._older.names.number(name)
            number = len(self._older.names) + len(self._names) if known is None else known
            if known is None:
                self._names.append(name)
            self._numbers[name] = number
        return number

    def finish(self, place_of_old: Array, place_of_new: Array) -> Facets:
        """Places in the new shelf: of each older row (-1: gone) and of each new one."""
        numbers, rows = self._older.pairs()
        moved = place_of_old[rows] if len(rows) else rows
        stays = moved >= 0
        fresh_numbers = np.asarray(self._facet, dtype=np.int64)
        fresh_rows = place_of_new[np.asarray(self._row, dtype=np.int64)]
        return Facets.of(self._older.names, np.concatenate([numbers[stays], fresh_numbers]),
                         np.concatenate([moved[stays], fresh_rows]), self._names)
