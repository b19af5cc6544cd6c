"""Several operations on one card: their order, what binds a yes to it, and what happens when it comes again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from knowledge.errors import NotFound, Refused
from knowledge.models import OrderStatus
from knowledge.orders.operations import (
    CancelOrder,
    ChangeAddress,
    ChangeDefaultAddress,
    ChangeItems,
    ChangePayment,
    ExchangeItems,
    OutcomeState,
    ReturnItems,
    Swap,
)
from knowledge.orders.proposal import Proposal
from tests.fakes_orders import ANA, BEN, CABIN, HOME, carry_out, lamp, open_desk, order, refusal

ITEMS = ChangeItems("100", (Swap("L1", "V2"),), "visa")


async def test_address_payment_and_items_are_done_in_the_order_that_lets_all_happen():
    desk = open_desk()
    proposal = await desk.service.propose(ANA, [ITEMS, ChangePayment("100", "paypal"), ChangeAddress("100", CABIN)])
    assert [q.kind for q in proposal.quotes] == ["change_address", "change_payment", "change_items"]
    assert proposal.reordered
    outcomes = await desk.service.execute(ANA, proposal, proposal.digest)
    assert {o.state for o in outcomes} == {OutcomeState.ACCEPTED}
    stored = await desk.stored("100")
    assert (stored.address, stored.items_changed) == (CABIN, True)
    assert [(p.kind, p.method_id) for p in stored.payments] == [
        ("payment", "visa"), ("payment", "paypal"), ("refund", "visa"), ("payment", "visa")]


async def test_each_quote_stands_on_what_the_earlier_ones_leave():
    desk = open_desk()
    back = await desk.service.propose(ANA, [CancelOrder("102", "no longer needed"), ChangePayment("100", "gift")])
    await desk.service.execute(ANA, back, back.digest)
    assert await desk.balance() == Decimal("60.00")         # 60 + 105 from one order − 105 for the other


async def test_two_requests_for_items_of_one_order_become_one():
    desk = open_desk()
    proposal = await desk.service.propose(ANA, [
        ChangeItems("100", (Swap("L1", "V2"),)), ChangeItems("100", (Swap("L2", "V2"),), "visa")])
    assert [q.operation for q in proposal.quotes] == [ChangeItems("100", (Swap("L1", "V2"), Swap("L2", "V2")), "visa")]
    assert not proposal.reordered


async def test_what_only_the_other_request_forbids_is_said_so():
    refused = await refusal(open_desk(), ReturnItems("101", (("L1", 1),), "visa"),
                            ExchangeItems("101", (Swap("L2", "V2"),), "visa"))
    assert (refused.code, refused.facts["blocked_by"]) == ("blocked_by_other_request", "exchange_items")


async def test_a_proposal_survives_json():
    desk = open_desk()
    proposal = await desk.service.propose(ANA, [ITEMS, ChangeDefaultAddress("C1", CABIN), ChangeAddress("102", CABIN),
                                                ReturnItems("101", (("L1", 1),), "visa")])
    copy = Proposal.from_json(json.loads(json.dumps(proposal.to_json())))
    assert copy == proposal
    assert copy.intact


async def test_the_same_yes_twice_writes_once_even_after_a_restart():
    desk = open_desk()
    proposal = await desk.service.propose(ANA, [CancelOrder("102", "no longer needed")])
    await desk.service.execute(ANA, proposal, proposal.digest)
    for service in (desk.service, desk.restarted()):
        [again] = await service.execute(ANA, proposal, proposal.digest)
        assert again.state is OutcomeState.ALREADY_DONE
    assert await desk.balance() == Decimal("165.00")
    assert len(desk.events.events) == 1


async def test_going_back_and_forth_is_three_writes_not_one():
    desk = open_desk()
    for address in (CABIN, HOME, CABIN):
        [outcome] = await carry_out(desk, ChangeAddress("100", address))
        assert outcome.state is OutcomeState.ACCEPTED
    assert (await desk.stored("100")).address == CABIN


async def test_a_yes_to_another_card_is_refused():
    desk = open_desk()
    first = await desk.service.propose(ANA, [CancelOrder("100", "no longer needed")])
    second = await desk.service.propose(ANA, [CancelOrder("102", "no longer needed")])
    forged = replace(first, quotes=second.quotes)
    for proposal, confirmation in ((second, first.digest), (first, ""), (forged, first.digest)):
        with pytest.raises(Refused, match="confirmation_mismatch"):
            await desk.service.execute(ANA, proposal, confirmation)
    assert desk.events.events == []


async def test_a_card_that_live_data_has_overtaken_writes_nothing():
    desk = open_desk()
    proposal = await desk.service.propose(ANA, [ChangeAddress("102", CABIN), ITEMS])
    dearer = replace(lamp().variants[1], price=Decimal("99.00"))
    desk.catalogue.put(replace(lamp(), variants=(lamp().variants[0], dearer)))
    with pytest.raises(Refused, match="proposal_outdated"):
        await desk.service.execute(ANA, proposal, proposal.digest)
    assert (await desk.stored("102")).address == HOME
    assert desk.events.events == []


async def test_an_order_that_has_left_meanwhile_is_outdated_and_tells_why():
    desk = open_desk()
    proposal = await desk.service.propose(ANA, [CancelOrder("100", "no longer needed")])
    await desk.book.save(replace(await desk.stored("100"), status=OrderStatus.SHIPPED))
    with pytest.raises(Refused) as caught:
        await desk.service.execute(ANA, proposal, proposal.digest)
    assert (caught.value.code, caught.value.facts["why"]) == ("proposal_outdated", "cancel_not_pending")


async def test_two_cards_confirmed_at_once_cannot_spend_one_gift_card_twice():
    desk = open_desk(stock=[order("100", "pending", quantity=3), order("104", "pending", quantity=3)])
    cards = [ChangeItems(key, (Swap("L1", "V2"),), "gift") for key in ("100", "104")]
    wishes = [await desk.service.propose(ANA, [card]) for card in cards]
    both = (desk.service.execute(ANA, p, p.digest) for p in wishes)
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(r).__name__ for r in results) == ["Refused", "list"]
    assert await desk.balance() == Decimal("13.50")


async def test_what_does_not_show_on_the_card_does_not_outdate_it():
    desk = open_desk()
    proposal = await desk.service.propose(ANA, [ITEMS])
    desk.catalogue.put(replace(lamp(), variants=tuple(replace(v, stock=3) for v in lamp().variants)))
    [outcome] = await desk.service.execute(ANA, proposal, proposal.digest)
    assert outcome.state is OutcomeState.ACCEPTED


async def test_another_customers_orders_cannot_be_told_from_orders_that_do_not_exist():
    desk = open_desk()
    messages = set()
    for number in ("#W200", "#W999"):
        with pytest.raises(NotFound) as caught:
            await desk.service.order(ANA, number)
        messages.add(str(caught.value).replace(number, ""))
    assert len(messages) == 1
    with pytest.raises(NotFound):
        await desk.service.quote(ANA, CancelOrder("200", "no longer needed"))
    with pytest.raises(NotFound):
        await desk.service.quote(ANA, ChangeDefaultAddress("C2", HOME))
    theirs = await desk.service.propose(BEN, [CancelOrder("200", "no longer needed")])
    with pytest.raises(NotFound):
        await desk.service.execute(ANA, theirs, theirs.digest)
    assert [(r.event, r.customer_id, r.subject) for r in desk.audit.records] == [
        ("foreign_order", "C1", "200"), ("foreign_order", "C1", "200"), ("foreign_customer", "C1", "C2"),
        ("foreign_proposal", "C1", "C2")]


async def test_own_lines_are_found_by_words_and_nobody_elses():
    desk = open_desk()
    found = await desk.service.find_lines(ANA, "that lamp, the black one", limit=20)
    assert {e.ref.split("/")[0] for e in found} == {"100", "101", "102", "103"}
    assert all(e.title == "Desk Lamp" for e in found[:2])


async def test_numbers_are_read_in_any_spelling():
    desk = open_desk()
    for number in ("#W100", "w100", "100", " #w-100 "):
        assert (await desk.service.order(ANA, number)).id == "100"
