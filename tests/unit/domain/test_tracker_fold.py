"""A tracker is a fold over its events: from the beginning, or from a snapshot of any moment, it is the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.tracker import Mode, Tracker, fold, restore, snapshot

WORDS = st.text(max_size=12)
FRAMES = st.sampled_from(["f1", "f2", "f3", "f4"])
JSON = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=5)
SLOTS = st.dictionaries(st.sampled_from(["draft", "said", "stage"]), JSON, max_size=2)
COMMANDS = st.lists(st.sampled_from([{"name": "CannotHandle", "reason": "unclear"}, {"name": "Affirm"}]), max_size=2)
EVENTS: st.SearchStrategy[ev.Event] = st.one_of(
    st.builds(ev.SessionStarted, WORDS, st.sampled_from(["en", "zh"])),
    st.builds(ev.UserUttered, WORDS, WORDS, WORDS, st.floats(0, 1),
              st.just([{"entity": "order_number", "value": "#1"}]), COMMANDS, st.lists(WORDS, max_size=2), WORDS),
    st.builds(ev.BotUttered, WORDS, st.dictionaries(WORDS, JSON, max_size=2)),
    st.builds(ev.AgentUttered, WORDS, WORDS),
    st.builds(ev.CustomerIdentified, st.sampled_from(["C1", "C2"]), st.just("email")),
    st.builds(ev.IdentityRejected, st.integers(0, 5)),
    st.builds(ev.SlotSet, st.sampled_from(["claims", "offer", "draft"]), JSON, st.none() | FRAMES),
    st.builds(ev.FlowStarted, FRAMES, st.sampled_from(["cancel", "track"]), SLOTS, st.booleans()),
    st.builds(ev.FlowMoved, FRAMES, st.sampled_from(["ask", "END"])),
    st.builds(ev.FlowResumed, FRAMES), st.builds(ev.FlowCompleted, FRAMES), st.builds(ev.FlowCancelled, FRAMES),
    st.builds(ev.ActionExecuted, WORDS, st.floats(0, 9)),
    st.builds(ev.HandoffRequested, WORDS, WORDS), st.builds(ev.AgentJoined, WORDS),
    st.builds(ev.HandoffEnded, st.sampled_from(["agent", "timeout", "customer"])), st.builds(ev.TurnFailed, WORDS))
HISTORIES = st.lists(EVENTS, max_size=25).map(
    lambda found: [ev.Stamped(n, 1_700_000_000.0 + n, event) for n, event in enumerate(found, 1)])


def through_storage(tracker: Tracker) -> Tracker:
    return restore(json.loads(json.dumps(snapshot(tracker))))


@given(EVENTS)
def test_an_event_survives_storage(event):
    assert ev.event_from_json(json.loads(json.dumps(ev.event_to_json(event)))) == event


@settings(max_examples=80)
@given(HISTORIES, st.integers(0, 25))
def test_a_snapshot_of_any_moment_and_the_rest_give_the_whole(history, cut):
    whole = fold("talk", history)
    resumed = through_storage(fold("talk", history[:cut]))
    assert fold("talk", history[cut:], resumed) == whole


@settings(max_examples=30)
@given(HISTORIES)
def test_folding_reads_events_and_never_changes_them(history):
    before = json.dumps([ev.event_to_json(s.event) for s in history])
    first = fold("talk", history)
    assert json.dumps([ev.event_to_json(s.event) for s in history]) == before
    assert fold("talk", history) == first


@settings(max_examples=30)
@given(HISTORIES)
def test_a_restored_tracker_shares_nothing_with_the_one_it_came_from(history):
    tracker = fold("talk", history)
    kept = json.dumps(snapshot(tracker))
    twin = through_storage(tracker)
    twin.slots["new"] = 1
    for frame in (*twin.stack, *twin.queue):
        frame.slots["new"] = 1
    assert json.dumps(snapshot(tracker)) == kept


@settings(max_examples=30)
@given(HISTORIES)
def test_place_and_time_are_those_of_the_last_event(history):
    tracker = fold("talk", history)
    assert tracker.seq == len(history)
    assert tracker.frames_begun == sum(isinstance(s.event, ev.FlowStarted) for s in history)
    assert tracker.turns == sum(isinstance(s.event, ev.UserUttered) for s in history)


def test_an_event_of_a_newer_version_loses_only_what_is_new():
    data = ev.event_to_json(ev.CustomerIdentified("C1", "email")) | {"trust": 0.9}
    assert ev.event_from_json(data) == ev.CustomerIdentified("C1", "email")
    with pytest.raises(KeyError):
        ev.event_from_json({"name": "Unheard"})


# --- what single events mean -----------------------------------------------------------------------------------------

def told(*events: ev.Event) -> Tracker:
    return fold("talk", [ev.Stamped(n, 100.0 + n, event) for n, event in enumerate(events, 1)])


def test_a_slot_belongs_to_its_frame_or_to_the_conversation():
    tracker = told(ev.SlotSet("size", "M"), ev.FlowStarted("f1", "swap", {"size": "L"}),
                   ev.SlotSet("color", "red", "f1"), ev.SlotSet("color", "blue", "gone"))
    assert (tracker.get("size"), tracker.get("color"), tracker.slots) == ("L", "red", {"size": "M"})
    assert tracker.all_slots() == {"size": "L", "color": "red"}
    assert told(ev.SlotSet("size", "M"), ev.SlotSet("size", None)).slots == {}


def test_queued_requests_wait_first_come_first_served():
    tracker = told(ev.FlowStarted("f1", "a"), ev.FlowStarted("f2", "b", queued=True),
                   ev.FlowStarted("f3", "c", queued=True), ev.FlowCompleted("f1"), ev.FlowResumed("f2"))
    assert [f.id for f in tracker.stack] == ["f2"]
    assert [f.id for f in tracker.queue] == ["f3"]


def test_a_cancelled_flow_uncovers_the_one_below():
    tracker = told(ev.FlowStarted("f1", "return", {"said": "boots"}), ev.FlowStarted("f2", "track"),
                   ev.FlowCancelled("f2"))
    assert tracker.top is not None
    assert (tracker.top.flow, tracker.get("said")) == ("return", "boots")


def test_handing_over_and_back():
    asked = ev.HandoffRequested("angry", "…")
    assert told(asked).mode is Mode.QUEUED
    joined = told(asked, ev.AgentJoined("Ida"))
    assert (joined.mode, joined.agent, joined.mode_since) == (Mode.AGENT, "Ida", 102.0)
    back = told(asked, ev.AgentJoined("Ida"), ev.HandoffEnded("agent"))
    assert (back.mode, back.agent) == (Mode.BOT, "")


def test_misses_count_turns_in_a_row_that_could_not_be_handled():
    missed: dict[str, Any] = {"commands": [{"name": "CannotHandle", "reason": "unclear"}]}
    understood: dict[str, Any] = {"commands": [{"name": "CannotHandle"}, {"name": "Affirm"}]}
    assert told(ev.UserUttered("?", **missed), ev.UserUttered("??", **missed)).misses == 2
    assert told(ev.UserUttered("?", **missed), ev.UserUttered("yes", **understood)).misses == 0


def test_the_last_bubbles_are_those_since_the_customer_spoke():
    tracker = told(ev.BotUttered("old"), ev.UserUttered("hi"), ev.BotUttered("one"), ev.BotUttered("two"))
    assert [b.text for b in tracker.last_bot] == ["one", "two"]
