"""What is counted of turns: stages, rungs, and why the gate refused a sentence; labels from closed sets only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from bot.domain.events import UserUttered
from bot.domain.tracker import Tracker
from bot.engine.responses import Responses, parse_responses
from bot.llm.answerer import ExtractiveAnswerer
from bot.llm.calls import ModelCall
from bot.llm.composer import LlmComposer
from bot.llm.phrasers import DraftPhraser
from bot.observer import DROPS, OTHER, RUNGS, STAGES, LogObserver, kind_of
from bot.ports import Act
from tests.unit.engine.desk_flows import Counter as Desk
from tests.unit.engine.desk_flows import message

CLAIMS = Path(__file__).parents[3] / "bot" / "engine"
TEXTS = parse_responses({"utter_cancelled": [{"text": "Order {number} is cancelled. The refund of {amount} goes to you."}]})


def sample(observer: LogObserver, name: str, **labels: str) -> float:
    value = observer.registry.get_sample_value(name, labels)
    assert value is not None, f"{name} {labels} is not there"
    return value


def objections() -> Iterator[str]:
    """Every reason that the gate's code can give, with each of its words in quotation marks standing for some."""
    for path in (CLAIMS / "gate.py", CLAIMS / "claims" / "pairing.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            returned = node.value if isinstance(node, ast.Return) else None
            if isinstance(returned, ast.IfExp):
                returned = returned.body
            if isinstance(returned, ast.Constant) and isinstance(returned.value, str) and returned.value:
                yield returned.value
            elif isinstance(returned, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "money" for part in returned.values]
                yield "".join(map(str, parts))


def test_every_objection_of_the_gate_is_counted_under_a_kind_of_its_own() -> None:
    found = {reason: kind_of(reason) for reason in objections()}
    assert len(found) > 12 and OTHER not in found.values()
    mentioned = {*found.values(), "unsupported", "small_talk"}         # those two are the answerer's
    assert mentioned == {kind for kind, _ in DROPS}


@pytest.mark.parametrize(("reason", "kind"), [
    ("money '$50' is in no fact", "value"), ("currency USD is in no fact", "value"), ("'refund' is in no fact", "word"),
    ("'refund' is promised in no fact", "deed"), ("name 'UPS' is in no fact", "name"),
    ("'cancel' without its condition", "condition"), ("'$5' belongs to #W1, not to #W2", "pairing"), ("?", OTHER)])
def test_kinds(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind


async def test_a_refused_sentence_is_counted_and_not_named() -> None:
    observer = LogObserver()
    model = GenericFakeChatModel(messages=iter([AIMessage(content="Order #W1 is cancelled. You get $77 back, Zebulon.")]))
    composer = LlmComposer(DraftPhraser(ModelCall(model)), Responses({"en": TEXTS}), observer=observer)
    act = Act("utter_cancelled", {"number": "#W1", "amount": "$5.00"})
    tracker = Tracker("c1", last_user=UserUttered("cancel it"))
    await composer.compose([act], [composer.responses.render(act, "en")], tracker, None)
    assert sample(observer, "shopclerk_gate_drops_total", reason="value") == 1
    labels = {label for family in observer.registry.collect() for s in family.samples for label in s.labels.values()}
    assert not {"$77", "Zebulon"} & labels


async def test_a_turns_stages_and_rungs_are_counted() -> None:
    desk, observer = Desk(), LogObserver()


    await replace(desk.engine(), observer=observer).handle(message("hello"))
    for stage in STAGES:
        assert sample(observer, "shopclerk_turn_stage_seconds_count", stage=stage) == 1
    assert sample(observer, "shopclerk_rungs_total", stage="understand", rung="embedded") == 1
    assert sample(observer, "shopclerk_rungs_total", stage="say", rung="template") == 1
    assert (observer.turns, set(observer.stage_ms)) == (1, set(STAGES))


async def test_an_answer_without_a_model_is_the_extractive_rungs() -> None:
    observer = LogObserver()

    class Nothing:
        def answer(self, question: str, evidence: object) -> tuple[()]:
            return ()

    await ExtractiveAnswerer(Nothing(), observer=observer).answer("what?", (), Tracker("c1"))
    assert sample(observer, "shopclerk_rungs_total", stage="answer", rung="extractive") == 1


def test_labels_that_nobody_foresaw_make_no_new_series() -> None:
    observer = LogObserver()
    before = sum(len(family.samples) for family in observer.registry.collect())
    for stage, name in product(("say", "nowhere", "x" * 50), ("llm", "a customer's name")):
        observer.rung(stage, name)
    observer.gate_drop("a reason nobody knows")
    observer.turn_done({"dream": 3.0}, 1)
    assert sum(len(family.samples) for family in observer.registry.collect()) == before
    assert sample(observer, "shopclerk_rungs_total", stage="say", rung=OTHER) == 1
    assert set(RUNGS) == {"understand", "say", "answer"}
