"""Facts for the corpus: every one a response may have, the same for the same seed, agreeing with each other, and varied."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import yaml

import bot
from training.corpus.facts import NAMES, date, draw_shop, money, person, sample, sample_facts, title
from training.corpus.people import address
from training.corpus.shops import order_number

RESPONSES = Path(bot.__file__).parent / "assistant" / "en" / "responses.yml"


def spoken() -> dict[str, set[str]]:
    """Response (without utter_) → the facts its texts use; verbatim ones are never rephrased."""
    found = {}
    for name, ways in yaml.safe_load(RESPONSES.read_text("utf-8"))["responses"].items():
        if not any((way.get("metadata") or {}).get("verbatim") for way in ways):
            found[name.removeprefix("utter_")] = set(re.findall(r"\{(\w+)\}", " ".join(way["text"] for way in ways)))
    return found


def test_the_facts_of_every_response_are_known() -> None:
    assert {fact for facts in spoken().values() for fact in facts} <= NAMES


@pytest.mark.parametrize("response", sorted(r for r, facts in spoken().items() if facts))
def test_the_facts_of_a_response_are_texts_that_can_be_pointed_at(response: str) -> None:
    rng = random.Random(response)
    for _ in range(40):
        facts = sample_facts(sorted(spoken()[response]), rng, draw_shop(rng), response)
        for name, value in facts.items():
            assert value and value == value.strip(), (name, value)
            assert not re.search(r"[{}\\]|<v\d|  |None|\(\||\|\)", value), (name, value)


def test_the_same_seed_gives_the_same_facts() -> None:
    def drawn(seed: int) -> list[dict[str, str]]:
        rng = random.Random(seed)
        return [sample_facts(sorted(NAMES), rng, draw_shop(rng)) for _ in range(20)]

    assert drawn(7) == drawn(7) != drawn(8)


def test_one_fact_alone_needs_no_others() -> None:
    rng = random.Random(3)
    assert all(sample(name, rng, draw_shop(rng)) for name in NAMES for _ in range(10))


def test_facts_of_one_order_agree() -> None:
    rng = random.Random(5)
    for _ in range(200):
        facts = sample_facts(("order_number", "lines", "items", "title", "orders"), rng, draw_shop(rng), "order_details")
        assert facts["title"] in facts["items"] and facts["title"] in facts["lines"]
        assert facts["order_number"] in facts["orders"]
        assert len(facts["lines"].split("\n")) >= 1


def test_a_gift_card_that_is_too_short_holds_less_and_a_quantity_that_is_wrong_is_more() -> None:
    rng = random.Random(6)
    for _ in range(100):
        shop = draw_shop(rng)
        facts = sample_facts(("label", "balance", "amount"), rng, shop, "refused_gift_card_short")
        digits = {name: int(re.sub(r"\D", "", facts[name])) for name in ("balance", "amount")}
        assert digits["balance"] < digits["amount"]
        counts = sample_facts(("title", "available", "quantity"), rng, shop, "refused_quantity_wrong")
        assert int(counts["quantity"]) > int(counts["available"])


def test_a_refused_status_is_never_the_one_that_is_allowed() -> None:
    rng = random.Random(9)
    said = {sample_facts(("status",), rng, draw_shop(rng), "refused_cancel_not_pending")["status"] for _ in range(200)}
    assert "pending" not in said and len(said) > 4


def test_variety() -> None:
    rng = random.Random(1)
    shops = [draw_shop(rng) for _ in range(1000)]
    titles = [title(rng, shop) for shop in shops]
    assert len(set(titles)) > 950
    lengths = {len(t.split()) for t in titles}
    assert min(lengths) == 1 and max(lengths) >= 11
    assert len({shop.trade for shop in shops}) > 18 and len({shop.currency for shop in shops}) > 22
    assert len({brand for shop in shops for brand in shop.brands}) > 1500
    shapes = {re.sub(r"[A-Z]", "A", re.sub(r"[0-9]", "0", order_number(rng, shop))) for shop in shops}
    assert len(shapes) > 25
    ways = {re.sub(r"[0-9]+", "0", money(rng, shop)) for shop in shops}
    assert len(ways) > 60
    dates = {re.sub(r"[0-9]+", "0", re.sub(r"[A-Z][a-z]+", "M", date(rng, shop))) for shop in shops}
    assert len(dates) >= 7  # ways of ten that differ in more than a name's length
    assert len({person(rng) for _ in range(1000)}) > 850
    assert len({address(rng) for _ in range(1000)}) > 990
