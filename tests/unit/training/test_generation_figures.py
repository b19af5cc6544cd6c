"""What replies are measured by, how references are grouped, and which of several candidates is said."""

from __future__ import annotations

import pytest

from bot.llm.spans import Rules
from training.generation_figures import overlap_figures, value_figures
from training.llm_data import Row
from training.references import references
from training.replies import Way
from training.speaking import Asked, choose, filled, most_agreed

RULES = Rules((("=", ";"), ("=", ")")), frozenset({"name", "price", "size"}), frozenset({"any"}),
              {"name": 1.0, "price": 0.95, "size": 0.5})


def row(prompt: str, *replies: str) -> Row:
    return Row(({"role": "user", "content": prompt},), replies[0], replies)


def test_a_reply_like_its_reference_is_perfect_and_another_reference_helps() -> None:
    said = ["the lamp costs nine dollars today", "it is a small blue lamp"]
    perfect = overlap_figures(said, [["x y z", said[0]], [said[1]]])
    assert perfect == pytest.approx({"bleu": 1.0, "rouge_l": 1.0, "chrf": 1.0})
    assert overlap_figures(said, [["x y z"], [said[1]]])["bleu"] < 0.9


def test_values_left_out_repeated_and_foreign_are_slot_errors() -> None:
    prompts = ["offer(name=Blue Lamp;price=9 dollars)", "offer(name=Red Lamp 2;price=7 dollars)"]
    right = value_figures(["Blue Lamp is 9 dollars", "take Red Lamp 2 for 7 dollars"], prompts, RULES)
    assert right["slot_error"] == 0 and right["groundedness"] == 1 and right["slots"] == 4
    wrong = value_figures(["Blue Lamp is 7 dollars", "Red Lamp 2 , yes , Red Lamp 2 for 7 dollars"], prompts, RULES)
    assert (wrong["slots_missing"], wrong["slots_extra"]) == (1, 2)
    assert wrong["groundedness"] == 0.5
    assert value_figures(["made in 1999"], ["offer(name=Blue Lamp)"], RULES)["groundedness"] == 0


def test_a_value_inside_of_another_is_not_said_by_it() -> None:
    figures = value_figures(["the Norda Trail shoe"], ["offer(name=Norda Trail;price=Norda)"], RULES)
    assert (figures["slots_missing"], figures["slots_extra"]) == (1, 0)


def test_without_values_there_is_no_slot_error() -> None:
    assert value_figures(["hello"], ["hi there"], Rules())["slot_error"] is None


def test_rows_that_differ_in_values_and_order_share_references_with_their_own_values() -> None:
    rows = [row("offer(name=Blue Lamp;price=9;size=any)", "Blue Lamp costs 9 in any size"),
            row("offer(size=any;price=7;name=Desk)", "for 7 there is Desk"),
            row("offer(name=Desk;price=7)", "Desk at 7")]
    found = references(rows, RULES, "delexicalised")
    assert found[0] == ["Blue Lamp costs 9 in any size", "for 9 there is Blue Lamp"]
    assert found[1] == ["for 7 there is Desk", "Desk costs 7 in any size"]
    assert found[2] == ["Desk at 7"]
    assert references(rows, RULES, "none") == [[r.reply] for r in rows]


def test_rows_with_the_same_prompt_can_share_references() -> None:
    rows = [row("hi", "hello"), row("hi", "good day"), row("bye", "see you")]
    assert references(rows, RULES, "prompt") == [["hello", "good day"], ["good day", "hello"], ["see you"]]


def test_a_candidate_that_leaves_out_a_value_is_not_said() -> None:
    asked = Asked("offer(name=<v0> Blue Lamp;price=<v1> 9)", {"<v0>": "Blue Lamp", "<v1>": "9"}, ("<v0>", "<v1>"))
    candidates = ["<v0> is nice", "<v0> is nice", "<v0> costs <v1>", "<v0> costs <v1> , <v1>", "<v0> <v7> <v1>"]
    assert choose(candidates, asked, Way("consensus", 5)) == "<v0> costs <v1>"
    assert choose(candidates, asked, Way("beam", 5)) == "<v0> costs <v1>"
    assert filled("<v0> and <v9>", asked.values) == "Blue Lamp and "


def test_what_most_candidates_agree_on_is_said() -> None:
    assert most_agreed(["the lamp costs nine", "lamp nine", "the lamp costs ten", "the lamp costs nine euros"]) == \
        "the lamp costs nine"
