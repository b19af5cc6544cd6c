"""A model reads messages, and is believed only as far as the message, the flows and the evidence bear it out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from bot.domain import commands as cmd
from bot.domain.flow import Flow, parse_flow
from bot.domain.message import InboundMessage
from bot.domain.tracker import Frame, Tracker
from bot.llm.calls import ModelCall
from bot.llm.commands import CommandWriter
from bot.nlu.llm_reader import LlmReader
from bot.ports import Reading
from knowledge.models import Evidence, EvidenceKind

FLOWS: dict[str, Flow] = {
    name: parse_flow(name, {"kind": kind, "steps": [{"action": "a"}]})
    for name, kind in (("cancel_order", "write"), ("return_items", "write"), ("track_order", "read"))
}
TEXT = "Please cancel order #W5918442, I ordered it by mistake, and where is my blue lamp?"
LAMP = Evidence("line:O1/L1", EvidenceKind.ORDER_LINE, "Blue lamp", "", 1.0)
EMBEDDED = Reading((cmd.CannotHandle("embedded"),), 0.5)


class Embedded:
    async def read(self, message: InboundMessage, tracker: Tracker, evidence: Sequence[Evidence]) -> Reading:
        return EMBEDDED


def reader(*answers: Any) -> LlmReader:
    texts = [answer if isinstance(answer, str) else json.dumps({"commands": answer}) for answer in answers]
    call = ModelCall(GenericFakeChatModel(messages=iter([AIMessage(content=text) for text in texts])))
    return LlmReader(CommandWriter(call, FLOWS), Embedded(), FLOWS)


async def read(answer: Any, text: str = TEXT, tracker: Tracker | None = None) -> Reading:
    return await reader(answer).read(InboundMessage("c1", text), tracker or Tracker("c1"), [LAMP])


async def test_several_wishes_become_flows_with_the_customers_words() -> None:
    reading = await read(
        [
            {"command": "StartFlow", "flow": "cancel_order", "text": "cancel order #W5918442, I ordered it by mistake"},
            {
                "command": "StartFlow",
                "flow": "track_order",
                "text": "where is my blue lamp?",
                "evidence": ["line:O1/L1"],
            },
        ]
    )
    assert reading.commands == (
        cmd.StartFlow(
            "cancel_order", {"said": [{"mode": "add", "text": "cancel order #W5918442, I ordered it by mistake"}]}, 0.85
        ),
        cmd.StartFlow("track_order", {"said": [{"text": "where is my blue lamp?"}]}, 0.85),
    )
    assert reading.entities == ({"entity": "evidence", "value": "line:O1/L1"},)


async def test_words_the_customer_did_not_say_give_way_to_the_message() -> None:
    reading = await read([{"command": "StartFlow", "flow": "cancel_order", "text": "cancel order #W0000001"}])
    assert reading.commands[0].slots["said"][0]["text"] == TEXT  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "answer",
    [
        [{"command": "StartFlow", "flow": "delete_shop", "text": "x"}],
        [{"command": "StartFlow", "flow": "track_order", "text": "lamp", "evidence": ["line:O9/L9"]}],
        [{"command": "Identify", "claims": {"email": "someone@else.example"}}],
        [{"command": "Identify", "claims": {"password": "cancel"}}],
        [{"command": "Clarify", "options": ["cancel_order", "no_such_flow"]}],
        [{"command": "AmendRequest", "mode": "add", "text": "lamp"}],
        [{"command": "DropTables"}],
        [],
        [{"command": "Repeat"}] * 9,
        "I would cancel the order.",
        '{"commands": "all of them"}',
    ],
)
async def test_nonsense_is_left_to_the_embedded_reader(answer: Any) -> None:
    assert await read(answer) == EMBEDDED


async def test_claims_must_stand_in_the_message() -> None:
    text = "I'm Ana Ruiz, ana@example.com, order number w5918442"
    claims = {"first_name": "Ana", "last_name": "Ruiz", "email": "ana@example.com", "order_number": "#W5918442"}
    assert (await read([{"command": "Identify", "claims": claims}], text)).commands == (cmd.Identify(claims),)
    known = Tracker("c1", customer_id="C7")
    assert await read([{"command": "Identify", "claims": claims}], text, known) == EMBEDDED


@pytest.mark.parametrize(
    "slots", [{"requested_slot": "confirmation"}, {"offer": {"flow": "cancel_order", "slots": {}}}]
)
async def test_a_yes_to_a_card_or_an_offer_is_never_a_models_to_give(slots: dict[str, Any]) -> None:
    tracker = Tracker("c1", slots=slots, stack=[Frame("f1", "cancel_order")])
    assert await read([{"command": "Affirm"}], "hmm", tracker) == EMBEDDED


async def test_an_answer_to_what_was_asked_amends_the_request() -> None:
    tracker = Tracker("c1", slots={"requested_slot": "reason"}, stack=[Frame("f1", "cancel_order")])
    expected = (cmd.AmendRequest("set", {"text": "by mistake", "asked": "reason"}),)
    for name in ("SetSlot", "CorrectSlot"):
        assert (await read([{"command": name, "text": "by mistake"}], "by mistake", tracker)).commands == expected
    again = await read([{"command": "StartFlow", "flow": "cancel_order", "text": "by mistake"}], "by mistake", tracker)
    assert again.commands == (cmd.AmendRequest("add", {"text": "by mistake", "asked": "reason"}),)


async def test_buttons_and_other_languages_go_to_the_embedded_reader() -> None:
    r = reader([{"command": "Repeat"}])
    assert await r.read(InboundMessage("c1", "x", payload="/handoff"), Tracker("c1"), []) == EMBEDDED
    assert await r.read(InboundMessage("c1", "你好"), Tracker("c1", locale="zh"), []) == EMBEDDED


async def test_failures_are_counted_and_a_broken_model_is_left_alone() -> None:
    r = reader()  # has nothing to say: every call fails
    for _ in range(6):
        assert await r.read(InboundMessage("c1", TEXT), Tracker("c1"), []) == EMBEDDED
    assert r.failures == 6


async def test_small_talk_people_and_questions() -> None:
    reading = await read(
        [
            {"command": "Chitchat", "topic": "thanks"},
            {"command": "Chitchat", "topic": "astrology"},
            {"command": "AskKnowledge", "text": "where is my blue lamp?"},
            {"command": "SearchProducts", "text": "blue lamp"},
            {"command": "HumanHandoff"},
            {"command": "CannotHandle", "reason": "whatever"},
        ]
    )
    assert reading.commands == (
        cmd.Chitchat("thanks"),
        cmd.Chitchat("chitchat"),
        cmd.AskKnowledge("where is my blue lamp?"),
        cmd.SearchProducts("blue lamp"),
        cmd.HumanHandoff(TEXT),
        cmd.CannotHandle("unclear"),
    )
