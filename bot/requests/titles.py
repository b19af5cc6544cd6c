"""Which products a text names, out of the whole catalogue: an index from title words to products. It knows no prices."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bot.requests.words import joined, words

_COMMON = 0.2  # a word in more than this part of all titles names none of them


@dataclass(frozen=True, slots=True)
class TitleIndex:
    by_stem: Mapping[str, frozenset[str]]
    total: int

    def candidates(self, text: str, limit: int = 40) -> list[str]:
        """Product ids whose titles share words with the text, most shared and rarest first."""
        scores: dict[str, float] = defaultdict(float)
        said = words(text)
        stems = {w.stem for w in said} | {joined(a, b) for a, b in itertools.pairwise(said)}
        for stem in stems:
            found = self.by_stem.get(stem, frozenset())
            if found and (len(found) < 60 or len(found) <= _COMMON * self.total):
                for product_id in found:
                    scores[product_id] += 1.0 / (1.0 + len(found) / 10)
        return sorted(scores, key=lambda i: -scores[i])[:limit]


def index_titles(titles: Mapping[str, str]) -> TitleIndex:
    """`titles`: product id → title."""
    by_stem: dict[str, set[str]] = defaultdict(set)
    for product_id, title in titles.items():
        said = [w for w in words(title) if len(w.text) > 1 or w.text.isdigit()]
        for word in said:
            by_stem[word.stem].add(product_id)
        all_words = words(title)
        for first, second in itertools.pairwise(all_words):
            by_stem[joined(first, second)].add(product_id)
    return TitleIndex({stem: frozenset(ids) for stem, ids in by_stem.items()}, len(titles))
