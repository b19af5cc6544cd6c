"""The shop's order system misbehaves: time-outs, lost answers, late ones. Nothing twice, nothing claimed too early."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from bot import bootstrap
from bot.bootstrap import Shop, open_shop
from bot.domain.events import BotUttered
from bot.late_answers import settle_open
from knowledge.models import MethodKind, OrderStatus
from knowledge.orders.service import OrderService
from tests.fakes_orders import StandInShop
from tests.scenarios.books import CANCELLED, DELIVERED, PENDING, Books, one_line, refunds
from tests.scenarios.talk import Talk, stored_rows

CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD
Begin = Callable[..., Awaitable[tuple[Talk, StandInShop]]]


@pytest_asyncio.fixture(loop_scope="session")
async def with_faults(own_folder: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A shop of its own whose order system is a stand-in: `with_faults(customer, "lost_ack", …)`."""
    opened: list[Shop] = []

    async def begin(customer: object, *faults: str) -> tuple[Talk, StandInShop]:
        system = StandInShop(faults)
        monkeypatch.setitem(bootstrap.ORDER_BACKENDS, "embedded", lambda _book: system)      # type: ignore[arg-type]
        monkeypatch.setattr(bootstrap, "OrderService", functools.partial(OrderService, patience_s=0.05))
        opened.append(await open_shop(own_folder))
        return Talk(opened[-1], await stored_rows(opened[-1]), customer_id=customer.id), system  # type: ignore[attr-defined]

    yield begin
    for shop in opened:
        await shop.close()


async def test_accepted(with_faults: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk, system = await with_faults(books.owner(order))
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("yes")
    assert list(system.carried_out.values()) == ["cancel_order"]
    assert (await talk.order(order.number)).status is CANCELLED


async def test_refused_and_said_so(with_faults: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk, _ = await with_faults(books.owner(order), "refuse")
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("yes")
    assert talk.shows("already packed")
    assert "utter_done_cancel_order" not in talk.responses
    assert await talk.writes() == set()


@pytest.mark.parametrize("fault", ["time_out", "lost_ack"])
async def test_no_answer_is_no_claim(with_faults: Begin, books: Books, fault: str) -> None:
    """It was carried out, but nobody said so: not called done; found out at the next look, and entered once."""
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk, system = await with_faults(books.owner(order), fault)
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("yes")
    assert "utter_done_cancel_order" not in talk.responses
    for operation in await talk.shop.orders.unsettled():
        await talk.shop.orders.settle(operation)
    stored = await talk.order(order.number)
    assert stored.status is CANCELLED
    assert refunds(stored) == [(order.payments[0].method_id, order.total)]
    assert len(system.carried_out) == 1


async def test_yes_again_while_the_answer_is_open(with_faults: Begin, books: Books) -> None:
    order = books.first(PENDING, books.paid_by(GIFT))
    customer = books.owner(order)
    talk, system = await with_faults(customer, "lost_ack")
    await talk.say(f"cancel {order.number}, ordered by mistake")
    await talk.say("yes")
    await talk.say("yes!!")
    await talk.say(f"is {order.number} cancelled now?")
    for operation in await talk.shop.orders.unsettled():
        await talk.shop.orders.settle(operation)
    assert len(system.carried_out) == 1
    after, before = books.gift_card(await talk.customer(customer.id)), books.gift_card(customer)
    assert (after.balance or 0) - (before.balance or 0) == order.total


async def said_between_turns(talk: Talk) -> str:
    """The last thing the conversation's record says, as a channel fetches it."""
    events = await talk.shop.store.events(talk.id)
    last = events[-1].event
    assert isinstance(last, BotUttered)
    return last.text


async def test_a_late_refusal_is_told(with_faults: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk, system = await with_faults(books.owner(order), "late_refusal")
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("yes")
    assert "utter_done_cancel_order" not in talk.responses
    assert (await talk.order(order.number)).status is PENDING
    system.decide_late()
    assert await settle_open(talk.shop.orders, talk.shop.handoffs) == 1
    told = await said_between_turns(talk)
    assert order.number in told and "already packed" in told
    assert await talk.writes() == set()


async def test_a_late_acceptance_is_told(with_faults: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk, system = await with_faults(books.owner(order), "late_acceptance")
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("yes")
    assert (await talk.order(order.number)).status is PENDING
    system.decide_late()
    assert await settle_open(talk.shop.orders, talk.shop.handoffs) == 1
    assert order.number in await said_between_turns(talk)
    assert (await talk.order(order.number)).status is CANCELLED


async def test_delivered_twice_counts_once(with_faults: Begin, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.single_method)
    talk, system = await with_faults(books.owner(order), "duplicate")
    await talk.say(f"return everything in {order.number}")
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert stored.status is OrderStatus.RETURN_REQUESTED and len(stored.returns) == 1
    assert len(system.carried_out) == 1


async def test_what_never_arrived_was_never_done(with_faults: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk, system = await with_faults(books.owner(order), "lost_request")
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("yes")
    assert "utter_done_cancel_order" not in talk.responses
    assert system.carried_out == {}
    assert await talk.writes() == set()
