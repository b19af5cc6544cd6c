"""Customers who cancel: whole pending orders only, with one of two reasons, money back the way it came."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from knowledge.models import MethodKind, OrderStatus
from tests.scenarios.books import CANCELLED, DELIVERED, PENDING, PROCESSED, SHIPPED, Books, lines, refunds
from tests.scenarios.talk import Talk

CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD
SignIn = Callable[..., Talk]


async def test_an_order_no_longer_needed(talk: Talk, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    await talk.say(f"Hi! I'd like to cancel order {order.number}, I dont need it anymore. "
                   f"My email is {books.owner(order).email}")
    assert talk.to_confirm == [("cancel_order", order.number)]
    assert await talk.writes() == set()
    await talk.say("yes please")
    stored = await talk.order(order.number)
    assert (stored.status, stored.cancel_reason) == (CANCELLED, "no longer needed")
    assert refunds(stored) == [(order.payments[0].method_id, order.total)]
    assert await talk.writes() == {order.number}
    assert talk.shows(order.number, f"{order.total:.2f}")


async def test_the_reason_is_asked_for(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk = signed_in(books.owner(order))
    await talk.say("pls cancel my pending order")
    assert talk.asked == "reason"
    await talk.say("it was an accident, i clicked twice")
    assert talk.to_confirm == [("cancel_order", order.number)]
    await talk.say("yep")
    assert (await talk.order(order.number)).cancel_reason == "ordered by mistake"


async def test_a_gift_card_is_credited_at_once(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(GIFT))
    customer = books.owner(order)
    talk = signed_in(customer)
    await talk.say(f"cancel my order {order.number.lower()} please. ordered it by mistake")
    await talk.say("yes")
    after = books.gift_card(await talk.customer(customer.id)).balance
    before = books.gift_card(customer).balance
    assert after is not None and before is not None and after - before == order.total
    assert await talk.writes() == {order.number, customer.id}


async def test_every_payment_goes_back_to_where_it_came_from(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: len(o.payments) > 1)
    talk = signed_in(books.owner(order))
    await talk.say(f"I no longer need {order.number}, cancel it")
    await talk.say("yes, go ahead")
    paid = [(p.method_id, p.amount) for p in order.payments]
    assert sorted(refunds(await talk.order(order.number))) == sorted(paid)     # type: ignore[type-var]


@pytest.mark.parametrize("status", [PROCESSED, SHIPPED, DELIVERED])
async def test_too_late_to_cancel(signed_in: SignIn, books: Books, status: OrderStatus) -> None:
    order = books.first(status, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"cancel {order.number} now!! I don't want it any more")
    assert talk.asked != "confirmation"
    assert talk.shows(order.number, status.value)
    assert await talk.writes() == set()


async def test_only_the_two_reasons_count(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"Cancel order {order.number}")
    await talk.say("thats none of your business")
    assert talk.card == {}
    await talk.say("fine. ordered by mistake")
    assert talk.to_confirm == [("cancel_order", order.number)]


async def test_a_single_item_cannot_be_cancelled(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, lines(2), lambda o: books.known_by(o.lines[0], o))
    talk = signed_in(books.owner(order))
    await talk.say(f"please take the {books.name(order.lines[0])} out of my order, i only want the rest")
    assert talk.asked != "confirmation"
    await talk.say("no thanks, then leave it as it is")
    assert await talk.writes() == set()


async def test_which_of_several_pending_orders(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: not books.alone(o) and books.known_by(o.lines[0], o))
    talk = signed_in(books.owner(order))
    await talk.say("I want to cancel an order, no longer needed")
    assert talk.asked == "order"
    await talk.say(f"the one with the {books.name(order.lines[0])}")
    assert talk.to_confirm == [("cancel_order", order.number)]
    await talk.say("yes")
    assert await talk.writes() >= {order.number}
    assert (await talk.order(order.number)).status is CANCELLED


async def test_all_pending_orders_at_once(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: not books.alone(o))
    pending = books.of(books.owner(order), PENDING)
    talk = signed_in(books.owner(order))
    await talk.say("Cancel all my pending orders. I lost my job and don't need any of it anymore :(")
    assert sorted(n for _, n in talk.to_confirm) == sorted(o.number for o in pending)
    await talk.say("yes")
    assert [(await talk.order(o.number)).status for o in pending] == [CANCELLED] * len(pending)
    assert {k for k in await talk.writes() if k.startswith("#")} == {o.number for o in pending}


async def test_no_means_no(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say("cancel my pending order, dont need it anymore")
    await talk.say("no, wait, keep it")
    assert talk.asked != "confirmation"
    assert await talk.writes() == set()


async def test_a_yes_to_something_else_cancels_nothing(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say("yes")
    await talk.say("cancel my pending order")
    await talk.say("yes")              # to "why?"
    assert await talk.writes() == set()


async def test_a_cancelled_order_stays_cancelled(signed_in: SignIn, books: Books) -> None:
    order = books.first(CANCELLED, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"oh no, please undo the cancellation of {order.number}, I want it after all!")
    assert talk.asked != "confirmation"
    await talk.say("please")
    assert await talk.writes() == set()
