"""The traffic that turns are measured with: what it is made of, about real orders, and what counts as served."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import yaml

from benchmarks.mix import MIX, Conversation, each_kind, mix
from bot.demo.generate import generate

KINDS = yaml.safe_load(MIX.read_text(encoding="utf-8"))["kinds"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mix") / "source"
    generate(folder, seed=7, today=date(2026, 11, 2))
    return folder


def test_a_hundred_conversations_have_every_kind_as_often_as_its_weight(source: Path) -> None:
    counts = Counter(conversation.kind for conversation in mix(source, 100))
    assert counts == {kind: how["weight"] for kind, how in KINDS.items()}


def test_the_same_seed_makes_the_same_traffic_and_another_one_another(source: Path) -> None:
    assert mix(source, 50, seed=1) == mix(source, 50, seed=1) != mix(source, 50, seed=2)


def test_every_place_in_a_line_is_filled(source: Path) -> None:
    lines = [line for conversation in mix(source, 300) for line in conversation.lines]
    assert not [line for line in lines if "{" in line or not line.strip()]


def test_no_order_is_changed_by_two_conversations(source: Path) -> None:
    asked = [line for c in mix(source, 400) if c.request and c.kind != "home" for line in c.lines]
    numbers = Counter(word.strip(".?") for line in asked for word in line.split() if word.startswith("#W"))
    assert len(numbers) > 40 and max(numbers.values()) == 1


def test_too_few_orders_are_told_and_not_silently_used_twice(source: Path) -> None:
    with pytest.raises(ValueError, match="too few orders that are"):
        mix(source, 5000)


def test_there_is_one_conversation_of_every_kind(source: Path) -> None:
    assert [conversation.kind for conversation in each_kind(source)] == list(KINDS)


@pytest.mark.parametrize(("expect", "given", "served"), [
    (("done",), ("utter_confirm", "utter_cancel_done"), True), (("done",), ("utter_confirm",), False),
    ((), ("utter_greet",), True), ((), (), False), (("utter_answer",), ("utter_answer", "utter_internal_error"), False)])
def test_served_is_the_right_kind_of_reply_and_no_apology(
        expect: tuple[str, ...], given: tuple[str, ...], served: bool) -> None:
    assert Conversation("any", ("hello",), expect=expect).served(given) is served
