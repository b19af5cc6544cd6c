"""Customers who ask about their orders: where, what, how much, what if. Everything read live, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from knowledge.models import MethodKind, OrderStatus
from tests.scenarios.books import CANCELLED, DELIVERED, PENDING, SHIPPED, Books, amount, different, lines, refunds
from tests.scenarios.talk import Talk

CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD
SignIn = Callable[..., Talk]


def money(value: Decimal) -> str:
    return f"{value:,.2f}"


async def test_where_is_it(signed_in: SignIn, books: Books) -> None:
    order = books.first(SHIPPED, lambda o: len(o.fulfillments) == 1)
    parcel = order.fulfillments[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"when will {order.number.removeprefix('#').lower()} be here")
    assert parcel.eta
    assert talk.shows(order.number, parcel.tracking_number, parcel.carrier, str(int(parcel.eta[-2:])))


async def test_every_parcel_of_an_order(signed_in: SignIn, books: Books) -> None:
    order = books.first(SHIPPED, lambda o: len(o.fulfillments) > 1)
    talk = signed_in(books.owner(order))
    await talk.say(f"Can you give me the tracking for {order.number}? i think its more than one parcel")
    assert talk.shows(*[f.tracking_number for f in order.fulfillments])


async def test_only_digits_of_the_number(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lambda o: len(o.fulfillments) == 1)
    talk = signed_in(books.owner(order))
    await talk.say(f"status of order {order.number.removeprefix('#W')}")
    assert talk.shows(order.number, "delivered")


async def test_all_that_is_in_it(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(3), different)
    talk = signed_in(books.owner(order))
    await talk.say(f"what exactly was in {order.number} and what did i pay?")
    assert talk.shows(*[x.title for x in order.lines], money(order.total))


async def test_history(signed_in: SignIn, books: Books) -> None:
    customer = next(c for c in books.customers.values() if 4 <= len(books.of(c)) <= 8)
    talk = signed_in(customer)
    await talk.say("list all my orders please")
    assert talk.shows(*[o.number for o in books.of(customer)])


async def test_the_total_of_an_order(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(2))
    talk = signed_in(books.owner(order))
    await talk.say(f"how much did i spend on {order.number}")
    assert talk.shows(money(order.total))


async def test_what_pending_orders_cost_together(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: not books.alone(o))
    pending = books.of(books.owner(order), PENDING)
    talk = signed_in(books.owner(order))
    await talk.say("what do my pending orders cost together?")
    assert talk.shows(money(sum((o.total for o in pending), Decimal(0))))


async def test_what_if_one_thing_went_back(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(2), different, lambda o: books.known_by(o.lines[1], o))
    talk = signed_in(books.owner(order))
    await talk.say(f"how much would I get back if I returned the {books.name(order.lines[1])} from {order.number}?")
    assert talk.shows(money(amount([order.lines[1]])))
    assert await talk.writes() == set()


async def test_what_if_it_were_cancelled(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"if i cancelled {order.number}, how much money would i get back?")
    assert talk.shows(money(order.total))
    assert await talk.writes() == set()


async def test_has_my_refund_been_made(signed_in: SignIn, books: Books) -> None:
    order = books.first(CANCELLED, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"where's my refund for {order.number}?!")
    assert talk.shows(order.number, money(sum((a for _, a in refunds(order)), Decimal(0))))


async def test_a_return_that_is_under_way(signed_in: SignIn, books: Books) -> None:
    order = books.first(OrderStatus.RETURN_REQUESTED, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"any news about my return of {order.number}? no money so far")
    assert talk.shows(order.number, "return", books.method(order).label)


async def test_the_gift_card(signed_in: SignIn, books: Books) -> None:
    customer = next(c for c in books.customers.values()
                    if any(m.kind == GIFT and (m.balance or 0) > 0 for m in c.payment_methods))
    talk = signed_in(customer)
    await talk.say("how much is left on my gift card")
    assert talk.shows(money(books.gift_card(customer).balance or Decimal(0)))


async def test_no_gift_card(signed_in: SignIn, books: Books) -> None:
    customer = next(c for c in books.customers.values() if all(m.kind != GIFT for m in c.payment_methods))
    talk = signed_in(customer)
    await talk.say("what's my gift card balance?")
    assert "$" not in talk.text


async def test_an_invoice(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(2))
    talk = signed_in(books.owner(order))
    await talk.say(f"i need a copy of the invoice for {order.number} for my tax return")
    assert talk.shows(order.number, money(order.total), *[x.title for x in order.lines])


async def test_what_is_in_the_account(signed_in: SignIn, books: Books) -> None:
    customer = next(c for c in books.customers.values() if c.address and len(c.payment_methods) > 1)
    assert customer.address
    talk = signed_in(customer)
    await talk.say("which address and payment methods do you have on file for me?")
    assert talk.shows(customer.address.line1, *[m.label for m in customer.payment_methods])


async def test_an_order_that_is_not_theirs(signed_in: SignIn, books: Books) -> None:
    order = books.first(SHIPPED, lambda o: len(o.fulfillments) == 1)
    other = next(c for c in books.customers.values() if c.id != order.customer_id)
    talk = signed_in(other)
    await talk.say(f"where is {order.number}")
    assert not talk.shows(order.fulfillments[0].tracking_number)
    assert not any(talk.shows(x.title) for x in order.lines)


async def test_how_it_was_paid(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, books.paid_by(CARD), books.has(PAYPAL))
    talk = signed_in(books.owner(order))
    await talk.say(f"did I pay {order.number} by card or paypal? can't remember")
    assert talk.shows(books.method(order).label)
