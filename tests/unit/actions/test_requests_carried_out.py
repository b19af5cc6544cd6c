"""Requests that change something: what is asked, what the card says, and what is written after a yes, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests.addresses import address_text
from knowledge.models import OrderStatus
from tests.unit.actions.service_desk import ServiceDesk, open_service, responses, told
from tests.unit.requests.shelf import GIFT, HOME, MIRA, PAYPAL, VISA


@pytest.fixture
def service() -> ServiceDesk:
    return open_service()


async def review(service: ServiceDesk, kind: str, *said: str) -> list[str]:
    """Start a request; the responses said on the way to its question or card."""
    service.start(kind, *said)
    return responses(await service.run(f"action_review_{kind}"))


async def more(service: ServiceDesk, kind: str, *entries, asked: str = "") -> list[str]:
    service.say(*entries, asked=asked or str(service.slot("question")["slot"]))
    return responses(await service.run(f"action_review_{kind}"))


async def yes(service: ServiceDesk) -> list[str]:
    assert service.stage == "confirm"
    return responses(await service.run("action_carry_out"))


def card(service: ServiceDesk) -> str:
    return str(service.question.get("facts")) + str(service.question.get("cards"))


# --- cancel ----------------------------------------------------------------------------------------------------------

async def test_cancelling_asks_for_the_reason_then_shows_the_card_then_cancels(service):
    await review(service, "cancel", "cancel order #K10455")
    assert (service.stage, service.question["slot"]) == ("ask", "reason")
    await more(service, "cancel", {"reason": "no longer needed"})
    assert "#K10455" in card(service)
    assert "113.00" in card(service)
    assert (await service.stored("10455")).status is OrderStatus.PENDING
    assert await yes(service) == ["utter_done_cancel_order"]
    order = await service.stored("10455")
    assert (order.status, order.cancel_reason) == (OrderStatus.CANCELLED, "no longer needed")


async def test_a_reason_given_at_once_is_not_asked_for(service):
    await review(service, "cancel", "please cancel #K10455, I ordered it by mistake")
    await yes(service)
    assert (await service.stored("10455")).cancel_reason == "ordered by mistake"


async def test_a_single_item_cannot_be_cancelled_and_that_is_said(service):
    service.start("cancel", "cancel the keyboard, I ordered it by mistake")
    assert "Reading Lamp" in told(await service.run("action_review_cancel")) + card(service)


async def test_what_is_not_pending_is_not_cancelled(service):
    said = await review(service, "cancel", "cancel order #K10301, I no longer need it")
    assert said == ["utter_refused_cancel_not_pending"]
    assert service.stage == "end"


async def test_two_orders_at_once(service):
    await review(service, "cancel", "cancel #K10455 and #K10412, both ordered by mistake")
    assert await yes(service) == ["utter_done_cancel_order", "utter_done_cancel_order", "utter_total_refund"]
    assert {(await service.stored(k)).status for k in ("10455", "10412")} == {OrderStatus.CANCELLED}


@pytest.mark.parametrize("number", ["#K20111", "#K99999"])
async def test_a_foreign_order_and_no_order_are_the_same_and_nothing_happens(service, number):
    before = await service.everything()
    said = await review(service, "cancel", f"cancel order {number}")
    assert said[0] == "utter_unknown_order"
    assert service.stage != "confirm"
    assert await service.everything() == before


async def test_an_unknown_number_means_no_other_order():
    service = open_service()
    await service.book.save(replace(await service.stored("10412"), status=OrderStatus.SHIPPED))
    await review(service, "cancel", "cancel order #K99999, I ordered it by mistake")
    assert service.stage != "confirm"
    assert "10455" not in (service.slot("draft") or {}).get("orders", ())


# --- return ----------------------------------------------------------------------------------------------------------

async def test_returning_asks_where_the_money_goes_then_writes_once(service):
    await review(service, "return", "I want to return the boots and the kettle")
    payloads = {b[1].split()[-1] for b in service.question["buttons"]}
    assert GIFT.id in payloads
    assert PAYPAL.id not in payloads
    await more(service, "return", "to my gift card")
    assert "182.00" in card(service)
    assert await yes(service) == ["utter_done_return_items"]
    stored = await service.stored("10301")
    assert (stored.status, stored.returns[0].lines) == (OrderStatus.RETURN_REQUESTED, (("L1", 1), ("L3", 1)))
    assert stored.returns[0].refund_method_id == GIFT.id


async def test_the_same_yes_twice_writes_once(service):
    await review(service, "return", "return the boots to the original payment method")
    await yes(service)
    after = await service.everything()
    assert responses(await service.run("action_carry_out")) == ["utter_already_done"]
    assert await service.everything() == after


async def test_which_line_is_asked_where_two_could_be_meant(service):
    await review(service, "return", "return the lamp")
    assert {b[1] for b in service.question["buttons"]} == {"/pick 10267/L1", "/pick 10267/L2"}
    assert "31.00" in str(service.question["facts"])
    await more(service, "return", {"pick": "10267/L2"})
    await more(service, "return", "original method")
    await yes(service)
    assert (await service.stored("10267")).returns[0].lines == (("L2", 1),)


async def test_changing_ones_mind_at_the_card_makes_a_new_card(service):
    await review(service, "return", "return the boots and the kettle to the original method")
    first = service.slot("proposal")["digest"]
    await more(service, "return", "only the kettle", asked="confirmation")
    assert service.stage == "confirm"
    assert service.slot("proposal")["digest"] != first
    assert "Trail Boots" not in card(service)
    await yes(service)
    assert (await service.stored("10301")).returns[0].lines == (("L3", 1),)


async def test_a_pending_line_cannot_be_returned(service):
    said = await review(service, "return", "return the keyboard")
    assert "utter_line_not_possible" in said
    assert service.stage == "end"


async def test_a_card_that_is_out_of_date_is_not_carried_out(service):
    await review(service, "return", "return the boots to the original method")
    await service.book.save(replace(await service.stored("10301"), status=OrderStatus.EXCHANGE_REQUESTED))
    before = await service.everything()
    said = responses(await service.run("action_carry_out"))
    assert not any(s.startswith("utter_done") for s in said)
    assert service.stage == "outdated"
    assert await service.everything() == before


# --- other variants --------------------------------------------------------------------------------------------------

async def test_exchanging_for_a_clear_wish(service):
    await review(service, "swap", "exchange the kettle for a bigger one, pay with paypal")
    assert "2 liter" in card(service)
    assert "7.00" in card(service)
    assert await yes(service) == ["utter_done_exchange_items"]
    stored = await service.stored("10301")
    assert stored.status is OrderStatus.EXCHANGE_REQUESTED
    assert [(e.line_id, e.new_variant_id, e.method_id) for e in stored.exchanges] == [("L3", "KET-3", PAYPAL.id)]


async def test_changing_items_of_a_pending_order(service):
    await review(service, "swap", "change the laptop to the 15 inch i7 with 512GB, use visa")
    assert await yes(service) == ["utter_done_change_items"]
    stored = await service.stored("10412")
    assert stored.items_changed
    assert [line.variant_id for line in stored.lines] == ["PUZ-2", "LAP-3"]


async def test_several_that_fit_are_shown_and_the_answer_is_taken(service):
    await review(service, "swap", "swap the keyboard for one with clicky switches")
    assert [b[1] for b in service.question["buttons"]] == ["/variant KEY-5", "/variant KEY-4"]
    await more(service, "swap", "the second one")
    assert service.question["slot"] == "payment_method"
    await more(service, "swap", {"method": VISA.id})
    await yes(service)
    assert (await service.stored("10455")).lines[0].variant_id == "KEY-4"


async def test_what_is_sold_out_is_said_with_what_there_is_instead(service):
    said = await review(service, "swap", "exchange the t-shirt for an olive one in L")
    assert len(said) == 1
    assert service.stage == "ask"
    assert service.question["buttons"]


async def test_another_product_is_no_variant(service):
    before = await service.everything()
    await review(service, "swap", "exchange the boots for a laptop")
    assert service.stage != "confirm" or "Laptop" not in card(service)
    assert await service.everything() == before


# --- address and payment ---------------------------------------------------------------------------------------------

async def test_an_address_written_down(service):
    await review(service, "address", "send order #K10412 to 45 Birch Avenue, Denver, CO 80203")
    assert "45 Birch Avenue" in card(service)
    assert "7 Mill Street" in card(service)
    assert await yes(service) == ["utter_done_change_address"]
    address = (await service.stored("10412")).address
    assert address is not None
    assert address_text(address).startswith("45 Birch Avenue, Denver, CO 80203")


async def test_what_is_missing_of_an_address_is_asked_for(service):
    await review(service, "address", "send order #K10412 to 45 Birch Avenue")
    assert service.question["slot"] == "address"
    await more(service, "address", "Denver, CO 80203")
    assert service.stage == "confirm"


async def test_the_default_address_for_an_order(service):
    await review(service, "address", "send order #K10412 to my default address")
    await yes(service)
    assert (await service.stored("10412")).address == HOME


async def test_a_new_default_address(service):
    await review(service, "default_address", "my new address is 45 Birch Avenue, Denver, CO 80203")
    assert await yes(service) == ["utter_done_change_default_address"]
    mira = await service.book.customer(MIRA.id)
    assert mira is not None
    assert mira.address is not None
    assert mira.address.line1 == "45 Birch Avenue"
    assert (await service.stored("10455")).address == HOME


async def test_another_payment_method(service):
    await review(service, "payment", "pay order #K10412 with my visa instead")
    assert await yes(service) == ["utter_done_change_payment"]
    assert (await service.stored("10412")).payments[-1].method_id in (VISA.id, PAYPAL.id)


async def test_a_gift_card_has_to_cover_it_and_what_else_there_is_is_asked(service):
    said = await review(service, "payment", "pay order #K10412 with my gift card instead")
    assert said == ["utter_refused_gift_card_short"]
    assert service.question["slot"] == "payment_method"


# --- nobody known, nothing proposed ----------------------------------------------------------------------------------

KINDS = ("cancel", "return", "swap", "address", "default_address", "payment")


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_shown_to_somebody_unknown(kind):
    nobody = open_service(customer=None)
    said = await review(nobody, kind, "order #K10455 please, and the boots")
    assert said == ["utter_identity_needed"]
    assert nobody.stage == "end"


async def test_without_a_card_nothing_is_carried_out(service):
    before = await service.everything()
    service.start("return", "the boots")
    await service.run("action_carry_out")
    assert await service.everything() == before


async def test_somebody_elses_card_is_not_carried_out(service):
    await review(service, "return", "return the boots to the original method")
    before = await service.everything()
    foreign = open_service()
    stolen = service.slot("proposal") | {"customer_id": "jon_vask_2040"}
    foreign.start("return", "the boots", proposal=stolen)
    said = responses(await foreign.run("action_carry_out"))
    assert not any(s.startswith("utter_done") for s in said)
    assert await foreign.everything() == before


PIECES = st.lists(st.sampled_from([
    "the boots", "the lamp", "both lamps", "everything", "except", "the kettle", "#K10412", "#K10455", "#K20111",
    "#K99999", "paypal", "original method", "gift card", "no longer needed", "by mistake", "for a bigger one", "in red",
    "clicky", "L", "the cheapest", "45 Birch Avenue, Denver, CO 80203", "my default address", "only", "also", "not",
    "and", "the second one", "yes", "no",
    "laptop", "leave it", "my last order", "all my orders"]), min_size=1, max_size=6).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), PIECES, st.lists(PIECES, max_size=3))
async def test_whatever_is_said_nothing_is_written_before_a_yes(kind, first, further):
    service = open_service()
    before = await service.everything()
    await review(service, kind, first)
    for words in further:
        if service.stage == "end":
            break
        await more(service, kind, words)
        assert service.stage in ("ask", "confirm", "end")
        assert (service.slot("proposal") is not None) == (service.stage == "confirm")
    assert await service.everything() == before
    if service.stage == "confirm":
        assert "K20111" not in card(service)
        assert told(await service.run("action_carry_out"))
