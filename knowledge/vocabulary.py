"""The shop's own words: brands, categories, options and their values, learnt from the catalogue when it is indexed.

It knows spellings, not queries. Keys are squeezed ("T-Shirts" → "tshirts"), or stemmed where plural must not matter.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from knowledge.analysis import Analyzer, squeeze
from knowledge.models import Product

MAX_VALUE_WORDS = 4       # a longer option value is a sentence, not something to recognise in a query


@dataclass
class Vocabulary:
    """`brands` and `categories`: key → name as the shop writes it; `values`: key → the option names that take it."""

    brands: dict[str, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    option_names: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    surfaces: dict[str, str] = field(default_factory=dict)      # stem → the word as titles and options write it
    nouns: dict[str, int] = field(default_factory=dict)         # stem that ends titles → how many of them
    housed: dict[str, int] = field(default_factory=dict)        # of these, how many stand in a category of that name
    offered: dict[str, int] = field(default_factory=dict)       # value key → how many products take it as an option

    def learn(self, products: Iterable[Product], analyzer: Analyzer) -> Vocabulary:
        """Adds these products' words; returns itself."""
        for product in products:
            if product.brand and squeeze(product.brand):
                self.brands.setdefault(squeeze(product.brand), product.brand)
            self._learn_words(product, analyzer)
            for name in product.category:
                self.categories.setdefault(stem_key(name, analyzer), name)
            for name, value in _values(product):
                if 0 < len(value.split()) <= MAX_VALUE_WORDS and squeeze(value):
                    self._learn_value(name, value)
            for key in {squeeze(value) for _, value in _values(product)}:
                self.offered[key] = self.offered.get(key, 0) + 1
        return self

    def _learn_words(self, product: Product, analyzer: Analyzer) -> None:
        options = [str(value) for variant in product.variants for value in variant.options.values()]
        for text in dict.fromkeys((product.title, product.brand or "", *product.category, *options)):  # in this order
            for word in analyzer.words(text):
                self.surfaces.setdefault(analyzer.stem(word), word)
        title = analyzer.terms(product.title)
        if title:
            self.nouns[title[-1]] = self.nouns.get(title[-1], 0) + 1
            if any(analyzer.terms(name)[-1:] == title[-1:] for name in product.category):
                self.housed[title[-1]] = self.housed.get(title[-1], 0) + 1

    def _learn_value(self, name: str, value: str) -> None:
        self.option_names.setdefault(squeeze(name), name)
        names = self.values.setdefault(squeeze(value), [])
        if name not in names:
            names.append(name)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    def all_housed(self, stem: str) -> bool:
        """Whether a category of this name holds everything that its title calls so: only then may it be a filter."""
        return self.housed.get(stem, 0) == self.nouns.get(stem, 0)

    def is_noun(self, stem: str, key: str) -> bool:
        """Whether a word names products rather than an option of theirs."""
        return self.nouns.get(stem, 0) >= self.offered.get(key, 0) and stem in self.nouns

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        data: Mapping[str, Any] = json.loads(text)
        return cls(**data)


def stem_key(text: str, analyzer: Analyzer) -> str:
    """One key for singular and plural."""
    return "".join(analyzer.terms(text)) or squeeze(text)


def _values(product: Product) -> Iterable[tuple[str, str]]:
    pairs: Counter[tuple[str, str]] = Counter()
    for variant in product.variants:
        pairs.update((name, str(value)) for name, value in variant.options.items())
    return list(pairs)
