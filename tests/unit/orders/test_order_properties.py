"""Whatever is asked in whatever order: money is conserved, orders stay their owner's, and a yes counts once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import native
from knowledge.errors import NotFound, Refused
from knowledge.models import Order
from knowledge.orders.money import open_payments
from knowledge.orders.operations import (
    CancelOrder,
    ChangeAddress,
    ChangeItems,
    ChangePayment,
    ExchangeItems,
    OutcomeState,
    ReturnItems,
    Swap,
)
from knowledge.orders.wire import operation_from_json, operation_to_json
from tests.fakes_orders import ANA, CABIN, HOME, Desk, open_desk

ORDERS = st.sampled_from(["100", "101", "102", "103", "200", "201"])
LINES = st.sampled_from(["L1", "L2", "L3"])
METHODS = st.sampled_from(["visa", "paypal", "gift", "bens-visa"])
VARIANTS = st.sampled_from(["V1", "V2", "V3", "V5", "K1", "K2"])
SWAPS = st.lists(st.builds(Swap, LINES, VARIANTS), min_size=1, max_size=3, unique_by=lambda s: s.line_id).map(tuple)
RETURNED = st.lists(st.tuples(LINES, st.just(1)), min_size=1, max_size=3, unique_by=lambda x: x[0]).map(tuple)
OPERATIONS = st.one_of(
    st.builds(CancelOrder, ORDERS, st.sampled_from(["no longer needed", "ordered by mistake", "other"])),
    st.builds(ChangeAddress, ORDERS, st.sampled_from([HOME, CABIN])),
    st.builds(ChangePayment, ORDERS, METHODS),
    st.builds(ChangeItems, ORDERS, SWAPS, METHODS),
    st.builds(ReturnItems, ORDERS, RETURNED, METHODS),
    st.builds(ExchangeItems, ORDERS, SWAPS, METHODS))
QUICK = settings(max_examples=60, deadline=None)


def held(order: Order) -> Decimal:
    """What the shop still holds for an order."""
    return sum((p.amount for p in open_payments(order.payments)), Decimal(0))


async def card_and_held(desk: Desk) -> Decimal:
    """The gift card, and what the shop holds of it over all orders: moves between the two, and never in or out."""
    of_card = Decimal(0)
    for key in ("100", "101", "102", "103"):
        for entry in (await desk.stored(key)).payments:
            if entry.method_id == "gift":
                of_card += entry.amount if entry.kind == "payment" else -entry.amount
    return await desk.balance() + of_card


async def play(desk: Desk, batches) -> None:
    for batch in batches:
        try:
            proposal = await desk.service.propose(ANA, batch)
            await desk.service.execute(ANA, proposal, proposal.digest)
        except (Refused, NotFound):
            continue


@QUICK
@given(st.lists(st.lists(OPERATIONS, min_size=1, max_size=3), max_size=5))
def test_money_is_conserved_and_other_customers_orders_are_untouched(batches):
    async def run():
        desk = open_desk()
        theirs = [await desk.stored("200"), await desk.stored("201"), await desk.book.customer("C2")]
        everything = await card_and_held(desk)
        await play(desk, batches)
        assert [await desk.stored("200"), await desk.stored("201"), await desk.book.customer("C2")] == theirs
        assert await card_and_held(desk) == everything
        assert await desk.balance() >= 0
        for key in ("100", "101", "102", "103"):
            order = await desk.stored(key)
            assert held(order) == (0 if order.status == "cancelled" else order.total)
            assert all(p.amount > 0 for p in order.payments)

    asyncio.run(run())


@QUICK
@given(st.lists(OPERATIONS, min_size=1, max_size=3), st.integers(2, 4))
def test_the_same_yes_any_number_of_times_writes_once(batch, times):
    async def run():
        desk = open_desk()
        try:
            proposal = await desk.service.propose(ANA, batch)
        except (Refused, NotFound):
            return
        results = await asyncio.gather(*(desk.service.execute(ANA, proposal, proposal.digest) for _ in range(times)))
        states = [[o.state for o in outcomes] for outcomes in results]
        assert states.count([OutcomeState.ACCEPTED] * len(proposal.quotes)) == 1
        assert states.count([OutcomeState.ALREADY_DONE] * len(proposal.quotes)) == times - 1
        assert len(desk.events.events) == len(proposal.quotes)

    asyncio.run(run())


@QUICK
@given(OPERATIONS, OPERATIONS)
def test_a_digest_is_bound_to_its_card(one, other):
    async def run():
        desk = open_desk()
        try:
            first, again = await desk.service.quote(ANA, one), await desk.service.quote(ANA, one)
            second = await desk.service.quote(ANA, other)
        except (Refused, NotFound):
            return
        assert first.digest == again.digest
        assert (first.digest == second.digest) == (one == other)
        proposal = await desk.service.propose(ANA, [one])
        assert not replace(proposal, quotes=(replace(first, money=()), second)).intact

    asyncio.run(run())


@QUICK
@given(OPERATIONS)
def test_operations_survive_json(operation):
    assert operation_from_json(operation_to_json(operation)) == operation


@QUICK
@given(st.lists(st.lists(OPERATIONS, min_size=1, max_size=2), max_size=4))
def test_what_is_written_is_native_and_reads_back_equal(batches):
    async def run():
        desk = open_desk()
        await play(desk, batches)
        for key in ("100", "101", "102"):
            order = await desk.stored(key)
            assert native.order_from(native.order_to(order)) == order

    asyncio.run(run())
