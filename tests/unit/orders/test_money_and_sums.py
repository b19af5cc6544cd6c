"""Money on orders: what is still held, how amounts are written, and sums for questions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from knowledge.models import OrderStatus, Payment
from knowledge.orders.money import money_text, open_payments, paid_by_method
from knowledge.orders.operations import Swap
from knowledge.orders.rules import ReturnRules
from knowledge.orders.sums import (
    cheapest_available,
    difference_for,
    price_of,
    refund_for,
    refund_for_cancelling,
    refunded,
    total_of,
)
from tests.fakes_orders import kettle, lamp, order, orders


def pay(kind: str, amount: str, method: str) -> Payment:
    return Payment(kind, Decimal(amount), method)


@pytest.mark.parametrize(("amount", "currency", "text"), [
    ("1249.9", "USD", "$1,249.90"), ("0.005", "EUR", "€0.01"), ("12", "CHF", "12.00 CHF"), ("1250.4", "JPY", "¥1,250")])
def test_amounts_are_written_as_the_currency_has_them(amount, currency, text):
    assert money_text(Decimal(amount), currency) == text


def test_open_payments_are_what_was_not_given_back():
    entries = [pay("payment", "100", "a"), pay("payment", "30", "b"), pay("refund", "100", "a"),
               pay("refund", "10", "b")]
    assert open_payments(entries) == [pay("payment", "20", "b")]
    assert paid_by_method(entries) == {"b": Decimal(20)}


def test_a_refund_by_another_method_is_not_paid_out_twice():
    entries = [pay("payment", "100", "a"), pay("refund", "10", "b")]
    assert open_payments(entries) == [pay("payment", "90", "a")]


def test_totals_by_currency_and_status():
    assert total_of(orders(), [OrderStatus.PENDING]) == {"USD": Decimal("315.00")}
    assert total_of(orders()) == {"USD": Decimal("630.00")}


def test_what_if_questions():
    given = order("1", "delivered", quantity=2)
    assert price_of(given, [("L1", 2), ("L3", 1), ("nothing", 9)]) == Decimal("105.00")
    strict = ReturnRules.model_validate({"restocking_fee_percent": 10, "store_credit_bonus_percent": 5})
    assert refund_for(given, [("L1", 2)], strict) == Decimal("72.00")
    assert refund_for(given, [("L1", 2)], strict, store_credit=True) == Decimal("75.60")
    assert refund_for_cancelling(given) == Decimal("145.00")
    assert difference_for(given, [Swap("L1", "V2"), Swap("L3", "K2")], [lamp(), kettle()]) == Decimal("41.00")
    assert refunded(given) == {}


def test_the_cheapest_variant_in_stock():
    assert cheapest_available(lamp()).id == "V3"
    assert cheapest_available(lamp(), {"power": "usb"}).id == "V1"
    assert cheapest_available(lamp(), {"color": "red"}) is None
