"""Messages that come twice or all at once: one reply, one write. Through the inbox and over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.domain.message import InboundMessage
from knowledge.models import MethodKind
from tests.scenarios.books import CANCELLED, PENDING, Books, refunds
from tests.scenarios.talk import Talk
from tests.scenarios.web import Web

SignIn = Callable[..., Talk]
Begin = Callable[..., Web]
CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD


async def test_the_same_message_id_gets_the_same_reply(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = web(books.owner(order))
    first = await talk.say(f"cancel {order.number}, no longer needed", message_id="m1")
    again = await talk.say(f"cancel {order.number}, no longer needed", message_id="m1")
    assert first == again
    turns = [e for e in (await talk.tracker())["events"] if e["event"] == "user"]
    assert len(turns) == 1


async def test_the_same_yes_delivered_twice_writes_once(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.paid_by(GIFT))
    talk = web(books.owner(order))
    await talk.say(f"cancel {order.number}, ordered by mistake")
    first = await talk.say("yes", message_id="m2")
    assert await talk.say("yes", message_id="m2") == first
    stored = await talk.order(order.number)
    assert [p["kind"] for p in stored["payments"]] == ["payment", "refund"]


async def test_yes_said_twice_writes_once(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.paid_by(GIFT))
    customer = books.owner(order)
    talk = signed_in(customer)
    await talk.say(f"cancel {order.number}, ordered by mistake")
    await talk.say("yes")
    await talk.say("yes!")
    assert len(refunds(await talk.order(order.number))) == 1
    after, before = books.gift_card(await talk.customer(customer.id)), books.gift_card(customer)
    assert (after.balance or 0) - (before.balance or 0) == order.total


async def test_an_impatient_double_yes_at_the_same_moment(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk = signed_in(books.owner(order))
    await talk.say(f"cancel {order.number}, ordered by mistake")
    await asyncio.gather(talk.say("yes"), talk.say("yes"), talk.say("yes"))
    assert refunds(await talk.order(order.number)) == [(order.payments[0].method_id, order.total)]


async def test_a_yes_in_another_window_is_for_its_own_card(signed_in: SignIn, books: Books) -> None:
    """Two conversations of one customer hold a card for the same order; the second yes finds it done."""
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    one, two = signed_in(books.owner(order), "talk-1"), signed_in(books.owner(order), "talk-2")
    for talk in (one, two):
        await talk.say(f"cancel {order.number}, no longer needed")
        assert talk.asked == "confirmation"
    await one.say("yes")
    await two.say("yes")
    assert refunds(await one.order(order.number)) == [(order.payments[0].method_id, order.total)]


async def test_a_burst_gets_one_reply(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk = signed_in(books.owner(order))
    replies = await asyncio.gather(*(talk.say(t) for t in (
        "hi", f"its about {order.number}", "i want to cancel it", "dont need it anymore")))
    answered = [r for r in replies if r]
    assert len(answered) <= 2, "one for what was said first, one for all the rest"
    if talk.asked != "confirmation":
        talk.replies = answered[-1]
    assert talk.to_confirm == [("cancel_order", order.number)]
    await talk.say("yes")
    assert (await talk.order(order.number)).status is CANCELLED


async def test_a_burst_over_http(web: Begin) -> None:
    talk = web()
    found = await asyncio.gather(*(talk.say(t) for t in (
        "hello", "do you have", "trail running shoes", "waterproof ones")))
    assert 1 <= sum(bool(f) for f in found) <= 2
    assert "shoe" in " ".join(r["text"] for f in found for r in f).lower()


async def test_a_message_repeated_within_a_burst(talk: Talk) -> None:
    message = InboundMessage(talk.id, "do you have tents?", "m7")
    first, second = await asyncio.gather(*(talk.shop.inbox.receive(message) for _ in range(2)))
    assert first and first == second


async def test_two_customers_at_once_do_not_mix(signed_in: SignIn, books: Books) -> None:
    orders = [o for o in books.each(PENDING) if books.alone(o)][:6]
    talks = [signed_in(books.owner(o), f"talk-{i}") for i, o in enumerate(orders)]
    await asyncio.gather(*(t.say(f"cancel {o.number}, no longer needed") for t, o in zip(talks, orders, strict=True)))
    for talk, order in zip(talks, orders, strict=True):
        assert talk.to_confirm == [("cancel_order", order.number)]
    await asyncio.gather(*(t.say("yes") for t in talks[:3]))
    assert [(await talks[0].order(o.number)).status for o in orders] == [CANCELLED] * 3 + [PENDING] * 3
