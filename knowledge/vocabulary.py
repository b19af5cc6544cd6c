"""The shop's own words: brands, categories, options and their values, learnt from the catalogue when it is indexed.

Words are counted, so a product that is gone can be forgotten again, and the order of products does not matter. It knows
spellings, not queries. Keys are squeezed ("T-Shirts" → "tshirts"), or stemmed where plural must not matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from knowledge.analysis import Analyzer, squeeze
from knowledge.models import Product

MAX_VALUE_WORDS = 4       # a longer option value is a sentence, not something to recognise in a query
_REMEMBERED = 50_000      # texts whose words are kept while learning: categories and option values repeat
Counts = dict[str, dict[str, int]]
Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Vocabulary:
    """`brands` and `categories`: key → name as the shop writes it; `values`: key → the option names that take it."""

    brands: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    option_names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, list[str]] = field(default_factory=dict)
    surfaces: Mapping[str, str] = field(default_factory=dict)   # stem → the word as titles and options write it
    nouns: Mapping[str, int] = field(default_factory=dict)      # stem that ends titles → how many of them
    housed: Mapping[str, int] = field(default_factory=dict)     # of these, how many stand in a category of that name
    offered: Mapping[str, int] = field(default_factory=dict)    # value key → how many products take it as an option

    @classmethod
    def of(cls, products: Iterable[Product], analyzer: Analyzer) -> Vocabulary:
        learner = WordCounter(analyzer)
        for product in products:
            learner.learn(product.title, product.brand, product.category, option_values(product))
        return learner.vocabulary()

    def all_housed(self, stem: str) -> bool:
        """Whether a category of this name holds everything that its title calls so: only then may it be a filter."""
        return self.housed.get(stem, 0) == self.nouns.get(stem, 0)

    def is_noun(self, stem: str, key: str) -> bool:
        """Whether a word names products rather than an option of theirs."""
        return self.nouns.get(stem, 0) >= self.offered.get(key, 0) and stem in self.nouns


@dataclass
class _Counted:
    """Key → spelling → how many products say so; of the last three: key → how many products."""

    brands: Counts = field(default_factory=dict)
    categories: Counts = field(default_factory=dict)
    option_names: Counts = field(default_factory=dict)
    values: Counts = field(default_factory=dict)
    surfaces: Counts = field(default_factory=dict)
    nouns: dict[str, int] = field(default_factory=dict)
    housed: dict[str, int] = field(default_factory=dict)
    offered: dict[str, int] = field(default_factory=dict)


class WordCounter:
    """Learns the words of products and forgets them again."""

    def __init__(self, analyzer: Analyzer, counted: _Counted | None = None) -> None:
        self._analyzer, self._counted = analyzer, counted or _Counted()
        self._known: dict[str, list[tuple[str, str]]] = {}

    def learn(self, title: str, brand: str | None, category: Iterable[str], options: Options, *, by: int = 1) -> None:
        """Of one product; with `by` −1 it is forgotten."""
        found, category = self._counted, tuple(category)
        if brand and (key := _key(brand)):
            _count(found.brands, key, brand, by)
        words = {pair for text in (title, brand or "", *category, *(value for _, value in options))
                 for pair in self._words(text)}
        for stem, word in words:
            _count(found.surfaces, stem, word, by)
        for name in set(category):
            _count(found.categories, stem_key(name, self._analyzer), name, by)
        self._learn_noun(title, category, by)
        keys = {value: _key(value) for _, value in options}
        for name, value in options:
            if keys[value] and len(value.split()) <= MAX_VALUE_WORDS:
                _count(found.option_names, _key(name), name, by)
                _count(found.values, keys[value], name, by)
        for key in set(keys.values()):
            _add(found.offered, key, by)

    def _learn_noun(self, title: str, category: Iterable[str], by: int) -> None:
        last = self._words(title)[-1:]
        if last:
            stem = last[0][0]
            _add(self._counted.nouns, stem, by)
            if any(words[-1][0] == stem for name in category if (words := self._words(name))):
                _add(self._counted.housed, stem, by)

    def _words(self, text: str) -> list[tuple[str, str]]:
        """(stem, word) of each word."""
        found = self._known.get(text)
        if found is None:
            found = [(self._analyzer.stem(word), word) for word in self._analyzer.words(text)]
            if len(self._known) < _REMEMBERED:
                self._known[text] = found
        return found

    def vocabulary(self) -> Vocabulary:
        """Of several spellings the one that most products have."""
        found = self._counted
        brands, categories, option_names, surfaces = (
            {key: _most_used(names)[0] for key, names in counts.items()}
            for counts in (found.brands, found.categories, found.option_names, found.surfaces))
        values = {key: _most_used(names) for key, names in found.values.items()}
        return Vocabulary(brands, categories, option_names, values, surfaces, found.nouns, found.housed, found.offered)

    def to_json(self) -> str:
        return json.dumps(asdict(self._counted), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, analyzer: Analyzer) -> WordCounter:
        return cls(analyzer, _Counted(**json.loads(text)))


def stem_key(text: str, analyzer: Analyzer) -> str:
    """One key for singular and plural."""
    return "".join(analyzer.terms(text)) or squeeze(text)


@lru_cache(maxsize=50_000)
def _key(text: str) -> str:
    return squeeze(text)


def option_values(product: Product) -> Options:
    """The distinct (option, value) pairs of its variants."""
    pairs = ((name, str(value)) for variant in product.variants for name, value in variant.options.items())
    return tuple(dict.fromkeys(pairs))


def _most_used(names: Mapping[str, int]) -> list[str]:
    return sorted(names, key=lambda name: (-names[name], name))


def _count(counts: Counts, key: str, name: str, by: int) -> None:
    names = counts.setdefault(key, {})
    _add(names, name, by)
    if not names:
        del counts[key]


def _add(counts: dict[str, int], key: str, by: int) -> None:
    left = counts.get(key, 0) + by
    if left > 0:
        counts[key] = left
    else:
        counts.pop(key, None)
