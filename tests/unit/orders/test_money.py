"""Money on orders: what is still held, and how amounts are written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from knowledge.models import Payment
from knowledge.orders.money import money_text, open_payments, refund_for_cancelling
from tests.fakes_orders import order


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


def test_a_refund_by_another_method_is_not_paid_out_twice():
    entries = [pay("payment", "100", "a"), pay("refund", "10", "b")]
    assert open_payments(entries) == [pay("payment", "90", "a")]


def test_cancelling_gives_back_what_is_still_held():
    assert refund_for_cancelling(order("1", "delivered", quantity=2)) == Decimal("145.00")
