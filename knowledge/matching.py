"""Whether a product, as it is now, fulfils constraints: the one place that decides it, on live data.

It knows products and constraints, nothing of indexes. One variant must fulfil price, options and stock together.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from knowledge.analysis import Analyzer, squeeze
from knowledge.models import Product, Variant
from knowledge.ports import Constraints
from knowledge.query import ANY
from knowledge.vocabulary import stem_key


class Matcher:
    """`negations` are words after or before which an excluded word does not describe ("leather-free", "no leather")."""

    def __init__(self, analyzer: Analyzer, *, before: Iterable[str] = (), after: Iterable[str] = ()) -> None:
        self._analyzer = analyzer
        self._before, self._after = frozenset(before), frozenset(after)

    def fits(self, product: Product, constraints: Constraints) -> bool:
        return constraints.empty or bool(self.variants(product, constraints))

    def variants(self, product: Product, constraints: Constraints) -> list[Variant]:
        """The variants that fulfil everything; none when the product itself does not."""
        if not self._product_fits(product, constraints):
            return []
        return [v for v in product.variants if self._variant_fits(product, v, constraints)]

    def missed(self, product: Product, constraints: Constraints) -> list[str]:
        """Names of the wishes that this product cannot fulfil even alone: "price", "option:size=42", "not leather" …"""
        return [name for name, wish in single_wishes(constraints) if not self.fits(product, wish)]

    def _product_fits(self, product: Product, wanted: Constraints) -> bool:
        if wanted.brands and squeeze(product.brand or "") not in {squeeze(b) for b in wanted.brands}:
            return False
        if wanted.categories:
            mine = {stem_key(name, self._analyzer) for name in product.category}
            if not mine & {stem_key(name, self._analyzer) for name in wanted.categories}:
                return False
        return not any(self._describes(word, self._product_texts(product)) for word in wanted.excluded)

    def _variant_fits(self, product: Product, variant: Variant, wanted: Constraints) -> bool:
        if wanted.in_stock and not variant.available:
            return False
        if wanted.min_price is not None and variant.price < Decimal(str(wanted.min_price)):
            return False
        if wanted.max_price is not None and variant.price > Decimal(str(wanted.max_price)):
            return False
        if any(self._describes(word, self._option_texts(variant)) for word in wanted.excluded):
            return False
        return all(self._has(product, variant, name, value) for name, value in wanted.options)

    def _has(self, product: Product, variant: Variant, name: str, value: str) -> bool:
        """By the variant's option; where it has no such option, by the product's attribute or its title."""
        wanted = squeeze(value)
        own = {squeeze(option): squeeze(str(is_)) for option, is_ in variant.options.items()}
        if (name == ANY and wanted in own.values()) or own.get(squeeze(name)) == wanted:
            return True
        if name != ANY and squeeze(name) in own:
            return False
        attributes = {squeeze(str(key)): squeeze(str(is_)) for key, is_ in product.attributes.items()}
        if (name == ANY and wanted in attributes.values()) or attributes.get(squeeze(name)) == wanted:
            return True
        return self._describes(value, [product.title])

    def _product_texts(self, product: Product) -> list[str]:
        attributes = [f"{key} {value}" for key, value in product.attributes.items()]
        return [product.title, product.description, product.brand or "", *product.category, *product.tags, *attributes]

    @staticmethod
    def _option_texts(variant: Variant) -> list[str]:
        """ Values only: "backlight: none" is not described by "backlight"."""
        return [str(value) for value in variant.options.values()]

    def _describes(self, phrase: str, texts: Iterable[str]) -> bool:
        """Most texts hold not even the words, which one look at all of them together shows."""
        wanted, given = self._analyzer.terms(phrase), list(texts)
        if not wanted or not set(wanted) <= set(self._analyzer.terms("\n".join(given))):
            return False
        return any(self._occurs(wanted, text) for text in given)

    def _occurs(self, wanted: list[str], text: str) -> bool:
        words = self._analyzer.words(text)
        stems = [self._analyzer.stem(word) for word in words]
        for start in range(len(stems) - len(wanted) + 1):
            if stems[start:start + len(wanted)] != wanted:
                continue
            end = start + len(wanted)
            free = (start > 0 and words[start - 1] in self._before) or (end < len(words) and words[end] in self._after)
            if not free:
                return True
        return False


def single_wishes(constraints: Constraints) -> list[tuple[str, Constraints]]:
    """Each wish by itself, with a name: what a reply can say about the one that fails."""
    wishes: list[tuple[str, Constraints]] = []
    if constraints.min_price is not None or constraints.max_price is not None:
        wishes.append(("price", Constraints(min_price=constraints.min_price, max_price=constraints.max_price)))
    if constraints.categories:
        wishes.append(("category", Constraints(categories=constraints.categories)))
    if constraints.brands:
        wishes.append(("brand", Constraints(brands=constraints.brands)))
    wishes += [(f"option:{name}={value}", Constraints(options=((name, value),))) for name, value in constraints.options]
    wishes += [(f"not {word}", Constraints(excluded=(word,))) for word in constraints.excluded]
    if constraints.in_stock:
        wishes.append(("in stock", Constraints(in_stock=True)))
    return wishes
