"""Shopify's order CSV export: an order's rows follow one another under its name, one per line item.

Customers are derived from the orders, by e-mail. The export tells of shipping, never of delivery, so no order comes out
as delivered.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from knowledge.connectors.cells import Cells
from knowledge.connectors.lines import read_csv
from knowledge.connectors.record import Record, SourceFile
from knowledge.keys import folded, letters_and_digits
from knowledge.models import (
    Address,
    Customer,
    Fulfillment,
    MethodKind,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentMethod,
)
from knowledge.records import CUSTOMERS, ORDERS

_PAID = ("paid", "partially_paid", "partially_refunded", "refunded")
_KEPT = ("Financial Status", "Fulfillment Status", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code",
         "Discount Amount", "Shipping Method", "Notes", "Tags", "Source", "Payment Method", "Refunded Amount")


def read(file: SourceFile) -> Iterator[Record]:
    """Per order one order and one customer, who may be seen again. Raises DataError."""
    rows = (Cells(file, line, row) for line, row in read_csv(file))
    for number, group in groupby(rows, key=lambda cells: cells.must_text("Name")):
        cells = list(group)
        customer = _customer(number, cells[0])
        yield Record(CUSTOMERS, cells[0].line, customer, part=True)
        yield Record(ORDERS, cells[0].line, _order(number, cells, customer))


def _customer(number: str, first: Cells) -> Customer:
    email = first.text("Email")
    name = first.text("Shipping Name") or first.text("Billing Name")
    given, _, family = name.rpartition(" ")
    method = _method(first)
    return Customer(
        id=folded(email) or f"guest:{letters_and_digits(number)}", first_name=given or name or None,
        last_name=family if given else None, email=email or None,
        phone=first.text("Phone") or first.text("Shipping Phone") or first.text("Billing Phone") or None,
        address=_address(first, "Shipping") or _address(first, "Billing"), payment_methods=(method,) if method else ())


def _method(first: Cells) -> PaymentMethod | None:
    label = first.text("Payment Method")
    if not label:
        return None
    word = label.casefold()
    kind = MethodKind.CREDIT_CARD
    if "paypal" in word:
        kind = MethodKind.PAYPAL
    elif "gift" in word:
        kind = MethodKind.GIFT_CARD
    return PaymentMethod(id="_".join(word.split()), kind=kind, label=label)


def _address(first: Cells, which: str) -> Address | None:
    line1 = first.text(f"{which} Address1") or first.text(f"{which} Street")
    parts = (line1, first.text(f"{which} Address2"), first.text(f"{which} City"), first.text(f"{which} Province"),
             first.text(f"{which} Zip").lstrip("'"), first.text(f"{which} Country"))
    return Address(*(part or None for part in parts)) if any(parts) else None


def _order(number: str, rows: list[Cells], customer: Customer) -> Order:
    first = rows[0]
    lines = tuple(_line(place, row) for place, row in enumerate(rows, 1) if row.text("Lineitem name"))
    if not lines:
        raise first.fail("Lineitem name", f"order {number} has no line", "every order needs at least one")
    method = customer.payment_methods[0].id if customer.payment_methods else None
    kept = {column.lower().replace(" ", "_"): first.text(column) for column in _KEPT if first.text(column)}
    return Order(
        id=first.text("Id").lstrip("'") or letters_and_digits(number), number=number, customer_id=customer.id,
        status=_status(first), lines=lines, placed_at=first.time("Created at") or first.time("Paid at"),
        currency=first.text("Currency") or "USD", address=_address(first, "Shipping") or _address(first, "Billing"),
        fulfillments=_fulfillments(rows, lines), payments=_payments(first, lines, method), extra=kept)


def _line(place: int, row: Cells) -> OrderLine:
    """`product_id` stays open: the catalogue knows it by SKU or title."""
    title, sku = row.must_text("Lineitem name"), row.text("Lineitem sku").lstrip("'")
    quantity = row.whole("Lineitem quantity")
    if quantity is None or quantity < 1:
        raise row.fail("Lineitem quantity", f"'{row.text('Lineitem quantity')}' is below 1", "write 1 or more")
    return OrderLine(id=f"L{place}", product_id="", variant_id=sku or title, title=title, quantity=quantity,
                     unit_price=row.must_money("Lineitem price"), extra={"sku": sku} if sku else {})


def _status(first: Cells) -> OrderStatus:
    if first.text("Cancelled at") or first.text("Financial Status").lower() == "voided":
        return OrderStatus.CANCELLED
    word = first.text("Fulfillment Status").lower() or "unfulfilled"
    known = {"unfulfilled": OrderStatus.PENDING, "pending": OrderStatus.PENDING, "scheduled": OrderStatus.PENDING,
             "on_hold": OrderStatus.PENDING, "partial": OrderStatus.PROCESSED, "in_progress": OrderStatus.PROCESSED,
             "restocked": OrderStatus.CANCELLED, "fulfilled": OrderStatus.SHIPPED}
    if word not in known:
        raise first.fail("Fulfillment Status", f"'{word[:40]}' is unknown", f"one of {', '.join(known)}")
    return known[word]


def _fulfillments(rows: list[Cells], lines: tuple[OrderLine, ...]) -> tuple[Fulfillment, ...]:
    sent = tuple(f"L{place}" for place, row in enumerate(rows, 1)
                 if row.text("Lineitem name") and row.text("Lineitem fulfillment status").lower() == "fulfilled")
    if not sent and rows[0].text("Fulfillment Status").lower() == "fulfilled":
        sent = tuple(line.id for line in lines)
    return (Fulfillment(status="shipped", line_ids=sent),) if sent else ()


def _payments(first: Cells, lines: tuple[OrderLine, ...], method: str | None) -> tuple[Payment, ...]:
    if first.text("Financial Status").lower() not in _PAID:
        return ()
    total = first.money("Total")
    if total is None:
        total = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
    refunded = first.money("Refunded Amount")
    paid = Payment("payment", total, method)
    return (paid, Payment("refund", refunded, method)) if refunded else (paid,)
