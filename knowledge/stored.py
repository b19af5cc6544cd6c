"""Stored bodies as models, without asking again what was asked when they were written.

`native` checks every field and can say what is wrong with it; that is five times as much work, and a search looks at
dozens of products. Here rows are read that have every field `native` writes and no other; any other row is left to
`native`. Both make the same thing of what `native` wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from knowledge import native
from knowledge.json_text import load
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
    Product,
    ReturnRequest,
    Variant,
)

Row = Mapping[str, Any]
T = TypeVar("T")
_NUL = "\\u0000"          # `native` leaves it out


class _Unusual(Exception):
    """Not as `native` writes it."""


def product_from(body: str) -> Product:
    return _either(body, _product, native.product_from)


def customer_from(body: str) -> Customer:
    return _either(body, _customer, native.customer_from)


def order_from(body: str) -> Order:
    return _either(body, _order, native.order_from)


def _either(body: str, quick: Callable[[Row], T], checked: Callable[[Row], T]) -> T:
    row = load(body)
    if _NUL not in body:
        try:
            return quick(row)
        except (_Unusual, KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
            pass
    return checked(row)


def _product(row: Row) -> Product:
    extra = _extra(row, 12)
    return Product(
        row["id"], _text(row["title"]), _each(row["variants"], _variant), row["description"], row["brand"] or None,
        tuple(row["category"]), tuple(row["tags"]), row["url"] or None, row["image_url"] or None, row["attributes"],
        tuple(row["options"]), _text(row["currency"]), extra)


def _variant(row: Row) -> Variant:
    extra, was = _extra(row, 6), row["compare_at_price"]
    return Variant(row["id"], _money(row["price"]), row["sku"] or None, row["options"],
                   None if was is None else _money(was), row["stock"], extra)


def _customer(row: Row) -> Customer:
    extra = _extra(row, 8)
    return Customer(row["id"], row["first_name"] or None, row["last_name"] or None, row["email"] or None,
                    row["phone"] or None, row["locale"] or None, _address(row["address"]),
                    tuple(map(_method, row["payment_methods"])), extra)


def _address(row: Row | None) -> Address | None:
    if row is None:
        return None
    _extra(row, 6)
    return Address(row["line1"] or None, row["line2"] or None, row["city"] or None, row["state"] or None,
                   row["postcode"] or None, row["country"] or None)


def _method(row: Row) -> PaymentMethod:
    extra, left = _extra(row, 4), row["balance"]
    return PaymentMethod(row["id"], MethodKind(row["kind"]), row["label"], None if left is None else _money(left), extra)


def _order(row: Row) -> Order:
    extra = _extra(row, 15)
    return Order(
        row["id"], _text(row["number"]), row["customer_id"], OrderStatus(row["status"]), _each(row["lines"], _line),
        _time(row["placed_at"]), _text(row["currency"]), _address(row["address"]),
        tuple(map(_fulfillment, row["fulfillments"])), tuple(map(_payment, row["payments"])),
        _time(row["delivered_at"]), row["items_changed"], row["cancel_reason"] or None,
        tuple(map(_return, row["returns"])), tuple(map(_exchange, row["exchanges"])), extra)


def _line(row: Row) -> OrderLine:
    extra = _extra(row, 7)
    return OrderLine(row["id"], row["product_id"], row["variant_id"], _text(row["title"]), _money(row["unit_price"]),
                     row["options"], row["quantity"], extra)


def _fulfillment(row: Row) -> Fulfillment:
    extra = _extra(row, 5)
    return Fulfillment(row["carrier"] or None, row["tracking_number"] or None, row["status"] or None,
                       row["eta"] or None, tuple(row["line_ids"]), extra)


def _payment(row: Row) -> Payment:
    extra = _extra(row, 3)
    return Payment(_text(row["kind"]), _money(row["amount"]), row["method_id"] or None, extra)


def _return(row: Row) -> ReturnRequest:
    extra = _extra(row, 2)
    return ReturnRequest(tuple((line["line_id"], line["quantity"]) for line in row["lines"]),
                         row["refund_method_id"] or None, extra)


def _exchange(row: Row) -> ExchangeRequest:
    extra = _extra(row, 3)
    return ExchangeRequest(row["line_id"], row["new_variant_id"], row["method_id"] or None, extra)


def _extra(row: Row, known: int) -> Row:
    """What `native` wrote as `extra`; with all known fields there and no other one, as many fields are left as known."""
    kept: Row = row.get("extra") or {}
    if len(row) != known + ("extra" in row):
        raise _Unusual
    return kept


def _each(rows: Sequence[Row], read: Callable[[Row], T]) -> tuple[T, ...]:
    if not rows:
        raise _Unusual
    return tuple(map(read, rows))


def _text(value: Any) -> str:
    if not value or type(value) is not str:
        raise _Unusual
    return value


def _money(value: Any) -> Decimal:
    amount = Decimal(_text(value))
    if not amount.is_finite() or amount < 0:
        raise _Unusual
    return amount


def _time(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(_text(value)).astimezone(UTC)
