"""Correction, cancelling, digression, several requests at once, yes and no: commands put into effect."""

from __future__ import annotations

import pytest

from bot.domain import commands as cmd
from bot.domain import events as ev
from bot.engine.repair import Repair
from bot.engine.turn import Turn
from tests.unit.engine.desk_flows import FLOWS, new_turn, said

WAITING = (ev.FlowStarted("f1", "paint"), ev.FlowMoved("f1", "ask"), ev.SlotSet("requested_slot", "color"))
CONFIRMING = (ev.FlowStarted("f1", "paint", {"color": "red"}), ev.FlowMoved("f1", "check"),
              ev.SlotSet("requested_slot", "confirmation"))
OFFERED = ev.SlotSet("offer", {"flow": "talk_to_human", "slots": {"reason": "stuck"}})


def after(*commands: cmd.Command, before: tuple[ev.Event, ...] = (), text: str = "…") -> Turn:
    turn = new_turn(text, *before)
    Repair(FLOWS).apply(turn, commands)
    return turn


def stack(turn: Turn) -> list[str]:
    return [f.flow for f in turn.tracker.stack]


def queue(turn: Turn) -> list[str]:
    return [f.flow for f in turn.tracker.queue]


def test_a_request_starts_with_what_was_said():
    turn = after(cmd.StartFlow("paint", {"color": "red"}))
    assert stack(turn) == ["paint"]
    assert turn.tracker.get("color") == "red"


def test_a_flow_that_does_not_exist_starts_nothing():
    turn = after(cmd.StartFlow("fly"))
    assert (stack(turn), queue(turn)) == ([], [])


def test_several_writes_are_ordered_by_precedence_and_the_first_runs():
    turn = after(cmd.StartFlow("paint"), cmd.StartFlow("fetch"), cmd.StartFlow("move"))
    assert stack(turn) == ["move"]
    assert queue(turn) == ["fetch", "paint"]


def test_a_write_during_another_waits_its_turn():
    turn = after(cmd.StartFlow("move"), before=WAITING)
    assert (stack(turn), queue(turn)) == (["paint"], ["move"])


def test_questions_are_answered_first_in_the_order_they_were_asked():
    turn = after(cmd.StartFlow("paint"), cmd.StartFlow("look"), cmd.StartFlow("secret"))
    assert stack(turn) == ["paint", "secret", "look"]


def test_the_same_request_again_joins_the_one_that_waits():
    again = cmd.StartFlow("move", {"said": [{"text": "the chair"}]})
    turn = after(again, before=(*WAITING, ev.FlowStarted("f2", "move", {"said": [{"text": "the table"}]}, queued=True)))
    assert queue(turn) == ["move"]
    assert [s["text"] for s in turn.tracker.queue[0].slots["said"]] == ["the table", "the chair"]


@pytest.mark.parametrize(("command", "filled"), [(cmd.Affirm(), "yes"), (cmd.Deny(), "no")])
def test_yes_and_no_answer_the_card(command, filled):
    assert after(command, before=CONFIRMING).tracker.get("confirmation") == filled


def test_a_yes_belongs_to_the_card_before_it_belongs_to_an_offer():
    turn = after(cmd.Affirm(), before=(OFFERED, *CONFIRMING))
    assert turn.tracker.get("confirmation") == "yes"
    assert stack(turn) == ["paint"]


def test_yes_takes_up_what_was_offered_and_no_leaves_it():
    taken = after(cmd.Affirm(), before=(OFFERED,))
    assert stack(taken) == ["talk_to_human"]
    assert taken.tracker.get("reason") == "stuck"
    left = after(cmd.Deny(), before=(OFFERED,))
    assert stack(left) == []
    assert "offer" not in left.tracker.slots


def test_an_offer_holds_only_until_something_else_is_said():
    turn = after(cmd.StartFlow("look"), before=(OFFERED,))
    assert "offer" not in turn.tracker.slots
    assert stack(turn) == ["look"]


def test_yes_to_nothing_changes_nothing():
    for command in (cmd.Affirm(), cmd.Deny()):
        turn = after(command)
        assert (stack(turn), queue(turn)) == ([], [])
        assert len(turn.acts) == 1


