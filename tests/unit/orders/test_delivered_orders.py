"""Returns, exchanges and the default address: a request is left, and no money moves yet."""

from __future__ import annotations

from decimal import Decimal

import pytest

from knowledge.models import Address, ExchangeRequest, OrderStatus, ReturnRequest
from knowledge.orders.operations import ChangeDefaultAddress, ExchangeItems, ReturnItems, Swap
from tests.fakes_orders import ANA, CABIN, HOME, carry_out, open_desk, order, refusal


async def test_a_return_leaves_status_and_request_only():
    desk = open_desk()
    before = await desk.stored("101")
    [outcome] = await carry_out(desk, ReturnItems("101", (("L1", 1), ("L3", 1)), "visa"))
    stored = await desk.stored("101")
    assert stored.status is OrderStatus.RETURN_REQUESTED
    assert stored.returns == (ReturnRequest((("L1", 1), ("L3", 1)), "visa"),)
    assert (stored.payments, stored.lines) == (before.payments, before.lines)
    assert (outcome.quote.money[0].amount, outcome.quote.money[0].timing) == (Decimal("65.00"), "when the goods arrive")


async def test_a_refund_may_go_to_the_original_method_or_a_gift_card_and_nowhere_else():
    desk = open_desk()
    assert (await refusal(desk, ReturnItems("101", (("L1", 1),), "paypal"))).code == "method_not_allowed"
    assert (await refusal(desk, ReturnItems("101", (("L1", 1),), "store_credit"))).code == "method_not_allowed"
    assert (await refusal(desk, ReturnItems("101", (("L1", 1),), "bens-visa"))).code == "method_unknown"
    await carry_out(desk, ReturnItems("101", (("L1", 1),), "gift"))
    assert await desk.balance() == Decimal("60.00")


@pytest.mark.parametrize(("lines", "code"), [
    ((), "nothing_named"), ((("L9", 1),), "line_unknown"), ((("L1", 2),), "quantity_wrong"),
    ((("L1", 0),), "quantity_wrong")])
async def test_lines_that_cannot_go_back(lines, code):
    assert (await refusal(open_desk(), ReturnItems("101", lines, "visa"))).code == code


async def test_part_of_a_line_may_go_back():
    desk = open_desk(stock=[order("101", "delivered", quantity=4)])
    [outcome] = await carry_out(desk, ReturnItems("101", (("L1", 3),), "visa"))
    assert outcome.quote.money[0].amount == Decimal("120.00")


async def test_a_pending_order_is_not_returned_but_may_be_cancelled_or_changed():
    refused = await refusal(open_desk(), ReturnItems("100", (("L1", 1),), "visa"))
    assert (refused.code, refused.alternatives) == ("return_not_delivered", ("cancel_order", "change_items"))


async def test_an_exchange_leaves_status_and_requests_only():
    desk = open_desk()
    before = await desk.stored("101")
    await carry_out(desk, ExchangeItems("101", (Swap("L1", "V2"), Swap("L2", "V2")), "paypal"))
    stored = await desk.stored("101")
    assert stored.status is OrderStatus.EXCHANGE_REQUESTED
    assert stored.exchanges == (ExchangeRequest("L1", "V2", "paypal"), ExchangeRequest("L2", "V2", "paypal"))
    assert (stored.payments, stored.lines, stored.items_changed) == (before.payments, before.lines, False)


async def test_an_exchange_must_be_covered_by_the_gift_card_that_bears_it():
    desk = open_desk(stock=[order("101", "delivered", quantity=5)])
    assert (await refusal(desk, ExchangeItems("101", (Swap("L1", "V2"),), "gift"))).code == "gift_card_short"
    await carry_out(desk, ExchangeItems("101", (Swap("L3", "K2"),), "gift"))
    assert await desk.balance() == Decimal("60.00")


async def test_an_exchange_happens_once_per_order():
    desk = open_desk()
    await carry_out(desk, ExchangeItems("101", (Swap("L1", "V2"),), "visa"))
    again = await refusal(desk, ExchangeItems("101", (Swap("L2", "V2"),), "visa"))
    assert again.code == "exchange_already_requested"


async def test_a_pending_order_is_changed_not_exchanged():
    refused = await refusal(open_desk(), ExchangeItems("100", (Swap("L1", "V2"),), "visa"))
    assert (refused.code, refused.alternatives) == ("exchange_not_delivered", ("change_items", "cancel_order"))


async def test_the_default_address_is_the_customers_and_orders_keep_theirs():
    desk = open_desk()
    await carry_out(desk, ChangeDefaultAddress("C1", CABIN))
    assert (await desk.service.customer(ANA)).address == CABIN
    assert (await desk.stored("100")).address == HOME
    assert desk.events.events[0].kind == "customer.address_changed"
    assert (await refusal(desk, ChangeDefaultAddress("C1", CABIN))).code == "address_same"
    assert (await refusal(desk, ChangeDefaultAddress("C1", Address(city="Oslo")))).code == "address_incomplete"
