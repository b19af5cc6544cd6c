"""How a reading of a hard message is judged."""

from __future__ import annotations

import pytest

from benchmarks.understanding import Row, judge, tracker_for
from bot.domain import commands as cmd


def row(text: str, *intents: str, asked: str = "") -> Row:
    return Row(text, asked, intents, {})


def verdict(of: Row, *commands: cmd.Command) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = judge(of, tracker_for(of), commands)
    return found.missing, found.extra


def test_every_act_has_to_be_there() -> None:
    both = row("cancel this, where is that", "cancel_order", "track_order")
    assert verdict(both, cmd.StartFlow("cancel_order"), cmd.StartFlow("track_order")) == ((), ())
    assert verdict(both, cmd.StartFlow("cancel_order")) == (("track_order",), ())


def test_a_write_nobody_meant_is_held_against_it() -> None:
    assert verdict(row("may I return what I washed?", "policy_question"), cmd.StartFlow("return_items"),
                   cmd.AskKnowledge("…")) == ((), ("return_items",))


@pytest.mark.parametrize(("commands", "extra"), [((cmd.Affirm(),), ("yes",)), ((cmd.AmendRequest("set"),), ())])
def test_a_yes_with_a_change_is_no_yes(commands: tuple[cmd.Command, ...], extra: tuple[str, ...]) -> None:
    said = row("yes to the jumper, no to the scarf", "affirm", "except_items", asked="confirmation")
    assert verdict(said, *commands)[1] == extra


def test_words_for_the_request_under_way_reach_it() -> None:
    assert verdict(row("the lamp", "choose_option", asked="items"), cmd.AmendRequest("set")) == ((), ())
    assert verdict(row("the lamp", "choose_option", asked="items"), cmd.CannotHandle()) == (("choose_option",), ())


def test_one_open_question_may_stand_for_another_only_when_served_is_counted() -> None:
    asked = row("is it dishwasher safe?", "product_question")
    found = judge(asked, tracker_for(asked), [cmd.AskKnowledge("…")])
    assert not found.understood and found.served


def test_the_conversation_stands_where_the_row_says() -> None:
    tracker = tracker_for(row("n.weiss@example.com", "provide_identity", asked="identity"))
    assert tracker.customer_id is None
    assert tracker.slots["requested_slot"] == "identity"
    assert [frame.flow for frame in tracker.stack] == ["return_items", "identify"]
    assert tracker_for(row("where is it", "track_order")).stack == []
