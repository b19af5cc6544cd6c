"""The shop's things ⇄ the native JSON objects (one row of products.jsonl, customers.jsonl, …).

Reading fails with a FieldError that names the field; unknown fields are kept under `extra`. It opens no file and no
database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from knowledge.models import (
    Address,
    Customer,
    ExchangeRequest,
    Fulfillment,
    MethodKind,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentMethod,
    PricePoint,
    Product,
    ReturnRequest,
    Review,
    Variant,
)
from knowledge.native_fields import FieldError, Fields

Row = Mapping[str, Any]
_ADDRESS = ("line1", "line2", "city", "state", "postcode", "country")
_PAYMENT_KINDS = ("payment", "refund")


def compact(row: Row) -> str:
    """The row as one line of JSON, as it is stored and exported."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def content_hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


# Reading

def product_from(row: Row) -> Product:
    f = Fields(row)
    return _product_from(f, f.must_each("variants", _variant_from))


def product_part_from(row: Row) -> Product:
    """A row that other rows complete: it may have no variants yet, and no title."""
    f = Fields({**row, "title": row.get("title") or row["id"]})
    return replace(_product_from(f, f.each("variants", _variant_from)), title=row.get("title") or "")


def _product_from(f: Fields, variants: tuple[Variant, ...]) -> Product:
    product = Product(
        id=f.must_id("id"), title=f.must_text("title"), variants=variants,
        description=f.text("description") or "", brand=f.text("brand"), category=f.texts("category"),
        tags=f.texts("tags"), url=f.text("url"), image_url=f.text("image_url"), attributes=f.mapping("attributes"),
        options=f.texts("options"), currency=f.text("currency") or "USD", extra=f.extra())
    _check_unique(product.variants, "variants")
    return product


def _variant_from(f: Fields) -> Variant:
    return Variant(id=f.must_id("id"), price=f.must_money("price"), sku=f.text("sku"),
                   options=f.text_mapping("options"), compare_at_price=f.money("compare_at_price"),
                   stock=f.whole("stock"), extra=f.extra())


def customer_from(row: Row) -> Customer:
    f = Fields(row)
    customer = Customer(
        id=f.must_id("id"), first_name=f.text("first_name"), last_name=f.text("last_name"), email=f.text("email"),
        phone=f.text("phone"), locale=f.text("locale"), address=f.one("address", _address_from),
        payment_methods=f.each("payment_methods", _method_from), extra=_extra_of(f))
    _check_unique(customer.payment_methods, "payment_methods")
    return customer


def _address_from(f: Fields) -> Address:
    return Address(*(f.text(name) for name in _ADDRESS))


def _extra_of(f: Fields) -> dict[str, Any]:
    """An address has no place of its own for what we do not know: it is kept as its owner's `extra.address`."""
    address = f.mapping("address")
    unknown = {name: value for name, value in address.items() if name not in _ADDRESS}
    return {**f.extra(), "address": unknown} if unknown else f.extra()


def _method_from(f: Fields) -> PaymentMethod:
    method = PaymentMethod(id=f.must_id("id"), kind=f.one_of("kind", MethodKind), label=f.text("label") or "",
                           balance=f.money("balance"), extra=f.extra())
    return method


def order_from(row: Row) -> Order:
    f = Fields(row)
    order = Order(
        id=f.must_id("id"), number=f.must_id("number"), customer_id=f.must_id("customer_id"),
        status=f.one_of("status", OrderStatus), lines=f.must_each("lines", _line_from), placed_at=f.time("placed_at"),
        currency=f.text("currency") or "USD", address=f.one("address", _address_from),
        fulfillments=f.each("fulfillments", _fulfillment_from), payments=f.each("payments", _payment_from),
        delivered_at=f.time("delivered_at"), items_changed=f.flag("items_changed"),
        cancel_reason=f.text("cancel_reason"), returns=f.each("returns", _return_from),
        exchanges=f.each("exchanges", _exchange_from), extra=_extra_of(f))
    _check_unique(order.lines, "lines")
    return order


def _line_from(f: Fields) -> OrderLine:
    return OrderLine(
        id=f.must_id("id"), product_id=f.must_id("product_id"), variant_id=f.must_id("variant_id"),
        title=f.must_text("title"), unit_price=f.must_money("unit_price"), options=f.text_mapping("options"),
        quantity=_or(f.whole("quantity", least=1), 1), extra=f.extra())


def _fulfillment_from(f: Fields) -> Fulfillment:
    return Fulfillment(carrier=f.text("carrier"), tracking_number=f.text("tracking_number"), status=f.text("status"),
                       eta=f.text("eta"), line_ids=f.texts("line_ids"), extra=f.extra())


def _payment_from(f: Fields) -> Payment:
    kind = f.must_text("kind")
    if kind not in _PAYMENT_KINDS:
        raise f.fail("kind", f"'{kind[:40]}' is unknown", "one of payment, refund")
    return Payment(kind=kind, amount=f.must_money("amount"), method_id=f.text("method_id"), extra=f.extra())


def _return_from(f: Fields) -> ReturnRequest:
    lines = f.each("lines", lambda line: (line.must_id("line_id"), _or(line.whole("quantity", least=1), 1)))
    return ReturnRequest(lines=lines, refund_method_id=f.text("refund_method_id"), extra=f.extra())


