"""Flows as data: what a file may say, what each mistake is called, and when a condition holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assistant_files import SHIPPED, load_assistant
from bot.domain.flow import END, FlowError, check_condition, holds, parse_flow, parse_flows

STEP = {"action": "action_look"}


def flow(*steps, **more):
    return parse_flow("greeting", {"steps": list(steps), **more})


def test_steps_follow_each_other_and_end():
    parsed = flow({"id": "look", **STEP}, {"id": "ask", "collect": "size"}, {"set_slots": [{"seen": True}, {"n": 2}]})
    assert parsed.first == "look"
    kinds = [(s.kind, s.name) for s in parsed.steps.values()]
    assert kinds == [("action", "action_look"), ("collect", "size"), ("set_slots", "")]
    look, ask, last = parsed.steps.values()
    assert (look.next[0].then, ask.next[0].then, last.next[0].then) == ("ask", last.id, END)
    assert last.slots == (("seen", True), ("n", 2))


def test_branches_are_tried_in_order_and_else_always_fits():
    parsed = flow({"id": "a", **STEP, "next": [{"if": "slots.x == 1", "then": "b"}, {"else": "END"}]},
                  {"id": "b", **STEP, "next": "a"})
    assert [(b.condition, b.then) for b in parsed.steps["a"].next] == [("slots.x == 1", "b"), ("", END)]
    assert parsed.steps["b"].next[0].then == "a"


def test_a_pattern_is_filled_with_the_flows_own_words():
    data = {"patterns": {"ask_first": [{"collect": "{wanted}"}, {"action": "action_{wanted}"}]},
            "flows": {"one": {"pattern": "ask_first", "wanted": "colour", "kind": "write", "precedence": 2}}}
    parsed = parse_flows(data)["one"]
    assert [s.name for s in parsed.steps.values()] == ["colour", "action_colour"]
    assert (parsed.kind, parsed.precedence, parsed.name) == ("write", 2, "one")


@pytest.mark.parametrize(("data", "told"), [
    ({}, "'steps'"),
    ({"steps": []}, "at least one step"),
    ({"steps": "action_look"}, "'steps'"),
    ({"pattern": "nowhere"}, "'nowhere'"),
    ({"steps": [{"id": "odd"}]}, "'odd'"),
    ({"steps": [{"id": "both", "action": "a", "collect": "b"}]}, "exactly one of"),
    ({"steps": [{"id": "a", "action": "x", "next": "away"}]}, "'away'"),
    ({"steps": [{"id": "a", "action": "x", "next": [{"if": "slots.a ==", "then": "END"}]}]}, "not understood"),
    ({"steps": [{"id": "a", "action": "x", "next": [{"if": "open('x')", "then": "END"}]}]}, "open('x')"),
    ({"steps": [STEP], "kind": "sometimes"}, "'sometimes'"),
])
def test_a_mistake_is_named_with_its_place(data, told):
    with pytest.raises(FlowError) as error:
        parse_flow("greeting", data)
    assert "greeting" in str(error.value)
    assert told in str(error.value)


@pytest.mark.parametrize(("condition", "slots", "expected"), [
    ("", {}, True),
    ("slots.a", {}, False), ("not slots.a", {}, True), ("slots.a", {"a": "x"}, True),
    ("slots.a == 'x'", {"a": "x"}, True), ("slots.a != 'x'", {}, True),
    ("slots.a == 'x' and slots.b > 2", {"a": "x", "b": 3}, True),
    ("slots.a == 'x' and slots.b > 2", {"a": "x"}, False),
    ("slots.a or slots.b", {"b": 1}, True),
    ("slots.n >= 1", {}, False), ("slots.n <= 1", {"n": 1}, True), ("slots.n < 1", {"n": 1}, False),
    ("1 < slots.n < 3", {"n": 2}, True), ("1 < slots.n < 3", {"n": 3}, False),
    ("slots.a in ['x', 'y']", {"a": "y"}, True), ("slots.a not in ['x']", {"a": "x"}, False),
    ("'x' in slots.list", {"list": ["x"]}, True), ("'x' in slots.list", {}, False),
    ("slots.a == None", {}, True),
])
def test_conditions_over_slots(condition, slots, expected):
    check_condition(condition, "here") if condition else None
    assert holds(condition, slots) is expected


@pytest.mark.parametrize("condition", [
    "os.system", "slots.a()", "slots['a']", "lambda: 1", "[x for x in slots.a]", "a", "slots.a + 1", "__import__('os')",
    "slots.a if slots.b else 1", "f'{slots.a}'", "slots.a := 2"])
def test_a_condition_is_no_program(condition):
    with pytest.raises(FlowError):
        check_condition(condition, "here")


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_a_flow_error(text):
    try:
        check_condition(text, "here")
    except FlowError as error:
        assert "here" in str(error)


def test_the_shipped_flows_are_sound():
    assistant = load_assistant(SHIPPED)
    assert {f.kind for f in assistant.flows.values()} == {"write", "read", "talk"}
    for name in ("cancel_order", "return_items", "change_default_address"):
        assert assistant.flows[name].kind == "write"
    in_this_order = [assistant.flows[n] for n in ("change_address", "change_payment", "swap_items")]
    assert [f.kind for f in in_this_order] == ["write"] * 3
    address, payment, items = (f.precedence for f in in_this_order)
    assert address < payment < items


@pytest.mark.xfail(raises=(KeyError, AttributeError, ValueError, TypeError), strict=True,
                   reason="reported as a Python error, without its place in the file")
@pytest.mark.parametrize("data", [
    {"steps": ["action_look"]},
    {"steps": [{"id": "a", "action": "x", "next": [{"if": "slots.a"}]}]},
    {"steps": [{"id": "a", "action": "x", "next": [{"then": "END"}]}]},
    {"steps": [STEP], "precedence": "high"},
    {"steps": [{"set_slots": "seen"}]},
    {"pattern": "unfilled"},
])
def test_every_mistake_is_a_flow_error(data):
    try:
        parse_flow("greeting", data, {"unfilled": [{"action": "{review}"}]})
    except FlowError as error:
        assert "greeting" in str(error)
        return
    pytest.fail("accepted")


@pytest.mark.xfail(strict=True, reason="accepted at loading, fails or misleads only when a customer comes by")
@pytest.mark.parametrize("data", [
    {"steps": [{"id": "a", "action": "x"}, {"id": "a", "action": "y"}]},
    {"steps": [{"id": "a", "action": "x", "next": [{"if": "slots", "then": "END"}]}]},
    {"steps": [{"id": "a", "action": "x", "next": [{"if": "slots.a.b == 1", "then": "END"}]}]},
])
def test_what_cannot_work_is_refused_at_loading(data):
    with pytest.raises(FlowError):
        parse_flow("greeting", data)
