"""The kinds of things that are stored: how each becomes a table row. It knows columns, not where a thing came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from knowledge import db, native
from knowledge.keys import digits, folded, letters_and_digits
from knowledge.models import Chunk, Customer, Document, EvidenceKind, Order, Product, Variant
from knowledge.native_fields import Fields

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A row, and the rows that hang on it (a product's variants, a document's chunks)."""

    row: Row
    children: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentWithChunks:
    document: Document
    chunks: tuple[Chunk, ...] = field(default=())


def product_row(product: Product) -> Stored:
    row = _entity(product.id, native.product_to(product)) | {"title": product.title, "brand": product.brand}
    return Stored(row, tuple(_variant_row(product.id, place, v) for place, v in enumerate(product.variants)))


def _variant_row(product_id: str, place: int, variant: Variant) -> Row:
    sku = letters_and_digits(variant.sku) or None
    return {"product_id": product_id, "position": place, "id": variant.id, "sku_key": sku}


def customer_row(customer: Customer) -> Stored:
    postcode = letters_and_digits(customer.address.postcode) if customer.address else ""
    return Stored(_entity(customer.id, native.customer_to(customer)) | {
        "email_key": folded(customer.email), "first_key": folded(customer.first_name),
        "last_key": folded(customer.last_name), "postcode_key": postcode or None})


def order_row(order: Order) -> Stored:
    return Stored(_entity(order.id, native.order_to(order)) | {
        "number_key": letters_and_digits(order.number), "digits_key": digits(order.number),
        "customer_id": order.customer_id, "placed_at": native.time_text(order.placed_at)})


def document_row(item: DocumentWithChunks) -> Stored:
    document = item.document
    row = _entity(document.id, document_to(document)) | {"kind": document.kind.value}
    return Stored(row, tuple(_chunk_row(chunk) for chunk in item.chunks))


def _chunk_row(chunk: Chunk) -> Row:
    body = native.compact(chunk_to(chunk))
    words = native.compact({"headings": list(chunk.headings), "text": chunk.text})
    return {"document_id": chunk.document_id, "position": chunk.position, "id": chunk.id,
            "hash": native.content_hash(words), "body": body}


def review_row(raw: Mapping[str, Any]) -> Stored:
    review = native.review_from(raw)
    return Stored(_entity(review.id, raw) | {"product_id": review.product_id})


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A raw row of a kind that has no ids of its own: its place in its source names it."""

    id: str
    raw: Mapping[str, Any]


def price_row(item: Unnamed) -> Stored:
    return Stored(_entity(item.id, item.raw) | {"variant_id": native.price_from(item.raw).variant_id})


def interaction_row(raw: Mapping[str, Any]) -> Stored:
    f = Fields(raw)
    identity, customer_id = f.must_id("id"), f.text("customer_id")
    f.must_text("event")
    f.time("at")
    return Stored(_entity(identity, raw) | {"customer_id": customer_id})


def _entity(identity: str, body: Mapping[str, Any]) -> Row:
    text = native.compact(body)
    return {"id": identity, "hash": native.content_hash(text), "body": text}


def document_to(document: Document) -> Row:
    return {"id": document.id, "title": document.title, "text": document.text, "kind": document.kind.value,
            "source": document.source, "url": document.url, "version": document.version, "extra": dict(document.extra)}


def document_from(body: Mapping[str, Any]) -> Document:
    return Document(**{**body, "kind": EvidenceKind(body["kind"])})


def chunk_to(chunk: Chunk) -> Row:
    return {"id": chunk.id, "document_id": chunk.document_id, "text": chunk.text, "headings": list(chunk.headings),
            "source": chunk.source, "position": chunk.position, "version": chunk.version}


def chunk_from(body: Mapping[str, Any]) -> Chunk:
    return Chunk(**{**body, "headings": tuple(body["headings"])})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing: its table, the table of what hangs on it, and how a newer file changes what is there.

    `replaced`: the newest file of a source is the whole truth about that source. Otherwise rows are upserted, and
    `guarded` ones are kept where they were written here later than the file.
    """

    name: str
    table: Table
    to_row: Callable[[Any], Stored]
    child: Table | None = None
    parent_column: str = ""
    replaced: bool = True
    guarded: bool = False


PRODUCTS = Kind("products", db.products, product_row, db.variants, "product_id")
CUSTOMERS = Kind("customers", db.customers, customer_row, replaced=False, guarded=True)
ORDERS = Kind("orders", db.orders, order_row, replaced=False, guarded=True)
DOCUMENTS = Kind("documents", db.documents, document_row, db.chunks, "document_id")
REVIEWS = Kind("reviews", db.reviews, review_row)
PRICES = Kind("prices", db.prices, price_row)
INTERACTIONS = Kind("interactions", db.interactions, interaction_row, replaced=False)
KINDS = (PRODUCTS, CUSTOMERS, ORDERS, DOCUMENTS, REVIEWS, PRICES, INTERACTIONS)
