"""Turns the shop's things into searchable entries: which text is read for meaning, which by word, which is shown.

It knows the models, nothing of files or indexes. Prices and stock never enter a text: they are live fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from knowledge.analysis import Analyzer, squeeze
from knowledge.filters import product_facets
from knowledge.lexicon import Lexicon
from knowledge.models import Chunk, Document, EvidenceKind, Order, OrderLine, Product, Review
from knowledge.shelf import Entry

_DESCRIBED = 600          # characters of a description that are read for meaning: the encoder sees 256 tokens
_LINE_DESCRIBED = 200


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
        meaning=_joined([product.title, *about, product.description[:_DESCRIBED], *attributes, *options]),
        keywords=" ".join([*about, *product.tags]),
        keys=tuple(dict.fromkeys(v.sku for v in product.variants if v.sku)),
        facets=product_facets(product, analyzer), low=min(prices), high=max(prices))


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
        facets=(f"product:{review.product_id}",))


def line_entry(order: Order, line: OrderLine, product: Product | None, lexicon: Lexicon) -> Entry:
    """Evidence "line:ORDER/LINE" of one customer's purchase; the owner is a facet, never part of a text."""
    options = ", ".join(f"{name} {value}" for name, value in line.options.items())
    category = " > ".join(product.category) if product else ""
    described = product.description[:_LINE_DESCRIBED] if product else ""
    when = when_words(order.placed_at, lexicon)
    return Entry(
        id=f"line:{order.id}/{line.id}", title=line.title, ref=f"{order.id}/{line.id}",
        text=_joined([options, category]),
        data={"order_id": order.id, "order_number": order.number, "line_id": line.id, "product_id": line.product_id,
              "variant_id": line.variant_id},
        meaning=_joined([line.title, options, category, described, when]),
        keywords=_joined([(product.brand or "") if product else "", described, when,
                          " ".join(product.tags) if product else ""]),
        facets=(owner_facet(order.customer_id),))


def owner_facet(owner_id: str) -> str:
    return f"owner:{owner_id}"


def when_words(moment: datetime | None, lexicon: Lexicon) -> str:
    """ "bought in march 2025, spring": so that a season or a month finds what was bought then."""
    if moment is None:
        return ""
    months = list(lexicon.data.get("months", ()))
    month = str(months[moment.month - 1]) if len(months) == 12 else str(moment.month)
    seasons = [name for table in ("seasons", "occasions") for name, span in lexicon.table(table).items()
               if moment.month in span]
    return ", ".join([f"{month} {moment.year}", *seasons])


def kind_of(document: Document) -> EvidenceKind:
    """The shelf a document's chunks stand on."""
    return document.kind if document.kind in (EvidenceKind.CASE, EvidenceKind.ANSWER) else EvidenceKind.DOCUMENT


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


def _joined(parts: Iterable[str | None]) -> str:
    return ". ".join(part.strip().rstrip(".") for part in parts if part and part.strip())
