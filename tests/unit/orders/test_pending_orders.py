"""What may happen to an order before it leaves the house, and what it leaves behind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from knowledge.models import OrderStatus, Payment
from knowledge.orders.operations import CancelOrder, ChangeAddress, ChangeItems, ChangePayment, OutcomeState, Swap
from tests.fakes_orders import ANA, CABIN, HOME, carry_out, open_desk, order, refusal


async def test_cancelling_leaves_status_reason_and_one_refund_per_payment():
    desk = open_desk()
    [outcome] = await carry_out(desk, CancelOrder("100", "Ordered by mistake"))
    stored = await desk.stored("100")
    assert outcome.state is OutcomeState.ACCEPTED
    assert (stored.status, stored.cancel_reason) == (OrderStatus.CANCELLED, "ordered by mistake")
    assert stored.payments[1:] == (Payment("refund", Decimal("105.00"), "visa"),)
    assert outcome.quote.money[0].timing == "5 to 7 business days"
    assert [e.kind for e in desk.events.events] == ["order.cancelled"]


async def test_cancelling_credits_a_gift_card_at_once():
    desk = open_desk()
    [outcome] = await carry_out(desk, CancelOrder("102", "no longer needed"))
    assert await desk.balance() == Decimal("165.00")
    assert outcome.quote.money[0].timing == "at once"


async def test_cancelling_after_a_change_of_payment_refunds_only_what_is_still_held():
    desk = open_desk()
    await carry_out(desk, ChangePayment("100", "paypal"))
    await carry_out(desk, CancelOrder("100", "no longer needed"))
    stored = await desk.stored("100")
    assert [(p.kind, p.method_id) for p in stored.payments] == [
        ("payment", "visa"), ("payment", "paypal"), ("refund", "visa"), ("refund", "paypal")]


@pytest.mark.parametrize(("key", "code", "instead"), [
    ("101", "cancel_not_pending", ("return_items", "exchange_items")), ("103", "cancel_not_pending", ())])
async def test_only_pending_orders_are_cancelled(key, code, instead):
    refused = await refusal(open_desk(), CancelOrder(key, "no longer needed"))
    assert (refused.code, refused.alternatives) == (code, instead)
    assert refused.facts["order_number"] == f"#W{key}"


async def test_a_reason_outside_the_list_is_refused_with_the_list():
    refused = await refusal(open_desk(), CancelOrder("100", "found it cheaper"))
    assert refused.code == "reason_not_accepted"
    assert refused.facts["reasons"] == ["no longer needed", "ordered by mistake"]


async def test_a_new_shipping_address_touches_that_order_only():
    desk = open_desk()
    await carry_out(desk, ChangeAddress("100", CABIN))
    person = await desk.service.customer(ANA)
    assert (await desk.stored("100")).address == CABIN
    assert person.address == HOME
    assert (await desk.stored("102")).address == HOME


async def test_the_same_or_an_incomplete_address_is_refused():
    desk = open_desk()
    assert (await refusal(desk, ChangeAddress("100", HOME))).code == "address_same"
    incomplete = await refusal(desk, ChangeAddress("100", type(HOME)(line1="Somewhere 1")))
    assert (incomplete.code, incomplete.facts["missing"]) == ("address_incomplete", ["city", "postcode"])


async def test_another_payment_method_pays_all_and_the_old_one_is_refunded():
    desk = open_desk()
    await carry_out(desk, ChangePayment("102", "visa"))
    assert (await desk.stored("102")).payments[1:] == (
        Payment("payment", Decimal("105.00"), "visa"), Payment("refund", Decimal("105.00"), "gift"))
    assert await desk.balance() == Decimal("165.00")


@pytest.mark.parametrize(("method", "code"), [
    ("gift", "gift_card_short"), ("visa", "method_same"), ("bens-visa", "method_unknown"),
    ("nothing", "method_unknown")])
async def test_payment_methods_that_will_not_do(method, code):
    assert (await refusal(open_desk(), ChangePayment("100", method))).code == code


async def test_changed_items_keep_their_line_and_the_net_difference_is_one_entry():
    desk = open_desk()
    await carry_out(desk, ChangeItems("100", (Swap("L1", "V2"), Swap("L3", "K2")), "visa"))
    stored = await desk.stored("100")
    line = stored.line("L1")
    assert (line.variant_id, line.options["color"], line.unit_price) == ("V2", "white", Decimal("55.50"))
    assert stored.line("L2").variant_id == "V1"
    assert (stored.items_changed, stored.status) == (True, OrderStatus.PENDING)
    assert stored.payments[1:] == (Payment("payment", Decimal("25.50"), "visa"),)


async def test_a_refunded_difference_goes_on_the_gift_card():
    desk = open_desk()
    await carry_out(desk, ChangeItems("100", (Swap("L1", "V3"),), "gift"))
    assert await desk.balance() == Decimal("68.75")
    assert (await desk.stored("100")).payments[-1] == Payment("refund", Decimal("8.75"), "gift")


async def test_a_whole_line_is_swapped_whatever_its_quantity():
    desk = open_desk(stock=[order("100", "pending", quantity=3)])
    await carry_out(desk, ChangeItems("100", (Swap("L1", "V2"),), "visa"))
    stored = await desk.stored("100")
    assert (stored.line("L1").quantity, stored.payments[-1].amount) == (3, Decimal("46.50"))


async def test_where_nothing_is_due_no_method_is_needed_and_no_entry_made():
    desk = open_desk()
    await carry_out(desk, ChangeItems("100", (Swap("L1", "V5"),)))
    assert len((await desk.stored("100")).payments) == 1


@pytest.mark.parametrize(("swaps", "method", "code"), [
    ((), "visa", "nothing_named"),
    ((Swap("L9", "V2"),), "visa", "line_unknown"),
    ((Swap("L1", "V2"), Swap("L1", "V3")), "visa", "line_twice"),
    ((Swap("L1", "V1"),), "visa", "variant_same"),
    ((Swap("L1", "K2"),), "visa", "variant_of_other_product"),
    ((Swap("L1", "V4"),), "visa", "variant_unavailable"),
    ((Swap("L1", "V3"), Swap("L2", "V3")), "visa", "variant_unavailable"),
    ((Swap("L1", "nothing"),), "visa", "variant_unknown"),
    ((Swap("L1", "V2"),), None, "method_needed"),
    ((Swap("L1", "V2"),), "bens-visa", "method_unknown"),
])
async def test_swaps_that_will_not_do(swaps, method, code):
    assert (await refusal(open_desk(), ChangeItems("100", swaps, method))).code == code


async def test_a_gift_card_that_cannot_bear_the_difference_is_refused_with_what_is_missing():
    desk = open_desk(stock=[order("100", "pending", quantity=5)])
    refused = await refusal(desk, ChangeItems("100", (Swap("L1", "V2"),), "gift"))
    assert refused.code == "gift_card_short"
    assert [refused.facts[name] for name in ("balance", "amount", "missing")] == ["$60.00", "$77.50", "$17.50"]


async def test_after_a_change_of_items_nothing_else_may_be_changed():
    desk = open_desk()
    await carry_out(desk, ChangeItems("100", (Swap("L1", "V2"),), "visa"))
    for operation in (CancelOrder("100", "no longer needed"), ChangeAddress("100", CABIN),
                      ChangePayment("100", "paypal"), ChangeItems("100", (Swap("L2", "V2"),), "visa")):
        refused = await refusal(desk, operation)
        assert (refused.code, refused.alternatives) == ("items_already_changed", ())
