"""The notation of the corpus: what a phrasing stands for, and what is wrong with one that cannot be read."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.corpus.grammar import NotGrammar, count, expand


def every(text: str) -> set[str]:
    rng = random.Random(0)
    return {expand(text, rng) for _ in range(300)}


def test_alternatives_options_and_nesting() -> None:
    assert every("(I've|I have) cancelled it[ for (you|both of you)].") == {
        f"{who} cancelled it{more}." for who in ("I've", "I have") for more in ("", " for you", " for both of you")
    }


def test_brackets_can_be_said() -> None:
    assert every(r"as shown \(in \[days\]\)") == {"as shown (in [days])"}


def test_an_empty_alternative_leaves_no_space_behind() -> None:
    assert every("Done (|now) .") == {"Done.", "Done now."}
    assert every("two (|and) words") == {"two words", "two and words"}


def test_lines_and_facts_stay() -> None:
    assert every("These: \n{orders}") == {"These:\n{orders}"}


@pytest.mark.parametrize("text", ["(a|b", "[a", "a)", "a]", "(a]", "((a|b)"])
def test_a_bracket_without_its_partner_is_named(text: str) -> None:
    with pytest.raises(NotGrammar) as error:
        expand(text, random.Random(0))
    assert text in str(error.value)


def test_ways_are_counted() -> None:
    assert count("(a|b|c) [x] (y|[z|w])") == 3 * 2 * 4


@given(st.text(alphabet="ab ,.!\n{}", max_size=40), st.integers())
def test_plain_text_is_itself_but_for_spaces(text: str, seed: int) -> None:
    assert "".join(expand(text, random.Random(seed)).split()) == "".join(text.split())
