"""The same code under another shop's rules.yml: other refusals, other cards, other end states."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from knowledge import native
from knowledge.models import ExchangeRequest, OrderStatus, ReturnRequest
from knowledge.orders.identity import IdentityService
from knowledge.orders.operations import CancelOrder, ChangeItems, ChangePayment, ExchangeItems, ReturnItems, Swap
from knowledge.orders.rules import Rules
from knowledge.orders.service import Actor
from tests.fakes_orders import SHIPPED_RULES, Desk, carry_out, open_desk, refusal

SHOP = Path(__file__).parents[2] / "data" / "second_shop"
MIRA = Actor("M1")


def rows(name: str):
    return [json.loads(line) for line in (SHOP / name).read_text(encoding="utf-8").splitlines()]


def opened(rules: Path) -> Desk:
    desk = open_desk(rules=Rules.load(rules), customers=map(native.customer_from, rows("customers.jsonl")),
                     stock=map(native.order_from, rows("orders.jsonl")))
    for product in map(native.product_from, rows("products.jsonl")):
        desk.catalogue.put(product)
    return desk


@pytest.fixture
def second() -> Desk:
    return opened(SHOP / "rules.yml")


@pytest.fixture
def shipped() -> Desk:
    return opened(SHIPPED_RULES)


async def test_a_fee_is_kept_from_a_return_and_stands_in_the_request(second):
    [outcome] = await carry_out(second, ReturnItems("S1", (("L1", 2),), "pp", "Damaged"), actor=MIRA)
    assert outcome.quote.money[0].amount == Decimal("144.00")
    assert (await second.stored("S1")).returns == (ReturnRequest((("L1", 2),), "pp", {
        "reason": "damaged", "restocking_fee": "16.00", "refund_amount": "144.00"}),)


async def test_the_same_return_under_the_shipped_rules_is_plain(shipped):
    [outcome] = await carry_out(shipped, ReturnItems("S1", (("L1", 2),), "pp", "Damaged"), actor=MIRA)
    assert outcome.quote.money[0].amount == Decimal("160.00")
    assert (await shipped.stored("S1")).returns == (ReturnRequest((("L1", 2),), "pp"),)


async def test_store_credit_comes_with_a_bonus(second, shipped):
    wish = ReturnItems("S1", (("L1", 2),), "store_credit", "damaged")
    [outcome] = await carry_out(second, wish, actor=MIRA)
    assert (outcome.quote.money[0].amount, outcome.quote.money[0].method_label) == (Decimal("151.20"), "store credit")
    assert (await second.stored("S1")).returns[0].extra["bonus"] == "7.20"
    assert (await refusal(shipped, wish, actor=MIRA)).code == "method_not_allowed"


@pytest.mark.parametrize(("operation", "code"), [
    (ReturnItems("S1", (("L1", 1),), "pp", "damaged"), "whole_line_only"),
    (ReturnItems("S1", (("L2", 1),), "pp", "damaged"), "not_returnable"),
    (ReturnItems("S1", (("L1", 2),), "pp", "changed my mind"), "reason_not_accepted"),
    (ReturnItems("S1", (("L1", 2),), "pp"), "reason_not_accepted"),
    (ReturnItems("S1", (("L1", 2),), "gc", "damaged"), "method_not_allowed"),
    (ReturnItems("S2", (("L1", 1),), "pp", "damaged"), "window_closed"),
    (ReturnItems("S5", (("L1", 1),), "pp", "damaged"), "date_unknown"),
    (CancelOrder("S4", ""), "too_late"),
    (ChangePayment("S4", "gc"), "not_offered"),
])
async def test_what_this_shop_refuses(second, operation, code):
    assert (await refusal(second, operation, actor=MIRA)).code == code


@pytest.mark.parametrize("operation", [
    ReturnItems("S1", (("L1", 1),), "pp"), ReturnItems("S1", (("L2", 1),), "gc"), ReturnItems("S2", (("L1", 1),), "pp"),
    ReturnItems("S5", (("L1", 1),), "pp"), CancelOrder("S4", "no longer needed")])
async def test_what_the_shipped_rules_allow_there(shipped, operation):
    [outcome] = await carry_out(shipped, operation, actor=MIRA)
    assert outcome.state == "accepted"


async def test_a_processed_order_is_cancelled_for_any_reason(second, shipped):
    await carry_out(second, CancelOrder("S3", "found a nicer one"), actor=MIRA)
    stored = await second.stored("S3")
    assert (stored.status, stored.cancel_reason) == (OrderStatus.CANCELLED, "found a nicer one")
    assert (await refusal(shipped, CancelOrder("S3", "no longer needed"), actor=MIRA)).code == "cancel_not_pending"


async def test_items_change_twice_and_into_another_product(second, shipped):
    chain = ChangeItems("S4", (Swap("L1", "N1-40"),), "pp")
    await carry_out(second, chain, actor=MIRA)
    await carry_out(second, ChangeItems("S4", (Swap("L1", "R1-54"),), "pp"), actor=MIRA)
    stored = await second.stored("S4")
    assert (stored.lines[0].title, stored.lines[0].variant_id) == ("Signet Ring", "R1-54")
    assert [(p.kind, p.amount) for p in stored.payments[1:]] == [("refund", Decimal(20)), ("payment", Decimal(20))]
    assert (await refusal(shipped, chain, actor=MIRA)).code == "variant_of_other_product"


async def test_an_exchange_may_follow_another(second):
    await carry_out(second, ExchangeItems("S1", (Swap("L1", "R1-54"),)), actor=MIRA)
    await carry_out(second, ExchangeItems("S1", (Swap("L2", "N1-40"),), "pp"), actor=MIRA)
    assert (await second.stored("S1")).exchanges == (
        ExchangeRequest("L1", "R1-54", None), ExchangeRequest("L2", "N1-40", "pp"))


async def test_who_counts_as_identified_is_the_shops_to_say(second, shipped):
    claims = {"email": "mira@example.com"}
    assert await IdentityService(second.book, second.service.rules).identify(claims) is None
    assert (await IdentityService(shipped.book, shipped.service.rules).identify(claims)).id == "M1"
    exact = {"order_number": "s1", "postcode": "8010"}
    assert (await IdentityService(second.book, second.service.rules).identify(exact)).id == "M1"
