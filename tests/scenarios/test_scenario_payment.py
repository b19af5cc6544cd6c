"""Customers who want to pay a pending order otherwise: one other method of theirs, the old one is refunded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from knowledge.models import MethodKind, Order
from tests.scenarios.books import DELIVERED, PENDING, Books
from tests.scenarios.talk import Talk

CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD
SignIn = Callable[..., Talk]


def entries(order: Order) -> set[tuple[str, Decimal, str | None]]:
    return {(p.kind, p.amount, p.method_id) for p in order.payments}


async def test_paypal_instead_of_the_card(talk: Talk, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD), books.has(PAYPAL))
    customer = books.owner(order)
    paypal = next(m for m in customer.payment_methods if m.kind == PAYPAL)
    await talk.say(f"pay for the pending order with paypal, not with my card. {customer.email}")
    assert talk.to_confirm == [("change_payment", order.number)]
    await talk.say("yes")
    stored = await talk.order(order.number)
    added = {("payment", order.total, paypal.id), ("refund", order.total, order.payments[0].method_id)}
    assert entries(stored) == entries(order) | added and len(stored.payments) == 3
    assert await talk.writes() == {order.number}


async def test_the_method_is_asked_for(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(PAYPAL), books.has(CARD),
                        lambda o: sum(m.kind == CARD for m in books.owner(o).payment_methods) == 1)
    customer = books.owner(order)
    card = next(m for m in customer.payment_methods if m.kind == CARD)
    talk = signed_in(customer)
    await talk.say(f"i want to change the payment method of {order.number}")
    if len(customer.payment_methods) > 2:
        assert talk.asked == "payment_method"
        await talk.say("my credit card")
    elif talk.asked == "payment_method":
        await talk.say("my credit card")
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert ("payment", order.total, card.id) in entries(stored)


async def test_a_gift_card_that_covers_it(signed_in: SignIn, books: Books) -> None:
    def covered(order: object) -> bool:
        balance = books.gift_card(books.owner(order)).balance or Decimal(0)   # type: ignore[arg-type]
        return balance >= order.total                                         # type: ignore[attr-defined]

    order = books.first(PENDING, books.paid_by(CARD, PAYPAL), books.has(GIFT), covered)
    customer = books.owner(order)
    before = books.gift_card(customer)
    talk = signed_in(customer)
    await talk.say(f"use my gift card for {order.number} instead please")
    await talk.say("yes")
    assert books.gift_card(await talk.customer(customer.id)).balance == (before.balance or 0) - order.total
    stored = await talk.order(order.number)
    assert ("refund", order.total, order.payments[0].method_id) in entries(stored)


async def test_a_gift_card_that_does_not(signed_in: SignIn, books: Books) -> None:
    def short(order: object) -> bool:
        balance = books.gift_card(books.owner(order)).balance or Decimal(0)   # type: ignore[arg-type]
        return balance < order.total                                          # type: ignore[attr-defined]

    order = books.first(PENDING, books.paid_by(CARD, PAYPAL), books.has(GIFT), short)
    talk = signed_in(books.owner(order))
    await talk.say(f"please charge {order.number} to my gift card")
    assert talk.asked != "confirmation"
    assert talk.shows(f"{books.gift_card(books.owner(order)).balance:.2f}")
    await talk.say("yes")
    assert await talk.writes() == set()


async def test_the_same_method_changes_nothing(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(PAYPAL))
    talk = signed_in(books.owner(order))
    await talk.say(f"I'd like to pay {order.number} with paypal")
    assert talk.asked != "confirmation"
    await talk.say("yes")
    assert await talk.writes() == set()


async def test_a_method_nobody_has_stored(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.single_method, books.paid_by(CARD))
    talk = signed_in(books.owner(order))
    await talk.say(f"switch {order.number} to my paypal account")
    assert talk.asked != "confirmation"
    await talk.say("yes")
    assert await talk.writes() == set()


async def test_no_splitting(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.has(CARD, PAYPAL), books.paid_by(CARD))
    talk = signed_in(books.owner(order))
    await talk.say(f"could i split {order.number}, half on paypal and half on my card?")
    assert talk.asked != "confirmation"
    assert await talk.writes() == set()


async def test_a_delivered_order_is_paid(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, books.only, books.has(CARD, PAYPAL), books.paid_by(CARD))
    talk = signed_in(books.owner(order))
    await talk.say(f"change payment of {order.number} to paypal")
    assert talk.asked != "confirmation" and talk.shows("delivered")
    assert await talk.writes() == set()