def test_words_that_change_a_request_reach_its_frame_and_undo_the_question():
    turn = after(cmd.AmendRequest("set", {"text": "blue instead", "asked": "confirmation"}), before=CONFIRMING)
    frame = turn.tracker.top
    assert frame is not None
    assert frame.slots["said"][-1]["text"] == "blue instead"
    assert frame.slots["confirmation"] not in ("yes", "no")


def test_changing_words_reach_the_request_below_a_question_about_who_one_is():
    turn = after(cmd.AmendRequest("add", {"text": "and the door"}), before=(*WAITING, ev.FlowStarted("f2", "identify")))
    assert turn.tracker.stack[0].slots["said"][0]["text"] == "and the door"


def test_correcting_a_slot_replaces_it():
    turn = after(cmd.CorrectSlot("color", "green"), before=CONFIRMING)
    assert turn.tracker.get("color") == "green"


def test_never_mind_drops_the_request_and_what_lies_on_it():
    turn = after(cmd.CancelFlow(), before=(*WAITING, ev.FlowStarted("f2", "identify")))
    assert stack(turn) == []
    assert said(turn) == ["utter_dropped"]
    assert turn.acts[0].facts["flow_name"] == "paint something"


def test_never_mind_leaves_the_requests_that_wait():
    turn = after(cmd.CancelFlow(), before=(*WAITING, ev.FlowStarted("f2", "move", queued=True)))
    assert (stack(turn), queue(turn)) == ([], ["move"])


def test_never_mind_without_a_request_is_fine():
    assert said(after(cmd.CancelFlow())) == ["utter_all_right"]


def test_dropping_one_request_for_another():
    turn = after(cmd.CancelFlow(), cmd.StartFlow("move"), before=WAITING)
    assert (stack(turn), queue(turn)) == (["move"], [])


def test_what_one_says_about_oneself_adds_up():
    known = ev.SlotSet("claims", {"first_name": "Mira", "postcode": "1"})
    asking = ev.FlowStarted("f1", "identify")
    turn = after(cmd.Identify({"last_name": "Holt", "postcode": "97205"}), before=(known, asking))
    assert turn.tracker.slots["claims"] == {"first_name": "Mira", "last_name": "Holt", "postcode": "97205"}
    assert turn.tracker.get("identity") is not None


def test_a_doubt_is_put_as_buttons_of_what_exists():
    turn = after(cmd.Clarify(("paint", "nothing_like_it", "look")))
    (act,) = turn.acts
    assert act.buttons == (("paint something", "/start paint"), ("look something up", "/start look"))


def test_questions_searches_and_persons_have_their_flows():
    turn = after(cmd.AskKnowledge("when do you open?"))
    assert stack(turn) == ["policy_question"]
    assert "when do you open?" in turn.tracker.all_slots().values()
    assert stack(after(cmd.SearchProducts("a lamp"))) == ["product_search"]
    human = after(cmd.HumanHandoff("angry"))
    assert (stack(human), human.tracker.get("reason")) == (["talk_to_human"], "angry")


def test_small_talk_is_answered_in_kind():
    assert said(after(cmd.Chitchat("thanks"))) == ["utter_thanks"]
    assert said(after(cmd.Repeat())) == ["utter_repeat"]


def test_not_understood_twice_offers_a_person():
    missed = ev.UserUttered("?", commands=[{"name": "CannotHandle"}])
    first = after(cmd.CannotHandle(), before=(missed,))
    assert "offer" not in first.tracker.slots
    second = after(cmd.CannotHandle(), before=(missed, missed))
    assert second.tracker.slots["offer"]["flow"] == "talk_to_human"
    assert [b[1] for b in second.acts[0].buttons] == ["/handoff"]


def test_out_of_scope_is_said_differently_from_not_understood():
    assert said(after(cmd.CannotHandle("out_of_scope"))) != said(after(cmd.CannotHandle("unclear")))


def test_a_language_not_spoken_is_answered_honestly_with_the_offer_of_a_person():
    turn = after(cmd.CannotHandle("language:de"))
    assert said(turn) != said(after(cmd.CannotHandle("unclear")))
    assert any(b[1] == "/handoff" for act in turn.acts for b in act.buttons) or turn.tracker.slots.get("offer")


def test_nothing_understood_means_nothing_happens():
    turn = after(before=(OFFERED, *WAITING))
    assert stack(turn) == ["paint"]
    assert turn.tracker.slots["offer"]
