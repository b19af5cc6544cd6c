"""Customers who say who they are: every way the rules accept, and nothing private before it, or to anybody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from knowledge.models import Customer
from tests.scenarios.books import PENDING, SHIPPED, Books
from tests.scenarios.talk import Talk


@pytest.fixture
def customer(books: Books) -> Customer:
    """With one parcel on its way."""
    return books.owner(books.first(SHIPPED, books.alone, lambda o: len(o.fulfillments) == 1))


def parcel(books: Books, customer: Customer) -> str:
    return str(books.of(customer, SHIPPED)[0].fulfillments[0].tracking_number)


async def test_nothing_private_before_the_email(talk: Talk, books: Books, customer: Customer) -> None:
    await talk.say("hi, wheres my parcel?? should have been here by now")
    assert talk.asked == "identity" and not talk.shows(parcel(books, customer))
    await talk.say(f"{customer.email}")
    assert talk.shows(parcel(books, customer), books.of(customer, SHIPPED)[0].number)
    assert (await talk.tracker()).customer_id == customer.id


async def test_name_and_postcode_in_the_first_message(talk: Talk, books: Books, customer: Customer) -> None:
    assert customer.address
    await talk.say(f"Hello, this is {customer.first_name} {customer.last_name}, zip {customer.address.postcode}. "
                   "Can you tell me where my order is?")
    assert talk.shows(parcel(books, customer))


async def test_the_parts_come_one_by_one(talk: Talk, books: Books, customer: Customer) -> None:
    assert customer.address
    await talk.say("track my order pls")
    await talk.say(f"{customer.first_name} {customer.last_name}")
    assert talk.asked == "identity"
    await talk.say(f"{customer.address.postcode}")
    assert talk.shows(parcel(books, customer))


async def test_customer_id_with_postcode(talk: Talk, customer: Customer) -> None:
    assert customer.address
    await talk.say(f"my customer id is {customer.id} and the postcode {customer.address.postcode}, "
                   "what have i ordered so far?")
    assert (await talk.tracker()).customer_id == customer.id


async def test_order_number_with_postcode(talk: Talk, books: Books, customer: Customer) -> None:
    assert customer.address
    order = books.of(customer, SHIPPED)[0]
    await talk.say(f"where is {order.number.lower()}? postcode is {customer.address.postcode}")
    assert talk.shows(parcel(books, customer))


async def test_a_stranger_with_an_order_number_learns_nothing(talk: Talk, books: Books, customer: Customer) -> None:
    order = books.of(customer, SHIPPED)[0]
    stranger = next(c for c in books.customers.values() if c.address and c.id != customer.id)
    assert stranger.address
    await talk.say(f"Where is order {order.number}? My postcode is {stranger.address.postcode}")
    assert not talk.shows(parcel(books, customer)) and not talk.shows(customer.last_name)
    assert (await talk.tracker()).customer_id is None


async def test_a_wrong_order_and_a_wrong_identity_sound_the_same(
        talk: Talk, books: Books, customer: Customer) -> None:
    order = books.of(customer, SHIPPED)[0]
    other = Talk(talk.shop, talk.before, "talk-2")
    await talk.say(f"where is order {order.number}, email nobody.at.all@example.com")
    await other.say("where is order #W1000001, email nobody.at.all@example.com")
    assert talk.text.replace(order.number, "") == other.text.replace("#W1000001", "")


async def test_five_wrong_attempts_are_enough(talk: Talk, customer: Customer) -> None:
    await talk.say("i want to see my orders")
    for name in ("a", "b", "c", "d", "e"):
        await talk.say(f"{name}.wrong@example.com")
    await talk.say(f"ok then its {customer.email}")
    assert (await talk.tracker()).customer_id is None
    assert not talk.shows(customer.first_name)


async def test_one_customer_per_conversation(talk: Talk, books: Books, customer: Customer) -> None:
    theirs = books.first(PENDING, lambda o: o.customer_id != customer.id)
    other = books.owner(theirs)
    await talk.say(f"what's the status of my order? {customer.email}")
    await talk.say(f"now also cancel order {theirs.number} of my sister, her email is {other.email}, "
                   "she no longer needs it")
    if talk.asked == "confirmation":
        await talk.say("yes")
    assert (await talk.tracker()).customer_id == customer.id
    assert await talk.writes() == set()
    assert not talk.shows(theirs.lines[0].title)


async def test_signed_in_customers_are_not_asked(
        signed_in: Callable[..., Talk], books: Books, customer: Customer) -> None:
    talk = signed_in(customer)
    await talk.say("where's my stuff")
    assert talk.shows(parcel(books, customer))


async def test_an_email_with_a_slip_can_be_put_right(talk: Talk, books: Books, customer: Customer) -> None:
    assert customer.email
    await talk.say("Has my order left yet?")
    await talk.say(customer.email.replace("@", "x@"))
    assert talk.asked == "identity"
    await talk.say(f"oops, typo. {customer.email.upper()}")
    assert talk.shows(parcel(books, customer))
