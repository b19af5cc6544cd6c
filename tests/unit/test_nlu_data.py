"""The shipped English training data: every intent has enough distinct examples, and no example stands for two intents.

It knows the files' form, not the classifier: what is learned from them is measured elsewhere.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NLU = ROOT / "bot" / "assistant" / "en" / "nlu"
HARD = ROOT / "benchmarks" / "data" / "hard_messages.jsonl"

GROUPS: dict[str, frozenset[str]] = {
    "orders": frozenset({
        "cancel_order", "return_items", "exchange_items", "change_items", "change_address", "change_default_address",
        "change_payment", "track_order", "order_details", "order_history", "refund_status", "undo_cancellation",
        "remove_item", "order_totals", "reorder", "invoice_copy", "split_payment", "missing_item_or_damaged",
        "complaint", "case_status"}),
    "products": frozenset({
        "product_search", "product_question", "product_options_count", "availability", "compare_products",
        "cheapest_or_most_expensive", "recommend"}),
    "shop": frozenset({"policy_question", "promotions", "gift_card_balance", "profile_info"}),
    "dialogue": frozenset({
        "affirm", "deny", "cancel_flow", "correct_that", "provide_identity", "dont_know", "no_more", "human_handoff",
        "greet", "goodbye", "thanks", "chitchat", "bot_abilities", "repeat", "insult", "feedback_positive", "wait",
        "choose_option", "give_reason", "except_items"}),
}
IMPORTANT = frozenset({
    "cancel_order", "return_items", "exchange_items", "change_items", "change_address", "change_payment",
    "track_order", "order_details", "refund_status", "order_totals", "missing_item_or_damaged", "complaint",
    "product_search", "product_question", "product_options_count", "availability", "cheapest_or_most_expensive",
    "policy_question", "affirm", "deny", "correct_that", "provide_identity", "human_handoff", "choose_option",
    "give_reason"})
ENTITY_KINDS = frozenset({
    "order_numbers", "emails", "postcodes", "names", "products", "options", "payment", "addresses", "quantities",
    "money", "dates", "reasons", "references", "exclude", "case_numbers", "phones", "customer_ids"})
ASKED = frozenset({None, "items", "confirmation", "identity", "payment_method", "reason", "order"})


def normal(text: str) -> str:
    """Case, punctuation and spacing do not make an example another one. Emoji stay."""
    bare = re.sub(r"[\s.,;:!?'’\"()…-]+", " ", text.casefold()).strip()
    return bare or text.strip()


def load(path: Path) -> dict[str, list[str]]:
    """Intent → its examples, as Rasa reads an nlu.yml."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert document["version"] == "3.1", path.name
    found: dict[str, list[str]] = {}
    for block in document["nlu"]:
        assert set(block) == {"intent", "examples"}, f"{path.name}: {block.get('intent')}"
        lines = block["examples"].splitlines()
        assert all(line.startswith("- ") and line[2:].strip() for line in lines), f"{path.name}: {block['intent']}"
        assert block["intent"] not in found, f"{path.name}: {block['intent']} stands twice"
        found[block["intent"]] = [line[2:].strip() for line in lines]
    return found


@pytest.fixture(scope="module")
def examples() -> dict[str, list[str]]:
    return {intent: texts for path in sorted(NLU.glob("*.yml")) for intent, texts in load(path).items()}


@pytest.fixture(scope="module")
def hard() -> list[dict[str, object]]:
    return [json.loads(line) for line in HARD.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_each_file_holds_its_group_of_intents(group: str) -> None:
    assert set(load(NLU / f"{group}.yml")) == GROUPS[group]


def test_every_intent_has_enough_distinct_examples(examples: dict[str, list[str]]) -> None:
    distinct = {intent: len({normal(t) for t in texts}) for intent, texts in examples.items()}
    assert {i: n for i, n in distinct.items() if n < 25} == {}
    ours = frozenset().union(*GROUPS.values())
    assert {i: n for i, n in distinct.items() if i in ours and n < 28} == {}
    assert {i: n for i, n in distinct.items() if i in IMPORTANT and n < 40} == {}


def test_no_example_stands_twice_within_or_across_intents(examples: dict[str, list[str]]) -> None:
    seen: dict[str, str] = {}
    twice = []
    for intent, texts in examples.items():
        for text in texts:
            if (other := seen.setdefault(normal(text), intent)) != intent or texts.count(text) > 1:
                twice.append((text, other, intent))
    assert twice == []
    assert len(seen) == sum(len(texts) for texts in examples.values())


def test_examples_are_not_multiplied_by_templates(examples: dict[str, list[str]]) -> None:
    """The same first four words open at most three examples of an intent."""
    crowded = {}
    for intent, texts in examples.items():
        openings = Counter(" ".join(normal(t).split()[:4]) for t in texts if len(t.split()) > 4)
        crowded |= {(intent, opening): n for opening, n in openings.items() if n > 3}
    assert crowded == {}


def test_examples_carry_no_entity_markup_and_no_real_mail_domain(examples: dict[str, list[str]]) -> None:
    everything = [t for texts in examples.values() for t in texts]
    assert [t for t in everything if "](" in t] == []
    domains = {m for t in everything for m in re.findall(r"@([\w.]+)", t)}
    assert {d for d in domains if not d.startswith("example.")} == set()


def test_hard_messages_are_well_formed(hard: list[dict[str, object]], examples: dict[str, list[str]]) -> None:
    assert len(hard) >= 320
    intents = frozenset().union(*GROUPS.values()) | {"out_of_scope"}
    for row in hard:
        assert set(row) == {"text", "state", "intents", "entities"}, row
        text, state, wanted, entities = row["text"], row["state"], row["intents"], row["entities"]
        assert isinstance(text, str) and text.strip() and isinstance(state, dict)
        assert state["asked"] in ASKED, row
        assert isinstance(wanted, list) and wanted and set(wanted) <= intents, row
        assert isinstance(entities, dict) and set(entities) <= ENTITY_KINDS, row
        assert all(isinstance(v, str) and v for values in entities.values() for v in values), row
    texts = [normal(str(row["text"])) for row in hard]
    assert [t for t, n in Counter(texts).items() if n > 1] == []
    assert {intent for row in hard for intent in row["intents"]} >= IMPORTANT  # type: ignore[attr-defined]


def test_hard_entities_stand_in_the_text_as_written(hard: list[dict[str, object]]) -> None:
    absent = [(row["text"], kind, value) for row in hard for kind, values in row["entities"].items()  # type: ignore[attr-defined]
              for value in values if value.casefold() not in str(row["text"]).casefold()]
    assert absent == []


def test_hard_messages_were_never_trained_on(hard: list[dict[str, object]], examples: dict[str, list[str]]) -> None:
    trained = {normal(t) for texts in examples.values() for t in texts}
    assert [row["text"] for row in hard if normal(str(row["text"])) in trained] == []
