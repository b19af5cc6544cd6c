"""Which products a text names, out of the whole catalogue: an index from title words to products. It knows no prices."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.requests.words import joined, words

_COMMON = 0.2  # a word in more than this part of all titles names none of them


@dataclass(frozen=True, slots=True)
class TitleIndex:
    ids: Sequence[str]
    by_stem: Mapping[str, array[int]]  # stem → places in `ids`, ascending

    def candidates(self, text: str, limit: int = 40) -> list[str]:
        """Product ids whose titles share words with the text, most shared and rarest first."""
        said = words(text)
        stems = dict.fromkeys([w.stem for w in said] + [joined(a, b) for a, b in itertools.pairwise(said)])
        found = [self.by_stem[stem] for stem in stems if stem in self.by_stem]
        telling = [places for places in found if len(places) < 60 or len(places) <= _COMMON * len(self.ids)]
        if not telling:
            return []
        scores = np.zeros(len(self.ids))
        for places in telling:
            scores[np.frombuffer(places, dtype=np.intc)] += 1.0 / (1.0 + len(places) / 10)
        return [self.ids[place] for place in _best(scores, limit)]


def _best(scores: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """Places of the highest above nought, of equals the first."""
    named = np.flatnonzero(scores)
    if len(named) > 4 * limit:
        least = np.partition(scores[named], -limit)[-limit]
        named = named[scores[named] >= least]
    best: NDArray[np.intp] = named[np.argsort(-scores[named], kind="stable")[:limit]]
    return best


def index_titles(titles: Mapping[str, str]) -> TitleIndex:
    """`titles`: product id → title."""
    by_stem: dict[str, array[int]] = {}
    for place, title in enumerate(titles.values()):
        said = words.__wrapped__(title)  # not remembered: there are more titles than room
        stems = {w.stem for w in said if len(w.text) > 1 or w.text.isdigit()}
        for stem in stems | {joined(first, second) for first, second in itertools.pairwise(said)}:
            by_stem.setdefault(stem, array("i")).append(place)
    return TitleIndex(list(titles), by_stem)
