"""From acts to bubbles: templates with optional facts, variations, languages, repeating; what a model may phrase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.message import Button
from bot.domain.tracker import Tracker
from bot.engine.responses import Responses, fill, parse_responses
from bot.engine.say import Speaker
from bot.ports import Act, OnDelta
from knowledge.models import Evidence, EvidenceKind
from tests.unit.engine.desk_flows import new_turn, responses


@pytest.mark.parametrize(("text", "facts", "filled"), [
    ("Hello {name}.", {"name": "Ida"}, "Hello Ida."),
    ("Done. You get {refund}. Bye!", {}, "Done. Bye!"),
    ("Done. You get {refund}. Bye!", {"refund": ""}, "Done. Bye!"),
    ("Done. You get {refund}. Bye!", {"refund": None}, "Done. Bye!"),
    ("Done. You get {refund}. Bye!", {"refund": []}, "Done. Bye!"),
    ("You get {refund} to {method}.", {"refund": "$3"}, ""),
    ("There are {n}.", {"n": 0}, "There are 0."),
    ("List:\n{rows}\n\nWhich?", {"rows": "a\nb"}, "List:\na\nb\n\nWhich?"),
    ("List:\n{rows}\nWhich?", {}, "List:\nWhich?"),
    ("Paid {a}? Yes! {b}", {"a": 1}, "Paid 1? Yes!"),
])
def test_a_sentence_without_its_fact_is_left_out(text, facts, filled):
    assert fill(text, facts) == filled


def test_a_fact_that_looks_like_a_variable_or_a_sentence_is_only_a_fact():
    assert fill("Order {a}. Goes to {b}.", {"a": "{b}", "b": "X. Y. {a}"}) == "Order {b}. Goes to X. Y. {a}."


PIECES = st.lists(st.sampled_from(["Sure. ", "{a} and {b}! ", "On {b}? ", "\n", "Total {a}. "]), max_size=8)
FACTS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", "42", "", None, 7]), max_size=2)


@given(PIECES, FACTS)
def test_no_variable_is_ever_said(pieces, facts):
    filled = fill("".join(pieces), facts)
    assert "{" not in filled
    assert "None" not in filled


def test_responses_come_from_rasas_format():
    parsed = parse_responses({"utter_a": [{"text": " one "}, {"text": "two", "metadata": {"verbatim": True}}]})
    assert parsed["utter_a"].texts == ("one", "two")
    assert parsed["utter_a"].verbatim


@pytest.mark.parametrize("variants", ["hi", [{"txt": "hi"}], ["hi"], [{"text": 3}]])
def test_a_wrong_response_is_named(variants):
    with pytest.raises(ValueError, match="utter_a"):
        parse_responses({"utter_a": variants})


def test_a_response_without_a_text_is_named():
    with pytest.raises(ValueError, match="utter_a"):
        parse_responses({"utter_a": []})


def test_variations_take_turns():
    parsed = responses()
    texts = {parsed.render(Act("utter_did", {"what": "sand"}), "en", n) for n in range(6)}
    assert texts == {"Did sand.", "sand it is."}


def test_another_language_is_spoken_where_it_has_the_text():
    both = Responses({"en": parse_responses({"a": [{"text": "yes"}], "b": [{"text": "no"}]}),
                      "de": parse_responses({"a": [{"text": "ja"}]})})
    assert [both.render(Act("a"), locale) for locale in ("de", "de-AT", "fr")] == ["ja", "ja", "yes"]
    assert both.render(Act("b"), "de") == "no"
    with pytest.raises(KeyError):
        both.render(Act("c"), "de")


# --- saying ----------------------------------------------------------------------------------------------------------

class Shouting:
    """A composer that shouts; with `silent` it leaves everything to the templates."""

    def __init__(self, *, silent: bool = False) -> None:
        self.asked: list[list[str]] = []
        self.silent = silent

    async def compose(self, acts: Sequence[Act], drafts: Sequence[str], tracker: Tracker,
                      on_delta: OnDelta | None) -> list[str] | None:
        self.asked.append(list(drafts))
        return None if self.silent else [d.upper() for d in drafts]


async def say(*acts: Act, composer: Any = None, before: tuple[ev.Event, ...] = (),
              deltas: list[str] | None = None) -> list[Any]:
    turn = new_turn("", *before)
    turn.said_before = list(turn.tracker.last_bot)
    turn.say(*acts)

    async def on_delta(piece: str) -> None:
        assert deltas is not None
        deltas.append(piece)

    return await Speaker(responses(), composer).say(turn, on_delta if deltas is not None else None)


async def test_one_bubble_per_act_with_all_that_comes_with_it():
    source = Evidence("chunk:a#1", EvidenceKind.DOCUMENT, "Returns", "…", 1.0, data={"quote": "30 days"})
    card = {"kind": "order", "title": "#1", "data": {"a": 1}}
    act = Act("utter_did", {"what": "it"}, (("Yes", "/affirm"),), (card,), (source,))
    greeting, bubble = await say(Act("utter_greet"), act)
    assert greeting.text == "Hello!"
    assert bubble.buttons == (Button("Yes", "/affirm"),)
    assert (bubble.cards[0].kind, bubble.cards[0].data) == ("order", {"a": 1})
    assert (bubble.sources[0].number, bubble.sources[0].quote, bubble.sources[0].kind) == (1, "30 days", "document")
    assert bubble.custom["responses"] == ["utter_did"]


async def test_the_same_thing_is_said_once():
    one, other = (Act("utter_did", {"what": w}) for w in "ab")
    bubbles = await say(Act("utter_greet"), one, Act("utter_greet"), other, one)
    assert [b.custom["responses"][0] for b in bubbles] == ["utter_greet", "utter_did", "utter_did"]


async def test_a_turn_without_acts_still_says_something():
    (bubble,) = await say()
    assert bubble.text


async def test_the_last_bubble_tells_machines_what_was_asked():
    first, last = await say(Act("utter_greet"), Act("utter_ask_color"), before=(ev.SlotSet("requested_slot", "color"),))
    assert "requested_slot" not in first.custom
    assert last.custom["requested_slot"] == "color"


async def test_a_model_phrases_all_but_verbatim_texts():
    composer = Shouting()
    assert [b.text for b in await say(Act("utter_greet"), composer=composer)] == ["HELLO!"]
    assert [b.text for b in await say(Act("utter_ask_confirmation"), composer=composer)] == ["Sure?"]
    assert composer.asked == [["Hello!"]]


async def test_without_a_models_text_the_template_is_said_and_streamed():
    deltas: list[str] = []
    bubbles = await say(Act("utter_greet"), Act("utter_ask_color"), composer=Shouting(silent=True), deltas=deltas)
    assert [b.text for b in bubbles] == ["Hello!", "Which colour?"]
    assert "".join(deltas) == "Hello!\n\nWhich colour?"


async def test_repeating_says_the_last_bubbles_again_with_their_buttons():
    data = {"buttons": [{"title": "Yes", "payload": "/affirm"}], "custom": {"responses": ["utter_confirm"]}}
    bubbles = await say(Act("utter_repeat"), before=(ev.BotUttered("Please check:", data), ev.BotUttered("Sure?")))
    assert [b.text for b in bubbles] == ["Please check:", "Sure?"]
    assert bubbles[0].buttons == (Button("Yes", "/affirm"),)
    assert [b.text for b in await say(Act("utter_repeat"))] == ["I have said nothing yet."]


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["utter_greet", "utter_did", "utter_ask_color"]), min_size=1, max_size=6))
async def test_whatever_is_to_be_said_nothing_is_empty_and_order_stays(names):
    bubbles = await say(*(Act(n, {"what": "it"}) for n in names))
    assert all(b.text for b in bubbles)
    assert [b.custom["responses"][0] for b in bubbles] == list(dict.fromkeys(names))
