"""The shop's things as plain frozen dataclasses. Money is Decimal, times are aware datetimes in UTC.

They know nothing of storage or search. `extra` keeps fields of an import that we do not understand,
so that an export gives them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class OrderStatus(StrEnum):
    PENDING = "pending"
    PROCESSED = "processed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURN_REQUESTED = "return_requested"
    EXCHANGE_REQUESTED = "exchange_requested"


class MethodKind(StrEnum):
    CREDIT_CARD = "credit_card"
    PAYPAL = "paypal"
    GIFT_CARD = "gift_card"


class EvidenceKind(StrEnum):
    PRODUCT = "product"
    DOCUMENT = "document"
    REVIEW = "review"
    CASE = "case"  # a solved case
    ANSWER = "answer"  # a curated answer
    ORDER_LINE = "order_line"


@dataclass(frozen=True, slots=True)
class Address:
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postcode: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    id: str
    kind: MethodKind
    label: str
    balance: Decimal | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    address: Address | None = None
    payment_methods: tuple[PaymentMethod, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    id: str
    price: Decimal
    sku: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    compare_at_price: Decimal | None = None
    stock: int | None = None  # None: the shop does not count, so it is available
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        return self.stock is None or self.stock > 0


@dataclass(frozen=True, slots=True)
class Product:
    id: str
    title: str
    variants: tuple[Variant, ...]
    description: str = ""
    brand: str | None = None
    category: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    url: str | None = None
    image_url: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    currency: str = "USD"
    extra: Mapping[str, Any] = field(default_factory=dict)

    def variant(self, variant_id: str) -> Variant | None:
        return next((v for v in self.variants if v.id == variant_id), None)


@dataclass(frozen=True, slots=True)
class OrderLine:
    id: str
    product_id: str
    variant_id: str
    title: str
    unit_price: Decimal
    options: Mapping[str, str] = field(default_factory=dict)
    quantity: int = 1
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fulfillment:
    carrier: str | None = None
    tracking_number: str | None = None
    status: str | None = None
    eta: str | None = None  # an ISO date as the carrier gave it
    line_ids: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payment:
    kind: str  # "payment" | "refund"
    amount: Decimal
    method_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReturnRequest:
    lines: tuple[tuple[str, int], ...]  # (line id, quantity)
    refund_method_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    line_id: str
    new_variant_id: str
    method_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    number: str
    customer_id: str
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    placed_at: datetime | None = None
    currency: str = "USD"
    address: Address | None = None
    fulfillments: tuple[Fulfillment, ...] = ()
    payments: tuple[Payment, ...] = ()
    delivered_at: datetime | None = None
    items_changed: bool = False
    cancel_reason: str | None = None
    returns: tuple[ReturnRequest, ...] = ()
    exchanges: tuple[ExchangeRequest, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """What the lines cost now, before any refund."""
        return sum((line.unit_price * line.quantity for line in self.lines), Decimal(0))

    def line(self, line_id: str) -> OrderLine | None:
        return next((x for x in self.lines if x.id == line_id), None)


@dataclass(frozen=True, slots=True)
class Document:
    """A policy, FAQ or guide page, or any other text the shop publishes."""

    id: str
    title: str
    text: str
    kind: EvidenceKind = EvidenceKind.DOCUMENT
    source: str = ""  # file name or URL as the shop knows it
    url: str | None = None
    version: str = ""  # hash of the source's content
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document, with where it stands."""

    id: str
    document_id: str
    text: str
    headings: tuple[str, ...] = ()  # heading path, outermost first
    source: str = ""
    position: int = 0  # 0-based, within the document
    version: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    id: str
    product_id: str
    rating: float | None = None
    title: str = ""
    text: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PricePoint:
    variant_id: str
    price: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that search found. Live fields (price, stock, status) are never in here: read them when replying."""

    id: str  # "product:P100", "chunk:returns.md#3", "line:O55/L1"
    kind: EvidenceKind
    title: str
    text: str
    score: float  # higher is better; comparable within one result list only
    ref: str = ""  # id of the product, chunk, case or order line behind it
    source: str = ""
    url: str | None = None
    headings: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