def _exchange_from(f: Fields) -> ExchangeRequest:
    return ExchangeRequest(line_id=f.must_id("line_id"), new_variant_id=f.must_id("new_variant_id"),
                           method_id=f.text("method_id"), extra=f.extra())


def review_from(row: Row) -> Review:
    """Reviews have no `extra`: their rows are stored as they came."""
    f = Fields(row)
    return Review(id=f.must_id("id"), product_id=f.must_id("product_id"), rating=f.number("rating"),
                  title=f.text("title") or "", text=f.text("text") or "", at=f.time("at"))


def price_from(row: Row) -> PricePoint:
    f = Fields(row)
    at = f.time("at")
    if at is None:
        raise f.fail("at", "is missing", "say since when the price holds, like \"2026-11-02T10:00:00Z\"")
    return PricePoint(variant_id=f.must_id("variant_id"), price=f.must_money("price"),
                      currency=f.text("currency") or "USD", at=at)


# Writing

def product_to(product: Product) -> dict[str, Any]:
    return _with_extra({
        "id": product.id, "title": product.title, "description": product.description, "brand": product.brand,
        "category": list(product.category), "tags": list(product.tags), "url": product.url,
        "image_url": product.image_url, "attributes": dict(product.attributes), "options": list(product.options),
        "currency": product.currency,
        "variants": [_variant_to(v) for v in product.variants]}, product.extra)


def _variant_to(variant: Variant) -> dict[str, Any]:
    return _with_extra({
        "id": variant.id, "sku": variant.sku, "options": dict(variant.options), "price": money_text(variant.price),
        "compare_at_price": money_text(variant.compare_at_price), "stock": variant.stock}, variant.extra)


def customer_to(customer: Customer) -> dict[str, Any]:
    return _with_extra({
        "id": customer.id, "first_name": customer.first_name, "last_name": customer.last_name, "email": customer.email,
        "phone": customer.phone, "locale": customer.locale, "address": address_to(customer.address),
        "payment_methods": [_method_to(m) for m in customer.payment_methods]}, customer.extra)


def _method_to(method: PaymentMethod) -> dict[str, Any]:
    return _with_extra({"id": method.id, "kind": method.kind.value, "label": method.label,
                        "balance": money_text(method.balance)}, method.extra)


def address_to(address: Address | None) -> dict[str, Any] | None:
    if address is None:
        return None
    return {"line1": address.line1, "line2": address.line2, "city": address.city, "state": address.state,
            "postcode": address.postcode, "country": address.country}


def order_to(order: Order) -> dict[str, Any]:
    return _with_extra({
        "id": order.id, "number": order.number, "customer_id": order.customer_id, "status": order.status.value,
        "placed_at": time_text(order.placed_at), "currency": order.currency, "address": address_to(order.address),
        "lines": [_line_to(line) for line in order.lines],
        "fulfillments": [_fulfillment_to(f) for f in order.fulfillments],
        "payments": [_payment_to(p) for p in order.payments],
        "delivered_at": time_text(order.delivered_at), "items_changed": order.items_changed,
        "cancel_reason": order.cancel_reason, "returns": [_return_to(r) for r in order.returns],
        "exchanges": [_exchange_to(e) for e in order.exchanges]}, order.extra)


def _line_to(line: OrderLine) -> dict[str, Any]:
    return _with_extra({
        "id": line.id, "product_id": line.product_id, "variant_id": line.variant_id, "title": line.title,
        "options": dict(line.options), "quantity": line.quantity,
        "unit_price": money_text(line.unit_price)}, line.extra)


def _fulfillment_to(fulfillment: Fulfillment) -> dict[str, Any]:
    return _with_extra({
        "carrier": fulfillment.carrier, "tracking_number": fulfillment.tracking_number, "status": fulfillment.status,
        "eta": fulfillment.eta, "line_ids": list(fulfillment.line_ids)}, fulfillment.extra)


def _return_to(request: ReturnRequest) -> dict[str, Any]:
    lines = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in request.lines]
    return _with_extra({"lines": lines, "refund_method_id": request.refund_method_id}, request.extra)


def _exchange_to(request: ExchangeRequest) -> dict[str, Any]:
    return _with_extra({"line_id": request.line_id, "new_variant_id": request.new_variant_id,
                        "method_id": request.method_id}, request.extra)


def _payment_to(payment: Payment) -> dict[str, Any]:
    return _with_extra({"kind": payment.kind, "amount": money_text(payment.amount), "method_id": payment.method_id},
                       payment.extra)


def money_text(amount: Decimal | None) -> str | None:
    """Plain digits, with as many decimals as it was written with."""
    return None if amount is None else format(amount, "f")


def time_text(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a "Z"."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _with_extra(row: dict[str, Any], extra: Row) -> dict[str, Any]:
    return {**row, "extra": dict(extra)} if extra else row


def _check_unique(parts: tuple[Any, ...], field: str) -> None:
    seen: set[str] = set()
    for place, part in enumerate(parts):
        if part.id in seen:
            raise FieldError(f"{field}[{place}].id", f"'{part.id}' stands twice", "ids are unique within a row")
        seen.add(part.id)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
