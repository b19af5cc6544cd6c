"""The sentence that answers is quoted, with its source; where nothing answers, nothing is said."""

from __future__ import annotations

import time

import pytest
from small_shop import ANALYZER

from knowledge.embedders import load_embedder
from knowledge.extract import Extractor
from knowledge.models import Evidence, EvidenceKind
from knowledge.sentences import sentences


def passage(id: str, heading: str, text: str) -> Evidence:
    return Evidence(id, EvidenceKind.DOCUMENT, heading, text, 0.5, source="help.md", headings=("Help", heading))


EVIDENCE = (
    passage("chunk:1", "Sending things back", "You have 45 days to send something back. The label is on us. "
            "Opened tea stays with you."),
    passage("chunk:2", "Delivery", "Parcels reach most places within four business days.\n- Express takes two days\n"
            "- Islands take a week"),
    passage("chunk:3", "Gift cards", "A gift card never expires. It can be used together with a card."),
)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor(load_embedder(), ANALYZER)


@pytest.mark.parametrize(("question", "expected", "source"), [
    ("How many days do I have to send an item back?", "You have 45 days to send something back.", "chunk:1"),
    ("do gift cards expire?", "A gift card never expires.", "chunk:3"),
    ("how long does express delivery take", "Express takes two days", "chunk:2"),
])
def test_the_answering_sentence_is_found(extractor: Extractor, question: str, expected: str, source: str) -> None:
    found = extractor.answer(question, EVIDENCE)
    assert expected in [one.sentence for one in found]
    assert {one.evidence.id for one in found} == {source}
    assert all(0 <= one.score <= 1 for one in found)


@pytest.mark.parametrize("question", ["Who is your chief executive?", "write me a poem", "what is the capital of Peru",
                                      "", "?"])
def test_nothing_is_said_where_nothing_answers(extractor: Extractor, question: str) -> None:
    assert extractor.answer(question, EVIDENCE) == []


def test_without_evidence_there_is_no_answer(extractor: Extractor) -> None:
    assert extractor.answer("do gift cards expire?", []) == []
    assert extractor.answer("do gift cards expire?", [passage("x", "Empty", "  \n---\n")]) == []


@pytest.mark.parametrize(("text", "expected"), [
    ("One. Two! Three?", ["One.", "Two!", "Three?"]),
    ("No printer? The counter has one. Good.", ["No printer? The counter has one.", "Good."]),
    ("Costs $14.90 within the U.S. and more elsewhere.", ["Costs $14.90 within the U.S. and more elsewhere."]),
    ("- first\n- second item\n  goes on\n\nlast", ["first", "second item goes on", "last"]),
    ("1. Open it\n2. Close it", ["Open it", "Close it"]),
    ("e.g. Tents and bags.", ["e.g. Tents and bags."]),
    ("退货免费。七天内。", ["退货免费。", "七天内。"]),
    ("a line\nthat goes on. Next", ["a line that goes on.", "Next"]),
    ("", []), ("***", []),
])
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_hostile_text_is_split_quickly() -> None:
    start = time.perf_counter()
    for piece in (". ", "?", "- ", "a.", "\n", ")", " ", "A. A"):
        sentences(piece * (100_000 // len(piece)))
    assert time.perf_counter() - start < 2
