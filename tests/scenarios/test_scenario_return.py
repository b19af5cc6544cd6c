"""Customers who send things back: named lines of delivered orders, refund to the original method or a gift card."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from knowledge.models import MethodKind, OrderStatus
from tests.scenarios.books import (
    DELIVERED,
    PENDING,
    SHIPPED,
    Books,
    amount,
    different,
    lines,
    one_line,
    returned,
)
from tests.scenarios.talk import Talk

CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD
SignIn = Callable[..., Talk]


async def confirm(talk: Talk, method: str = "the way I paid") -> None:
    """Answer the question for the money's way, where there is one, and say yes."""
    if talk.asked == "payment_method":
        await talk.say(method)
    await talk.say("yes")


async def test_one_item_of_several(talk: Talk, books: Books) -> None:
    order = books.first(DELIVERED, lines(2), different, books.paid_by(CARD, PAYPAL),
                        lambda o: books.known_by(o.lines[0], o))
    line, customer = order.lines[0], books.owner(order)
    await talk.say(f"Hello, I'd like to return the {books.name(line)}. It looks nothing like the picture. "
                   f"{customer.email}")
    if talk.asked == "payment_method":
        await talk.say("back to how I paid")
    assert talk.to_confirm == [("return_items", order.number)]
    assert talk.money == [("refund", f"${amount([line]):,.2f}", books.method(order).label)]
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert stored.status is OrderStatus.RETURN_REQUESTED
    assert returned(stored) == {line.id: line.quantity}
    assert stored.returns[0].refund_method_id == order.payments[0].method_id
    assert stored.payments == order.payments, "money moves when the goods arrive"
    assert await talk.writes() == {order.number}


async def test_the_whole_order(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(2), books.single_method)
    talk = signed_in(books.owner(order))
    await talk.say(f"everything in {order.number} goes back, i want a refund")
    await confirm(talk)
    assert returned(await talk.order(order.number)) == {x.id: x.quantity for x in order.lines}


async def test_everything_except_one_thing(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(3), different, books.single_method)
    kept = order.lines[-1]
    talk = signed_in(books.owner(order))
    await talk.say(f"I want to send back everything from {order.number} except the {books.name(kept)}")
    await confirm(talk)
    assert returned(await talk.order(order.number)) == {x.id: x.quantity for x in order.lines if x.id != kept.id}


async def test_one_of_two_pieces(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, books.paid_by(CARD, PAYPAL),
                        lambda o: any(x.quantity == 2 and books.known_by(x, o) for x in o.lines))
    line = next(x for x in order.lines if x.quantity == 2)
    talk = signed_in(books.owner(order))
    await talk.say(f"can I return just one of the two {books.name(line)} from order {order.number}? "
                   "the other one is fine")
    await confirm(talk)
    stored = await talk.order(order.number)
    assert returned(stored) == {line.id: 1}


async def test_the_refund_may_go_to_a_gift_card(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.paid_by(CARD), books.has(GIFT))
    customer = books.owner(order)
    talk = signed_in(customer)
    await talk.say(f"return order {order.number}")
    assert talk.asked == "payment_method"
    await talk.say("put it on my gift card")
    assert talk.money[0][2] == books.gift_card(customer).label
    await talk.say("ok do it")
    stored = await talk.order(order.number)
    assert stored.returns[0].refund_method_id == books.gift_card(customer).id
    assert books.gift_card(await talk.customer(customer.id)).balance == books.gift_card(customer).balance


async def test_but_not_to_another_card(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.paid_by(CARD), books.has(PAYPAL))
    talk = signed_in(books.owner(order))
    await talk.say(f"I'd like to return {order.number} and have the money on my PayPal")
    if talk.asked == "confirmation":
        assert "PayPal" not in {method for _, _, method in talk.money}
    await talk.say("on paypal please!")
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert all(r.refund_method_id == order.payments[0].method_id for r in stored.returns)


@pytest.mark.parametrize("status", [PENDING, SHIPPED])
async def test_what_has_not_arrived_cannot_go_back(signed_in: SignIn, books: Books, status: OrderStatus) -> None:
    order = books.first(status, books.only)
    talk = signed_in(books.owner(order))
    await talk.say(f"i want to return order {order.number}")
    assert talk.asked != "confirmation"
    assert talk.shows(status.value)
    assert await talk.writes() == set()


async def test_an_item_is_named_without_its_order(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.single_method,
                        lambda o: not books.alone(o) and books.known_by(o.lines[0], o))
    talk = signed_in(books.owner(order))
    await talk.say(f"need to return my {books.name(order.lines[0])}, doesnt fit")
    await confirm(talk)
    assert await talk.writes() == {order.number}


async def test_items_of_two_orders_in_one_message(signed_in: SignIn, books: Books) -> None:
    def pair_of(order: object) -> list[object]:
        own = books.of(books.owner(order), DELIVERED)                # type: ignore[arg-type]
        return [o for o in own if one_line(o) and books.known_by(o.lines[0], o)]

    order = books.first(DELIVERED, books.single_method, lambda o: len(pair_of(o)) >= 2)
    first, second = pair_of(order)[:2]
    talk = signed_in(books.owner(order))
    await talk.say(f"I'm returning two things: the {books.name(first.lines[0])} and the {books.name(second.lines[0])}")  # type: ignore[attr-defined]
    await confirm(talk)
    if talk.asked == "confirmation":
        await talk.say("yes")
    assert await talk.writes() == {first.number, second.number}      # type: ignore[attr-defined]


async def test_a_return_asked_for_before_is_told(signed_in: SignIn, books: Books) -> None:
    order = books.first(OrderStatus.RETURN_REQUESTED, books.only)
    talk = signed_in(books.owner(order))
    await talk.say(f"please return {order.number}")
    assert talk.asked != "confirmation" and talk.shows("return requested")
    assert await talk.writes() == set()


async def test_which_item_is_asked_when_nothing_was_named(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, books.only, lines(2), different, books.single_method)
    talk = signed_in(books.owner(order))
    await talk.say("hi i would like to return something")
    assert talk.asked in ("items", "order")
    await talk.say(f"the {books.name(order.lines[1])}")
    await confirm(talk)
    assert returned(await talk.order(order.number)) == {order.lines[1].id: order.lines[1].quantity}
