"""Flows run step by step until somebody has to be asked, and go on where they were."""

from __future__ import annotations

import pytest

from bot.domain import events as ev
from bot.engine.flow_machine import FlowLoop, FlowMachine
from bot.engine.turn import Turn
from tests.unit.engine.desk_flows import FLOWS, Actions, new_turn, said


async def advance(turn: Turn, actions: Actions | None = None) -> Actions:
    actions = actions or Actions()
    await FlowMachine(FLOWS, actions).advance(turn)
    return actions


async def test_nothing_to_do_asks_for_nothing():
    turn = new_turn()
    await advance(turn)
    assert (turn.acts, turn.tracker.get("requested_slot")) == ([], None)


async def test_a_flow_without_questions_runs_to_its_end():
    turn = new_turn("", ev.FlowStarted("f1", "look"))
    actions = await advance(turn)
    assert actions.ran == ["action_look"]
    assert said(turn) == ["utter_did"]
    assert turn.tracker.stack == []


async def test_a_missing_slot_is_asked_for_and_the_flow_waits_there():
    turn = new_turn("", ev.FlowStarted("f1", "fetch"))
    actions = await advance(turn)
    assert said(turn) == ["utter_ask_place"]
    assert turn.tracker.get("requested_slot") == "place"
    turn.acts.clear()
    turn.record(ev.SlotSet("place", "cellar", "f1"))
    await advance(turn, actions)
    assert actions.ran == ["action_fetch"]
    assert (turn.tracker.stack, turn.tracker.get("requested_slot")) == ([], None)


async def test_a_filled_slot_is_not_asked_for():
    turn = new_turn("", ev.FlowStarted("f1", "fetch", {"place": "cellar"}))
    assert (await advance(turn)).ran == ["action_fetch"]


async def test_a_question_prepared_by_an_action_is_put_as_it_is():
    question = {"slot": "options", "response": "utter_ask_color", "facts": {"n": 2}, "buttons": [["Red", "/red"]],
                "cards": [{"kind": "product", "title": "Paint", "data": {}}]}
    turn = new_turn("", ev.FlowStarted("f1", "paint", {"question": question}))
    await advance(turn)
    (act,) = turn.acts
    assert (act.response, act.facts, act.buttons) == ("utter_ask_color", {"n": 2}, (("Red", "/red"),))
    assert act.cards[0]["title"] == "Paint"
    assert turn.tracker.get("requested_slot") == "options"


@pytest.mark.parametrize(("answer", "ran", "left"), [
    ("yes", ["action_paint"], 0), ("no", [], 0), ("amended", [], 1)])
async def test_a_branch_follows_the_answer(answer, ran, left):
    turn = new_turn("", ev.FlowStarted("f1", "paint", {"color": "red", "confirmation": answer}))
    turn.record(ev.FlowMoved("f1", "check"))
    if answer == "amended":
        turn.record(ev.SlotSet("color", None, "f1"))
    assert (await advance(turn)).ran == ran
    assert len(turn.tracker.stack) == left


async def test_slots_are_set_in_the_frame_and_words_are_said_from_it():
    turn = new_turn("", ev.FlowStarted("f1", "mirror", {"thing": "a cat"}))
    await advance(turn)
    assert said(turn) == ["utter_mirror", "utter_ask_word"]
    assert turn.acts[0].facts["thing"] == "a cat"
    assert turn.tracker.top is not None
    assert (turn.tracker.top.slots["seen"], turn.tracker.top.slots["times"]) == (True, 2)
    assert "seen" not in turn.tracker.slots


async def test_a_called_flow_runs_first_and_then_its_caller_goes_on():
    turn = new_turn("", ev.FlowStarted("f1", "nested"))
    assert (await advance(turn)).ran == ["action_look", "action_last"]


async def test_who_is_known_already_is_not_asked():
    turn = new_turn("", ev.CustomerIdentified("C1", "channel"), ev.FlowStarted("f1", "secret"))
    assert (await advance(turn)).ran == ["action_identify", "action_secret"]


async def test_a_private_flow_waits_until_the_customer_is_known():
    turn = new_turn("", ev.FlowStarted("f1", "secret"))
    actions = await advance(turn)
    assert said(turn) == ["utter_ask_identity"]
    assert "action_secret" not in actions.ran
    turn.acts.clear()
    turn.record(ev.SlotSet("claims", {"email": "a@b.example"}))
    turn.record(ev.SlotSet("identity", "claimed", turn.tracker.stack[-1].id))
    await advance(turn, actions)
    assert actions.ran[-1] == "action_secret"


async def test_a_digression_returns_to_the_interrupted_question():
    turn = new_turn("", ev.FlowStarted("f1", "fetch"))
    actions = await advance(turn)
    turn.acts.clear()
    turn.record(ev.FlowStarted("f2", "look"))
    await advance(turn, actions)
    assert said(turn) == ["utter_did", "utter_back_to", "utter_ask_place"]
    assert turn.acts[1].facts["flow_name"] == "fetch something"
    assert turn.tracker.get("requested_slot") == "place"


async def test_queued_requests_follow_one_after_the_other():
    turn = new_turn("", ev.FlowStarted("f1", "move"), ev.FlowStarted("f2", "fetch", queued=True),
                    ev.FlowStarted("f3", "move", queued=True))
    actions = await advance(turn)
    assert actions.ran == ["action_move"]
    assert said(turn)[-1] == "utter_ask_place"
    turn.record(ev.SlotSet("place", "attic", "f2"))
    await advance(turn, actions)
    assert actions.ran == ["action_move", "action_fetch", "action_move"]
    assert (turn.tracker.stack, turn.tracker.queue) == ([], [])


async def test_nothing_runs_on_once_a_person_was_asked_for():
    turn = new_turn("", ev.FlowStarted("f1", "fetch", {"place": "x"}), ev.FlowStarted("f2", "talk_to_human"))
    actions = await advance(turn)
    assert actions.ran == ["action_queue"]
    assert said(turn) == ["utter_queued"]
    assert turn.tracker.mode == "queued"


async def test_going_round_in_circles_is_an_error_that_names_the_flow():
    with pytest.raises(FlowLoop, match="circle"):
        await advance(new_turn("", ev.FlowStarted("f1", "circle")))
