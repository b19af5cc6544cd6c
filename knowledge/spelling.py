"""Mends misspelt words and article numbers against the words an index knows.

Distance is optimal string alignment (a swap of neighbours counts one). Candidates are narrowed by length and by first
or last letter, and by the letters they hold, before anything is compared, since comparing with a whole large vocabulary
takes too long. It knows words and how often they occur, nothing of meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge.terms import TermTable, letters_of

Array = NDArray[Any]
_SHORTEST = 4             # "shoe" may be mended; three letters are too often another word
_SHORTEST_KEY = 6         # an article number must be longer: one wrong digit is another article
_COMPARED = 20_000        # so many candidates are compared (5 ms); of more, those with the same first and last letter


class Speller:
    """`seen`: rows that hold each term, by its number. Thread-safe; it costs nothing until a word is mended."""

    def __init__(self, terms: TermTable, seen: Array) -> None:
        self._terms, self._seen = terms, seen

    @classmethod
    def of(cls, seen: Mapping[str, int]) -> Speller:
        """`seen`: term → rows that hold it."""
        return cls(TermTable.of(seen), np.fromiter(seen.values(), dtype=np.int64, count=len(seen)))

    def knows(self, term: str) -> bool:
        return self._terms.number(term) is not None

    def mend(self, term: str) -> str | None:
        """The known term that was probably meant; None when it is known itself or nothing is near enough."""
        reach = _reach(term)
        if not reach or self.knows(term):
            return None
        near = dict(self._near(term, reach))
        found = process.extract(term, list(near), scorer=OSA.distance, score_cutoff=reach, limit=8)
        if not found:
            return None
        return min(found, key=lambda item: (item[1], -near[item[0]], item[0]))[0]

    @cached_property
    def _shapes(self) -> tuple[Array, Array, Array]:
        lengths, first, last = self._terms.shapes()
        return np.minimum(lengths, 255).astype(np.uint8), first, last

    @cached_property
    def _letters(self) -> Array:
        return self._terms.letters()

    def _near(self, term: str, reach: int) -> Iterator[tuple[str, int]]:
        """Terms of like length with the same first or last letter, with how often they are seen."""
        lengths, first, last = self._shapes
        alike = (lengths >= len(term) - reach) & (lengths <= len(term) + reach)
        begins, ends = first == term.encode()[0], last == term.encode()[-1]
        numbers = np.flatnonzero(alike & (begins | ends))
        if len(numbers) > _COMPARED:
            numbers = np.flatnonzero(alike & begins & ends)[:_COMPARED]
        changed = np.bitwise_count(self._letters[numbers] ^ np.uint32(letters_of(term)))
        numbers = numbers[changed <= 2 * reach]     # of more letters no so few slips can be the cause
        for number in numbers.tolist():
            one = self._terms[number]
            if one.isalpha() == term.isalpha() and (one[0] == term[0] or one[-1] == term[-1]):
                yield one, int(self._seen[number])


def _reach(term: str) -> int:
    """How many slips are forgiven."""
    if term.isalpha():
        return 0 if len(term) < _SHORTEST else 1 if len(term) < 8 else 2
    too_short = len(term) < (8 if term.isdigit() else _SHORTEST_KEY)
    return 0 if too_short else 1 if len(term) < 10 else 2
