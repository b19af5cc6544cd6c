"""Turns the shop's things into searchable entries: which text is read for meaning, which by word, which is shown.

It knows the models, nothing of files or indexes. Prices and stock never enter a text: they are live fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import accumulate

from knowledge.analysis import Analyzer, squeeze
from knowledge.filters import product_facets
from knowledge.lexicon import Lexicon
from knowledge.models import Chunk, Document, Order, OrderLine, Product, Review
from knowledge.shelf import Entry
from knowledge.vocabulary import option_values

_DESCRIBED = 160          # characters of a description that are read for meaning; words are searched in all of it
_LINE_DESCRIBED = 200
_WIDE_FROM = 0x2E80       # from here on: Chinese, Japanese, Korean
_MEANING = 256            # characters read for meaning: some 64 tokens, which cost 4 ms; more finds nothing better


def product_entry(product: Product, analyzer: Analyzer) -> Entry:
    """Evidence "product:ID": title, description and attributes."""
    attributes = [f"{key}: {_plain(value)}" for key, value in product.attributes.items()]
    values = _option_values(product)
    options = [f"{name}: {', '.join(found)}" for name, found in values.items()]
    about = [part for part in (product.brand, " > ".join(product.category)) if part]
    prices = [float(variant.price) for variant in product.variants] or [0.0]
    return Entry(
        id=f"product:{product.id}", title=product.title, ref=product.id, url=product.url,
        text=_joined([product.description, *attributes, *options]),
        data={"brand": product.brand, "category": list(product.category), "image_url": product.image_url},
        meaning=_product_meaning(product),
        keywords=" ".join([*about, *product.tags]),
        keys=tuple(dict.fromkeys(v.sku for v in product.variants if v.sku)),
        facets=product_facets(product, analyzer), options=option_values(product), low=min(prices), high=max(prices))


def chunk_entry(chunk: Chunk, document: Document) -> Entry:
    """Evidence "chunk:ID" of a document, a solved case or a curated answer."""
    path = " > ".join(chunk.headings)
    title = document.title if path.startswith(document.title) or not path else f"{document.title} > {path}"
    return Entry(
        id=f"chunk:{chunk.id}", title=chunk.headings[-1] if chunk.headings else document.title, text=chunk.text,
        ref=chunk.id, source=chunk.source or document.source, url=document.url, headings=chunk.headings,
        data={"document_id": document.id, "document_title": document.title, "position": chunk.position,
              "version": chunk.version},
        meaning=f"{path or title}. {chunk.text}", keywords=title)


def review_entry(review: Review, product_title: str) -> Entry:
    """Evidence "review:ID"."""
    return Entry(
        id=f"review:{review.id}", title=review.title or product_title, text=review.text, ref=review.id,
        data={"product_id": review.product_id, "rating": review.rating, "product_title": product_title},
        meaning=_joined([product_title, review.title, review.text]), keywords=product_title,
        facets=(product_facet(review.product_id),))


def line_entry(order: Order, line: OrderLine, product: Product | None, lexicon: Lexicon) -> Entry:
    """Evidence "line:ORDER/LINE" of one customer's purchase; the owner is a facet, never part of a text."""
    options = ", ".join(f"{name} {value}" for name, value in line.options.items())
    category = " > ".join(product.category) if product else ""
    described = _cut(product.description, _LINE_DESCRIBED) if product else ""
    when = when_words(order.placed_at, lexicon)
    return Entry(
        id=f"line:{order.id}/{line.id}", title=line.title, ref=f"{order.id}/{line.id}",
        text=_joined([options, category]),
        data={"order_id": order.id, "order_number": order.number, "line_id": line.id, "product_id": line.product_id,
              "variant_id": line.variant_id},
        meaning=_line_meaning(line, product, options),
        keywords=_joined([(product.brand or "") if product else "", described, when,
                          " ".join(product.tags) if product else ""]),
        facets=(owner_facet(order.customer_id), product_facet(line.product_id)))


def owner_facet(owner_id: str) -> str:
    return f"owner:{owner_id}"


def product_facet(product_id: str) -> str:
    return f"product:{product_id}"


def when_words(moment: datetime | None, lexicon: Lexicon) -> str:
    """ "bought in march 2025, spring": so that a season or a month finds what was bought then."""
    if moment is None:
        return ""
    months = list(lexicon.data.get("months", ()))
    month = str(months[moment.month - 1]) if len(months) == 12 else str(moment.month)
    seasons = [name for table in ("seasons", "occasions") for name, span in lexicon.table(table).items()
               if moment.month in span]
    return ", ".join([f"{month} {moment.year}", *seasons])


def _option_values(product: Product) -> dict[str, list[str]]:
    found: dict[str, dict[str, str]] = {}
    for variant in product.variants:
        for name, value in variant.options.items():
            found.setdefault(name, {}).setdefault(squeeze(str(value)), str(value))
    return {name: list(values.values()) for name, values in found.items()}


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


def _product_meaning(product: Product, title: str = "") -> str:
    """What a product is, briefly; words are searched in all that is said of it."""
    about = [part for part in (product.brand, " > ".join(product.category)) if part]
    attributes = (f"{key}: {_plain(value)}" for key, value in product.attributes.items())
    described = _cut(product.description, _DESCRIBED)
    return brief(_joined([title or product.title, *about, described, *attributes]))


def brief(text: str) -> str:
    """As much of a product's text as is read for meaning."""
    return _cut(text, _MEANING)


def _line_meaning(line: OrderLine, product: Product | None, options: str) -> str:
    """The product as it was bought; without options just as the product itself, whose vector then serves for both."""
    if product is None:
        return _joined([line.title, options])
    return _product_meaning(product, _joined([line.title, ", ".join(line.options.values())]))


def _cut(text: str, most: int) -> str:
    """The beginning of a text, ended after a word. Signs of scripts without spaces count four: each is a token."""
    if text.isascii():
        end = most
    else:
        spent = accumulate(4 if ord(sign) >= _WIDE_FROM else 1 for sign in text[:most])
        end = sum(1 for so_far in spent if so_far <= most)
    if end >= len(text):
        return text
    space = text.rfind(" ", 0, end + 1)
    return text[:space if space > end // 2 else end]


def _joined(parts: Iterable[str | None]) -> str:
    return ". ".join(part.strip().rstrip(".") for part in parts if part and part.strip())
