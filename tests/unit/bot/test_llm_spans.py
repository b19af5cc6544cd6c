"""Pointing: tags that stand for values, and rules that find the values of prompts nobody marked."""

from __future__ import annotations

import random

import pytest

from bot.llm.spans import Rules, UnknownTag, fill, point

PLACES = ["Mill Inn", "The Heron", "Blue Door", "Corner 12", "Ann's", "Old Forge"]
FOODS = ["soup, bread", "noodles", "pies", "rye, cheese", "curry"]


def bracketed(rows: int = 60) -> list[tuple[str, str]]:
    """Attributes in brackets; commas inside of values, a yes and no that is never repeated."""
    draw = random.Random(1)
    made = []
    for _ in range(rows):
        place, food, open_ = draw.choice(PLACES), draw.choice(FOODS), draw.choice(["yes", "no"])
        made.append((f"name[{place}], sunday[{open_}], serves[{food}]",
                     f"{place} has {food} and is {'open' if open_ == 'yes' else 'closed'} on Sundays"))
    return made


def test_what_is_pointed_at_comes_back_when_filled() -> None:
    values = {"<v3>": "#W12", "<v9>": "12", "<v1>": "Ann's"}
    target = "Ann's order #W12 holds 12 lamps, not 120"
    assert point(target, values) == "<v1> order <v3> holds <v9> lamps, not 120"
    assert fill(point(target, values), values) == target
    with pytest.raises(UnknownTag):
        fill("Order <v4>.", values)


def test_two_tags_with_one_value_take_its_mentions_in_turn() -> None:
    assert point("red and red, red", {"<v5>": "red", "<v2>": "red"}) == "<v5> and <v2>, <v2>"


def test_tags_that_stand_in_a_target_are_left_alone() -> None:
    assert point("<v7> costs 7 or v7", {"<v1>": "7", "<v2>": "v7"}) == "<v7> costs <v1> or <v2>"


def test_rules_learn_brackets_and_leave_what_replies_never_repeat() -> None:
    rules = Rules.learn(bracketed())
    assert rules.keys == {"name", "serves"}
    assert rules.said == {"name": 1.0, "serves": 1.0}
    marked = rules.mark("name[Sea View], sunday[no], serves[crab, chips]")
    assert marked.text == "name[<v0> Sea View], sunday[no], serves[<v1> crab, chips]"
    assert marked.values == {"<v0>": "Sea View", "<v1>": "crab, chips"}


@pytest.mark.parametrize(("prompt", "reply"), [
    ("intent: shipped\ncarrier: {0}\neta: {1}", "{0} brings it in {1} days."),
    ("shipped(carrier='{0}';eta='{1}')", "{0} brings it in {1} days."),
    ('{{"carrier": "{0}", "eta": "{1}"}}', "{0} brings it in {1} days."),
    ("carrier | {0} | eta | {1}", "{0} brings it in {1} days."),
])
def test_rules_learn_other_notations(prompt: str, reply: str) -> None:
    facts = [(f"Carrier {chr(65 + n % 26)}{n}", f"{n + 2} to {n + 4}") for n in range(60)]
    rules = Rules.learn((prompt.format(*f), reply.format(*f)) for f in facts)
    asked = prompt.format("Polar Post", "90 to 95")
    assert sorted(rules.mark(asked).values.values()) == ["90 to 95", "Polar Post"]


def test_rules_find_nothing_in_free_text_and_leave_tagged_prompts_alone() -> None:
    assert Rules.learn([("where is my parcel", "It is on its way.")] * 50) == Rules()
    rules = Rules.learn(bracketed())
    assert rules.mark("name[<v4> Sea View]").text == "name[<v4> Sea View]"


def test_a_key_has_one_tag_wherever_it_stands_and_rules_survive_being_written() -> None:
    rules = Rules.learn(bracketed())
    assert Rules.from_json(rules.to_json()) == rules
    assert rules.mark("serves[crab], name[Sea View]").text == "serves[<v1> crab], name[<v0> Sea View]"
    assert rules.mark("name[Sea View], name[Bay]").values == {"<v0>": "Sea View", "<v31>": "Bay"}


def test_rules_written_before_there_were_plain_values_are_still_read() -> None:
    rules = Rules.from_json({"version": 1, "pairs": [["[", "]"]], "keys": ["name"]})
    assert rules.mark("name[Sea View]").values == {"<v0>": "Sea View"}
