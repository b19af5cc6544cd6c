"""Mends misspelt words and article numbers against the words an index knows.

Distance is optimal string alignment (a swap of neighbours counts one). Candidates are narrowed by length and by first
or last letter before anything is compared, since comparing with a whole large vocabulary takes too long. It knows words
and how often they occur, nothing of meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

_SHORTEST = 4             # "shoe" may be mended; three letters are too often another word
_SHORTEST_KEY = 6         # an article number must be longer: one wrong digit is another article


class Speller:
    """`seen`: term → rows that hold it. Thread-safe."""

    def __init__(self, seen: Mapping[str, int]) -> None:
        self._seen = seen
        self._first: dict[tuple[str, int], list[str]] = {}
        self._last: dict[tuple[str, int], list[str]] = {}
        for term in seen:
            if len(term) >= _SHORTEST - 1:
                self._first.setdefault((term[0], len(term)), []).append(term)
                self._last.setdefault((term[-1], len(term)), []).append(term)

    def knows(self, term: str) -> bool:
        return term in self._seen

    def mend(self, term: str) -> str | None:
        """The known term that was probably meant; None when it is known itself or nothing is near enough."""
        reach = _reach(term)
        if self.knows(term) or not reach:
            return None
        found = process.extract(term, self._near(term, reach), scorer=OSA.distance, score_cutoff=reach, limit=8)
        if not found:
            return None
        return min(found, key=lambda item: (item[1], -self._seen[item[0]], item[0]))[0]

    def _near(self, term: str, reach: int) -> Sequence[str]:
        with_digits = not term.isalpha()
        lengths = range(len(term) - reach, len(term) + reach + 1)
        found = dict.fromkeys(one for n in lengths for one in self._first.get((term[0], n), ()))
        found.update(dict.fromkeys(one for n in lengths for one in self._last.get((term[-1], n), ())))
        return [one for one in found if one.isalpha() != with_digits]


def _reach(term: str) -> int:
    """How many slips are forgiven."""
    if term.isalpha():
        return 0 if len(term) < _SHORTEST else 1 if len(term) < 8 else 2
    too_short = len(term) < (8 if term.isdigit() else _SHORTEST_KEY)
    return 0 if too_short else 1 if len(term) < 10 else 2
