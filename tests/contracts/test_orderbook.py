"""What every order book must do, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from knowledge.models import (
    Address,
    Customer,
    MethodKind,
    Order,
    OrderLine,
    OrderStatus,
    PaymentMethod,
    ReturnRequest,
)
from knowledge.orderbook import SqlOrderBook

ANA = Customer(id="C7", first_name="Ana", last_name="Ruíz", email="Ana@Example.com",
               address=Address(line1="1 High St", postcode="AB1 2CD"),
               payment_methods=(PaymentMethod("PM1", MethodKind.GIFT_CARD, "gift card", Decimal("20.00")),))
LINE = OrderLine(id="L1", product_id="P1", variant_id="V1", title="Lamp", unit_price=Decimal("12.50"),
                 options={"color": "red"}, quantity=2)


def order(number: str, customer: str = "C7", placed: datetime | None = None) -> Order:
    return Order(id=f"O-{number}", number=number, customer_id=customer, status=OrderStatus.PENDING, lines=(LINE,),
                 placed_at=placed, extra={"channel": "web"})


@pytest.fixture(params=["alone", "service"])
async def book(request: pytest.FixtureRequest, engine: AsyncEngine) -> AsyncIterator[SqlOrderBook]:
    """Writing for itself, and with the writer of a running service."""
    async with database.open_writer(engine) as write:
        book = SqlOrderBook(engine, write if request.param == "service" else None)
        await book.save(order("#W100"), customer=ANA)
        yield book


async def test_gives_back_exactly_what_was_saved(book: SqlOrderBook) -> None:
    assert await book.order("O-#W100") == order("#W100")
    assert await book.customer("C7") == ANA
    assert await book.order("nothing") is None
    assert await book.customer("nobody") is None


@pytest.mark.parametrize("spelling", ["#W100", "w100", " W-100 ", "100", "#100"])
async def test_finds_an_order_in_any_spelling(book: SqlOrderBook, spelling: str) -> None:
    found = await book.order_by_number(spelling)
    assert found is not None and found.id == "O-#W100"


@pytest.mark.parametrize("spelling", ["", "#", "W1001", "X100", "10"])
async def test_finds_no_order_by_another_number(book: SqlOrderBook, spelling: str) -> None:
    assert await book.order_by_number(spelling) is None


async def test_digits_that_two_orders_share_find_neither(book: SqlOrderBook) -> None:
    await book.save(order("X100"))
    assert await book.order_by_number("100") is None
    assert (await book.order_by_number("X100")) == order("X100")


async def test_finds_customers_without_regard_to_case(book: SqlOrderBook) -> None:
    assert await book.customer_by_email(" ana@EXAMPLE.com ") == ANA
    assert await book.customers_by_name("ANA", "ruíz") == [ANA]
    assert await book.customers_by_name("Ana", "Other") == []
    assert await book.customers_by_name("", "") == []
    assert await book.customer_by_email("") is None


async def test_lists_orders_newest_first_and_undated_ones_last_in_file_order(book: SqlOrderBook) -> None:
    january, march = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    for number, placed in (("2", january), ("3", march), ("0", None)):
        await book.save(order(number, placed=placed))
    await book.save(order("9", customer="other"))
    assert [found.number for found in await book.orders_of("C7")] == ["3", "2", "#W100", "0"]
    assert [found.number async for found in book.all_orders()] == ["#W100", "2", "3", "0", "9"]


async def test_saves_only_what_still_stands_as_expected(book: SqlOrderBook) -> None:
    before = order("#W100")
    cancelled = replace(before, status=OrderStatus.CANCELLED, cancel_reason="no longer needed")
    richer = replace(ANA, payment_methods=(replace(ANA.payment_methods[0], balance=Decimal("45.00")),))
    assert await book.save(cancelled, customer=richer, expected=before, expected_customer=ANA)
    assert await book.order(before.id) == cancelled
    assert await book.customer("C7") == richer
    assert not await book.save(replace(before, status=OrderStatus.PROCESSED), expected=before)
    assert not await book.save(before, customer=ANA, expected=cancelled, expected_customer=ANA)
    assert await book.order(before.id) == cancelled


async def test_applies_an_operation_once(book: SqlOrderBook) -> None:
    asked = replace(order("#W100"), status=OrderStatus.RETURN_REQUESTED, returns=(ReturnRequest((("L1", 1),), "PM1"),))
    assert not await book.applied("op-1")
    assert await book.save(asked, expected=order("#W100"), operation_id="op-1")
    assert await book.applied("op-1")
    assert not await book.save(order("#W100"), operation_id="op-1")
    assert await book.order("O-#W100") == asked


async def test_a_refused_write_leaves_its_operation_open(book: SqlOrderBook) -> None:
    wrong = replace(order("#W100"), status=OrderStatus.SHIPPED)
    assert not await book.save(order("#W100"), expected=wrong, operation_id="op-2")
    assert not await book.applied("op-2")
    assert await book.save(wrong, expected=order("#W100"), operation_id="op-2")


async def test_saves_a_customer_once_and_as_expected(book: SqlOrderBook) -> None:
    moved = replace(ANA, address=Address(line1="2 Low St", postcode="ZZ9"))
    assert await book.save_customer(moved, expected=ANA, operation_id="op-3")
    assert not await book.save_customer(ANA, operation_id="op-3")
    assert not await book.save_customer(ANA, expected=ANA)
    assert await book.customer("C7") == moved


async def test_of_many_writes_at_once_one_wins(book: SqlOrderBook) -> None:
    before = order("#W100")
    rivals = [replace(before, cancel_reason=f"reason {n}") for n in range(8)]
    outcomes = await asyncio.gather(*(book.save(rival, expected=before) for rival in rivals))
    assert sorted(outcomes) == [False] * 7 + [True]
    assert await book.order(before.id) == rivals[outcomes.index(True)]


async def test_the_same_operation_at_once_is_applied_once(book: SqlOrderBook) -> None:
    changed = replace(order("#W100"), status=OrderStatus.PROCESSED)
    outcomes = await asyncio.gather(*(book.save(changed, operation_id="op-4") for _ in range(6)))
    assert outcomes.count(True) == 1
