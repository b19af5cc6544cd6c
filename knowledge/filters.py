"""Narrows a product shelf to the rows that may fulfil constraints, from facets and postings alone.

What comes out holds every product that fulfilled the stable wishes when indexed, and some that do not: `matching`
decides on live data. Price and stock are not filtered here, since they may have changed; `priced_right` only says whom
to ask first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from knowledge.analysis import Analyzer, squeeze
from knowledge.models import Product
from knowledge.ports import Constraints
from knowledge.query import ANY
from knowledge.shelf import Rows, Shelf
from knowledge.vocabulary import stem_key


def product_facets(product: Product, analyzer: Analyzer) -> tuple[str, ...]:
    """The facets of one product, as `allowed_rows` asks for them."""
    names = [f"brand:{squeeze(product.brand or '')}"]
    names += [f"category:{stem_key(name, analyzer)}" for name in product.category]
    for variant in product.variants:
        for option, value in variant.options.items():
            names += _option_facets(option, str(value))
    for key, value in product.attributes.items():
        names += _option_facets(str(key), str(value))
    return tuple(dict.fromkeys(names))


@lru_cache(maxsize=50_000)
def _option_facets(name: str, value: str) -> tuple[str, str]:
    return f"option:{squeeze(name)}={squeeze(value)}", f"option:{ANY}={squeeze(value)}"


def allowed_rows(shelf: Shelf, constraints: Constraints, analyzer: Analyzer) -> Rows | None:
    """Ascending rows that may fit, or None when nothing narrows them."""
    sets: list[Rows] = []
    if constraints.brands:
        sets.append(_union(shelf.facets.rows(f"brand:{squeeze(b)}") for b in constraints.brands))
    if constraints.categories:
        sets.append(_union(shelf.facets.rows(f"category:{stem_key(c, analyzer)}") for c in constraints.categories))
    for name, value in constraints.options:
        option = ANY if name == ANY else squeeze(name)
        having = shelf.facets.rows(f"option:{option}={squeeze(value)}")
        sets.append(_union([having, rows_with_all(shelf, value, analyzer)]))
    if not sets:
        return None
    found = sets[0]
    for other in sets[1:]:
        found = np.intersect1d(found, other, assume_unique=True)
    return found


def rows_with_all(shelf: Shelf, text: str, analyzer: Analyzer) -> Rows:
    """Rows whose words hold every term of the text."""
    terms = analyzer.terms(text)
    if not terms:
        return np.empty(0, dtype=np.int64)
    found = shelf.lexical.rows_with(terms[0]).astype(np.int64)
    for term in terms[1:]:
        found = np.intersect1d(found, shelf.lexical.rows_with(term), assume_unique=True)
    return found


def priced_right(shelf: Shelf, constraints: Constraints, rows: Rows) -> Rows:
    """A mask: whose prices at indexing time allow a variant within the limits."""
    prices = np.asarray(shelf.prices[rows])
    mask = np.ones(len(rows), dtype=bool)
    if constraints.max_price is not None:
        mask &= prices[:, 0] <= float(constraints.max_price)
    if constraints.min_price is not None:
        mask &= prices[:, 1] >= float(constraints.min_price)
    return mask


def _union(sets: Iterable[Rows]) -> Rows:
    parts = list(sets)
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
