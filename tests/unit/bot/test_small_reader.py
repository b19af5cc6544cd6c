"""The embedded model reads beside the classifier: it may find acts that the classifier misses, and gives no yes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from bot.assistant_files import SHIPPED, load_assistant
from bot.domain import commands as cmd
from bot.domain.message import InboundMessage
from bot.domain.tracker import Frame, Tracker
from bot.llm.forms.understand import OOS, WITH, Candidate, Grammar, Said, clauses, render, reply, word
from bot.nlu.acts import READS, TALK, WRITES
from bot.nlu.language import load_languages
from bot.nlu.reader import EmbeddedReader
from bot.nlu.small_reader import SmallReader, weighed
from bot.ports import Reading
from knowledge.models import Evidence, EvidenceKind

LABELS = tuple(sorted({*WRITES, *READS, *TALK, "affirm", "deny", "choose_option", OOS, WITH}))
ASSISTANT = load_assistant(SHIPPED)
BOOTS = Evidence("line:O1/L1", EvidenceKind.ORDER_LINE, "Trail boots", "", 1.0)


class Unsure:
    """A classifier that finds every act as likely as any other."""

    def classify(self, texts: Sequence[str]) -> list[list[tuple[str, float]]]:
        return [[(label, 1 / len(LABELS)) for label in LABELS if label != WITH] for _ in texts]


class Model:
    """Hears in each clause the act whose words stand in it, and points at candidates that are named."""

    def __init__(self, acts: Mapping[str, str], points: bool = False) -> None:
        self.acts, self.points = acts, points

    async def weigh(self, prompt: str, written: str, ways: Sequence[str]) -> list[float]:
        tag = written.split(" ")[0] if " " not in written else ""
        tag = written[written.rindex("<v") :] if written.endswith(">") else tag
        if written.endswith(">") and ways[0].startswith(" "):
            clause = prompt.split("says:")[1].split(f"{tag} ")[1].split("\n")[0].lower()
            label = next((label for words, label in self.acts.items() if words in clause), WITH)
            return [0.97 if way == f" {word(label)}" else 0.03 / (len(ways) - 1) for way in ways]
        at = 1 if self.points and len(ways) > 1 and not written.endswith(">") else 0
        return [1.0 if n == at else 0.0 for n in range(len(ways))]


class Broken:
    async def weigh(self, prompt: str, written: str, ways: Sequence[str]) -> list[float]:
        raise TimeoutError("too late")


def base() -> EmbeddedReader:
    return EmbeddedReader(Unsure(), ASSISTANT.lexicons, load_languages(ASSISTANT.folder / "languages.yml"))


def read(model: Model | Broken, text: str, tracker: Tracker, evidence: Sequence[Evidence] = ()) -> Reading:
    reader = SmallReader(model, base(), LABELS)
    return asyncio.run(reader.read(InboundMessage("c", text), tracker, evidence))


def customer(asked: str = "", flow: str = "") -> Tracker:
    tracker = Tracker("c", seq=1, turns=1, customer_id="C1")
    if asked:
        tracker.slots["requested_slot"] = asked
        tracker.stack = [Frame("f1", flow, "ask", {"said": []})]
    return tracker


def flows(reading: Reading) -> list[str]:
    return [c.flow for c in reading.commands if isinstance(c, cmd.StartFlow)]


def test_an_indirect_wish_and_a_question_become_two_requests() -> None:
    model = Model({"won't be staying": "return_items", "any sign": "track_order"})
    reading = read(model, "the boots won't be staying with me, and any sign of my jacket?", customer())
    assert flows(reading) == ["return_items", "track_order"]
    assert reading.rung == "llm"


def test_clauses_of_one_act_are_one_request_in_the_customer_s_words() -> None:
    model = Model({"my kid got": "cancel_order", "make it go": "cancel_order"})
    text = "My kid got hold of my phone last night. Please make it go away"
    (start,) = read(model, text, customer()).commands
    assert isinstance(start, cmd.StartFlow)
    assert start.flow == "cancel_order"
    assert start.slots["said"][0]["text"] == text


def test_a_yes_that_only_the_model_hears_is_not_given() -> None:
    reading = read(Model({"whatever": "affirm"}), "whatever you think of it", customer("confirmation", "return_items"))
    assert not any(isinstance(c, cmd.Affirm) for c in reading.commands)


def test_a_yes_that_the_words_give_is_given() -> None:
    reading = read(Model({"yes": "affirm"}), "yes, go ahead", customer("confirmation", "return_items"))
    assert reading.commands == (cmd.Affirm(),)


def test_it_points_at_what_was_retrieved() -> None:
    model = Model({"won't be staying": "return_items"}, points=True)
    reading = read(model, "the boots won't be staying with me", customer(), [BOOTS])
    assert {"entity": "evidence", "value": BOOTS.id} in reading.entities
    (start,) = reading.commands
    assert isinstance(start, cmd.StartFlow)
    assert start.slots["said"][0]["points"] == ["O1/L1"]


@pytest.mark.parametrize("text", ["the boots won't be staying with me", "yes", "???", ""])
def test_without_an_answer_of_the_model_the_classifier_reads_alone(text: str) -> None:
    alone = asyncio.run(base().read(InboundMessage("c", text), customer(), ()))
    assert read(Broken(), text, customer()) == alone


def test_another_language_is_not_given_to_the_model() -> None:
    text = "Wo bleibt meine Bestellung, ich warte seit zwei Wochen auf das Paket"
    assert read(Model({"wo": "track_order"}), text, customer()).commands == (cmd.CannotHandle("language:de"),)


def test_the_pool_of_two_readings_adds_up_to_one() -> None:
    mixed = weighed({"a": 0.9, "b": 0.1, "c": 0.0}, {"a": 0.2, "b": 0.8}, (0.7, 0.7))
    assert sum(mixed.values()) == pytest.approx(1)
    assert mixed["a"] > mixed["b"]
    assert "c" not in mixed


def test_the_grammar_allows_no_act_and_no_candidate_that_is_not_there() -> None:
    said = Said("I won't keep the boots and where is my jacket", candidates=(Candidate("L1", "Trail boots", "bought"),))
    asking = render(said)
    grammar = Grammar(asking, LABELS)
    text = reply(asking, [(["return_items"], ["<v16>"]), (["track_order"], [])])
    assert text == "<v0> returnitems<v16><v1> trackorder"
    found = grammar.read(text)
    assert found is not None
    assert [(c.labels, c.ids) for c in found] == [(("return_items",), ("L1",)), (("track_order",), ())]
    assert all(grammar.begins(text[:n]) for n in range(len(text)))
    for wrong in ("<v0> refundall<v1> trackorder", "<v0> returnitems<v9><v1> trackorder", "<v1> trackorder",
                  "<v0> returnitems", "<v0><v1> trackorder", "cancel it", text + "<v0>", text + " trackorder wait"):
        assert grammar.read(wrong) is None, wrong


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hi, where is my order", ["hi, where is my order"]),
        ("Yes. And cancel the other one", ["Yes.", "And cancel the other one"]),
        ("return the red boots, and by the way where is my lamp", ["return the red boots", "and by the way where is my lamp"]),
        ("", [""]),
    ],
)
def test_where_a_message_is_cut(text: str, parts: list[str]) -> None:
    assert clauses(text) == parts
