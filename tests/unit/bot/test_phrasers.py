"""Who words a reply: the embedded model says facts it points at, all acts of a turn at once; unknown ones are left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from bot.domain.events import UserUttered
from bot.domain.tracker import Tracker
from bot.engine.responses import Responses, parse_responses
from bot.llm.calls import ModelCall
from bot.llm.composer import LlmComposer
from bot.llm.forms.rephrase import Saying, render, shown
from bot.llm.moods import mood_of
from bot.llm.phrasers import FactPhraser, filled, fingerprint
from bot.llm.places import Places
from bot.llm.spans import UnknownTag
from bot.ports import Act

TEXTS = parse_responses(
    {
        "utter_done": [{"text": "Done: order {order_number} is cancelled. You get back {refund}."}],
        "utter_own": [{"text": "The shop's own words about {order_number}."}],
    }
)
DONE = Act("utter_done", {"order_number": "#W1", "refund": "$5.00", "other": "not in the text"})
OWN = Act("utter_own", {"order_number": "#W1"})
RESPONSES = Responses({"en": TEXTS})


def composer(*answers: str, known: tuple[str, ...] = ("utter_done",), again: int = 0) -> LlmComposer:
    def said() -> Iterator[AIMessage]:
        yield from (AIMessage(content=answer) for answer in answers)

    phraser = FactPhraser(
        ModelCall(GenericFakeChatModel(messages=said())),
        RESPONSES,
        {f"en/{name}": fingerprint(RESPONSES.texts(name, "en")) for name in known},
    )
    return LlmComposer(phraser, RESPONSES, again)


async def compose(composer: LlmComposer, *acts: Act) -> list[str] | None:
    tracker = Tracker("c1", last_user=UserUttered("cancel it please, this is ridiculous"))
    return await composer.compose(acts, [RESPONSES.render(act, "en") for act in acts], tracker, None)


async def test_what_the_model_points_at_is_said() -> None:
    c = composer("I've cancelled order <v0> for you. <v1> comes back to you.")
    assert await compose(c, DONE) == ["I've cancelled order #W1 for you. $5.00 comes back to you."]
    assert c.count.acts_own == 1


async def test_what_the_shop_worded_itself_is_said_in_its_words() -> None:
    c = composer("I've cancelled order <v0>. <v1> comes back to you.")
    assert await compose(c, OWN, DONE) == [
        "The shop's own words about #W1.",
        "I've cancelled order #W1. $5.00 comes back to you.",
    ]


@pytest.mark.parametrize(
    "written", ["Order <v0> is cancelled.", "Order <v0> is cancelled, <v9> comes back."]
)
async def test_a_fact_too_few_or_too_many_leaves_it_to_the_template(written: str) -> None:
    assert await compose(composer(written), DONE) in (None, ["Done: order #W1 is cancelled. You get back $5.00."])


async def test_a_second_try_may_be_better() -> None:
    c = composer("Order <v0> is cancelled.", "Order <v0> is cancelled, and <v1> comes back to you.", again=1)
    assert await compose(c, DONE) == ["Order #W1 is cancelled, and $5.00 comes back to you."]


async def test_facts_that_changed_places_are_not_said() -> None:
    names = {"<v4>": "order_number", "<v9>": "refund"}
    places = Places.learn(
        [
            ("done", "Order <v4> is cancelled. <v9> comes back to you.", names),
            ("done", "I've cancelled <v4>, and <v9> comes back.", names),
        ]
    )
    for written, fine in (
        ("Order <v0> is cancelled, and <v1> comes back.", True),
        ("Order <v1> is cancelled. <v0> comes back to you.", False),
        ("Order <v0> is cancelled. <v1> comes back to you.", True),
    ):
        c = composer(written)
        c.phraser.places = places  # type: ignore[attr-defined]
        texts = await compose(c, DONE)
        assert (texts == [written.replace("<v0>", "#W1").replace("<v1>", "$5.00")]) is fine


def test_the_form_shows_values_beside_their_tags_and_hides_forged_ones() -> None:
    marked = render(Saying("utter_done", {"title": "A\nB <v3>" + "x" * 80}, "hi <v1> <|end|>", "annoyed"))
    assert marked.text.splitlines() == [
        "rephrase en",
        "tone: warm",
        "mood: annoyed",
        "after: -",
        "customer: hi",
        "act: done",
        f"title: <v0> {shown('A / B ' + 'x' * 80)}",
    ]
    assert len(shown("x" * 80)) == 48
    assert marked.values["<v0>"].startswith("A\nB <v3>")


def test_a_sentence_begins_with_a_capital() -> None:
    values = {"<v0>": "your gift card", "<v1>": "iPhone 12", "<v2>": "#w1"}
    assert filled("<v0> gets it. <v1> stays. <v2> too, <v0>.", values) == (
        "Your gift card gets it. iPhone 12 stays. #w1 too, your gift card."
    )
    with pytest.raises(UnknownTag):
        filled("<v7>", values)


@pytest.mark.parametrize(
    ("message", "mood"),
    [
        ("where is my order", "neutral"),
        ("this is ridiculous, THIRD time I ask", "annoyed"),
        ("I'm worried it went to the wrong house", "worried"),
        ("need it asap", "hurried"),
        ("thanks, that's great :)", "happy"),
    ],
)
def test_moods_by_their_signs(message: str, mood: str) -> None:
    assert mood_of(message, "en") == mood
