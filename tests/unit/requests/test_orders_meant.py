"""Which orders a text speaks of: numbers in any spelling, status, place, age, and pointing back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.requests.orders import OrderChoice, choose_orders
from knowledge.models import OrderStatus
from tests.unit.requests.shelf import desk, order, orders


def choose(text: str, **focus) -> OrderChoice:
    return choose_orders(text, desk(**focus))


@pytest.mark.parametrize("spelling", [
    "#K10412", "#k10412", "K10412", "k10412", "10412", "K-10412", "order 10412", "order no. #K10412!", "(K10412)",
    "# K10412"])
def test_a_number_in_any_spelling(spelling):
    found = choose(f"what about {spelling}")
    assert (found.orders, found.unknown, found.named) == (("10412",), (), True)


def test_several_numbers_in_the_order_they_were_said_each_once():
    assert choose("#K10455, then #K10301 and 10455 again").orders == ("10455", "10301")


@pytest.mark.parametrize("text", ["#K99999", "k99999 please", "order 99999", "#K20111"])
def test_a_number_that_is_none_of_the_customers_is_unknown(text):
    found = choose(text)
    assert found.orders == ()
    assert len(found.unknown) == 1


@pytest.mark.parametrize("text", ["where is order W1234567", "cancel order number 123456789"])
def test_what_is_called_an_order_number_is_one(text):
    assert choose(text).unknown


@pytest.mark.parametrize("text", [
    "I paid 10.99", "call me at 5035550117", "size 42", "the 900 lumen lamp", "500 pieces", "97205"])
def test_other_numbers_are_no_orders(text):
    found = choose(text)
    assert (found.orders, found.unknown) == ((), ())


@pytest.mark.parametrize(("text", "ids"), [
    ("my last order", ("10455",)), ("my latest purchase", ("10455",)), ("my oldest order", ("10267",)),
    ("the order to Savannah", ("10412",)), ("the order sent to Georgia", ("10412",)),
    ("all my orders", ("10455", "10412", "10388", "10301", "10267")), ("my pending orders", ("10455", "10412")),
    ("the last delivered order", ("10301",)),
])
def test_orders_by_age_place_and_number(text, ids):
    assert choose(text).orders == ids


def test_that_order_is_the_one_spoken_of():
    assert choose("cancel that order", focus=("10301", "10455")).orders == ("10301",)
    assert choose("cancel that order").orders == ()


def test_the_other_order_only_where_there_is_one_other():
    two = desk(*orders()[:2], focus=("10455",))
    assert choose_orders("the other order", two).orders == ("10412",)
    assert choose("the other order", focus=("10455",)).orders == ()


def test_a_status_is_noted_without_choosing():
    found = choose("the order that was shipped")
    assert (found.orders, found.statuses) == ((), (OrderStatus.SHIPPED,))


def test_undated_orders_have_no_last_one():
    undated = desk(order("1", "pending", "LAMP-1"), order("2", "pending", "LAMP-2"))
    assert choose_orders("my last order", undated).orders == ()
    single = desk(order("1", "pending", "LAMP-1"))
    assert choose_orders("my last order", single).orders == ("1",)


@given(st.text(max_size=120))
def test_any_text_chooses_only_the_customers_own(text):
    found = choose(text)
    assert set(found.orders) <= {o.id for o in desk().orders}
    assert len(set(found.orders)) == len(found.orders)
