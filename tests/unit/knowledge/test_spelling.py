"""Words that were meant: the letters a word holds narrow the choice and never lose the word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from knowledge.spelling import Speller
from knowledge.terms import TermTable, letters_of

_WORDS = st.text("abcdpqé0169-", min_size=1, max_size=9)


@given(st.lists(_WORDS, min_size=1, max_size=12, unique=True))
def test_a_table_knows_the_letters_of_its_words(words: list[str]) -> None:
    assert TermTable.of(words).letters().tolist() == [letters_of(word) for word in words]


@given(_WORDS, _WORDS)
def test_each_slip_changes_two_letters_at_most(one: str, other: str) -> None:
    assert (letters_of(one) ^ letters_of(other)).bit_count() <= 2 * OSA.distance(one, other)


def test_an_empty_word_holds_nothing() -> None:
    assert TermTable.of(["", "b", ""]).letters().tolist() == [0, letters_of("b"), 0]


def test_a_misspelt_word_is_mended() -> None:
    speller = Speller.of({"jacket": 9, "racket": 2, "trousers": 5})
    assert [speller.mend(word) for word in ("jakcet", "jackt", "trosuers", "jacket", "xylophone")] == [
        "jacket", "jacket", "trousers", None, None]
