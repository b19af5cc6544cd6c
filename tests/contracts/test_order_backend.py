"""The shop's order system as a port: what every back end must do, and what is made of one that misbehaves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from knowledge.errors import Refused
from knowledge.models import OrderStatus
from knowledge.orders.operations import CancelOrder, ChangeAddress, ChangeDefaultAddress, OutcomeState
from knowledge.ports import BackendState
from tests.fakes_orders import ANA, CABIN, HOME, StandInShop, carry_out, open_desk

CANCEL = CancelOrder("102", "no longer needed")       # paid by gift card: a second refund would show


@pytest.fixture(params=["embedded", "stand-in"])
def desk(request):
    return open_desk(backend=StandInShop() if request.param == "stand-in" else None)


async def test_an_accepted_write_is_in_the_book_and_announced_once(desk):
    [outcome] = await carry_out(desk, CANCEL)
    assert outcome.state is OutcomeState.ACCEPTED
    assert (await desk.stored("102")).status is OrderStatus.CANCELLED
    assert await desk.balance() == Decimal("165.00")
    [event] = desk.events.events
    assert (event.kind, event.operation_id) == ("order.cancelled", outcome.operation_id)
    assert event.data["status"] == "cancelled"


async def test_the_same_operation_id_is_one_write(desk):
    before = await desk.stored("102")
    [outcome] = await carry_out(desk, CANCEL)
    answer = await desk.backend.request(outcome.operation_id, before, await desk.stored("102"), None, "cancel_order")
    assert answer.state is BackendState.ACCEPTED
    assert await desk.balance() == Decimal("165.00")


async def test_the_outcome_can_be_asked_for_afterwards(desk):
    [outcome] = await carry_out(desk, CANCEL)
    assert (await desk.backend.outcome(outcome.operation_id)).state is BackendState.ACCEPTED
    assert (await desk.backend.outcome("never-heard-of")).state is BackendState.REFUSED


async def test_a_default_address_goes_the_same_way(desk):
    [outcome] = await carry_out(desk, ChangeDefaultAddress("C1", CABIN))
    assert outcome.state is OutcomeState.ACCEPTED
    assert (await desk.service.customer(ANA)).address == CABIN


async def test_settling_again_changes_nothing(desk):
    [outcome] = await carry_out(desk, CANCEL)
    assert (await desk.service.settle(outcome.operation_id)).state is OutcomeState.ACCEPTED
    assert await desk.service.settle("unheard-of") is None
    assert await desk.service.unsettled() == []
    assert await desk.balance() == Decimal("165.00")


async def test_the_embedded_shop_refuses_what_changed_in_the_moment_of_writing():
    desk = open_desk()
    stale = await desk.stored("100")
    await carry_out(desk, ChangeAddress("100", CABIN))
    answer = await desk.backend.request("op-1", stale, stale, None, "change_address")
    assert (answer.state, answer.reason) == (BackendState.REFUSED, "stale")
    assert (await desk.stored("100")).address == CABIN


@pytest.mark.parametrize("fault", ["time_out", "lost_ack"])
async def test_no_answer_claims_nothing_and_the_answer_later_is_taken_over_once(fault):
    shop = StandInShop([fault])
    desk = open_desk(backend=shop)
    [outcome] = await carry_out(desk, CANCEL)
    assert outcome.state is OutcomeState.UNKNOWN
    assert (await desk.stored("102")).status is OrderStatus.PENDING
    assert desk.events.events == []
    assert await desk.service.unsettled() == [outcome.operation_id]
    service = desk.restarted()
    for _ in range(2):
        settled = await service.settle(outcome.operation_id)
        assert settled.state is OutcomeState.ACCEPTED
        assert settled.facts["conversation_id"] == "talk-1"
    assert (await desk.stored("102")).status is OrderStatus.CANCELLED
    assert await desk.balance() == Decimal("165.00")
    assert (len(shop.requests), len(desk.events.events)) == (1, 1)


async def test_a_request_that_never_arrived_is_refused_in_the_end():
    desk = open_desk(backend=StandInShop(["lost_request"]))
    [outcome] = await carry_out(desk, CANCEL)
    assert outcome.state is OutcomeState.UNKNOWN
    settled = await desk.service.settle(outcome.operation_id)
    assert (settled.state, settled.reason) == (OutcomeState.REFUSED, "never_carried_out")
    assert (await desk.stored("102")).status is OrderStatus.PENDING


async def test_a_late_refusal_and_a_late_acceptance_are_told_when_they_come():
    for fault, state, status in (("late_refusal", OutcomeState.REFUSED, OrderStatus.PENDING),
                                 ("late_acceptance", OutcomeState.ACCEPTED, OrderStatus.CANCELLED)):
        shop = StandInShop([fault])
        desk = open_desk(backend=shop)
        [outcome] = await carry_out(desk, CANCEL)
        assert (await desk.service.settle(outcome.operation_id)).state is OutcomeState.UNKNOWN
        shop.decide_late()
        assert (await desk.service.settle(outcome.operation_id)).state is state
        assert (await desk.stored("102")).status is status
        assert await desk.service.unsettled() == []


async def test_a_request_delivered_twice_is_done_once():
    desk = open_desk(backend=StandInShop(["duplicate"]))
    [outcome] = await carry_out(desk, CANCEL)
    assert outcome.state is OutcomeState.ACCEPTED
    assert await desk.balance() == Decimal("165.00")


async def test_a_refusal_is_told_in_the_shops_words_and_writes_nothing():
    desk = open_desk(backend=StandInShop(["refuse"]))
    [outcome] = await carry_out(desk, CANCEL)
    assert (outcome.state, outcome.reason) == (OutcomeState.REFUSED, "already packed")
    assert (await desk.stored("102")).status is OrderStatus.PENDING


async def test_the_same_yes_while_the_answer_is_open_asks_nothing_new():
    shop = StandInShop(["late_acceptance"])
    desk = open_desk(backend=shop)
    proposal = await desk.service.propose(ANA, [CANCEL])
    await desk.service.execute(ANA, proposal, proposal.digest)
    [second] = await desk.service.execute(ANA, proposal, proposal.digest)
    assert second.state is OutcomeState.UNKNOWN
    shop.decide_late()
    [third] = await desk.service.execute(ANA, proposal, proposal.digest)
    assert third.state is OutcomeState.ACCEPTED
    [fourth] = await desk.service.execute(ANA, proposal, proposal.digest)
    assert fourth.state is OutcomeState.ALREADY_DONE
    assert len(shop.requests) == 1


async def test_while_an_answer_is_open_no_new_request_concerns_the_same_order_or_gift_card():
    shop = StandInShop(["late_acceptance"])
    desk = open_desk(backend=shop)
    await carry_out(desk, CANCEL)
    for again in (CANCEL, ChangeAddress("102", CABIN)):
        with pytest.raises(Refused, match="answer_pending"):
            await desk.service.propose(ANA, [again])
    [other] = await carry_out(desk, ChangeAddress("100", CABIN))
    assert other.state is OutcomeState.ACCEPTED


async def test_what_follows_an_open_request_on_the_same_order_is_not_asked():
    shop = StandInShop(["late_acceptance"])
    desk = open_desk(backend=shop)
    first, second, other = await carry_out(desk, ChangeAddress("100", CABIN), CancelOrder("100", "no longer needed"),
                                           ChangeAddress("102", CABIN))
    assert (first.state, second.state, second.reason) == (OutcomeState.UNKNOWN, OutcomeState.REFUSED, "answer_pending")
    assert other.state is OutcomeState.ACCEPTED
    assert (await desk.stored("100")).address == HOME


async def test_a_late_acceptance_lands_on_a_book_that_has_moved_on():
    shop = StandInShop(["late_acceptance"])
    desk = open_desk(backend=shop)
    [outcome] = await carry_out(desk, CANCEL)
    await desk.book.save(replace(await desk.stored("102"), address=CABIN))
    shop.decide_late()
    await desk.service.settle(outcome.operation_id)
    stored = await desk.stored("102")
    assert (stored.address, stored.status, len(stored.payments)) == (CABIN, OrderStatus.CANCELLED, 2)


async def test_a_silent_shop_leaves_the_question_open():
    shop = StandInShop(["lost_ack"])
    desk = open_desk(backend=shop)
    [outcome] = await carry_out(desk, CANCEL)
    shop.silent = True
    assert (await desk.service.settle(outcome.operation_id)).state is OutcomeState.UNKNOWN
    shop.silent = False
    assert (await desk.service.settle(outcome.operation_id)).state is OutcomeState.ACCEPTED
