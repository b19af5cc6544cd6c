"""The language's steering words: how phrases become patterns, what they find, and that no text makes them slow."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests.lexicon import Lexicon, load_lexicon, pattern_of
from knowledge.errors import ConfigError
from tests.unit.requests.shelf import english

SMALL = Lexicon("en", {"yes": ["yes+", "of course"], "colors": {"warm": ["red", "orange"], "cold": ["blue"]},
                       "numbers": {"two": 2, "a": 1}, "stop": ["The", "a"]})


@pytest.mark.parametrize(("text", "found"), [
    ("yes", True), ("YESSS!", True), ("eyes", False), ("yesterday", False), ("of  course", True), ("of\ncourse", True),
    ("offcourse", False), ("(yes)", True), ("", False),
])
def test_a_phrase_is_found_as_whole_words_in_any_case(text, found):
    assert SMALL.said(text, "yes") is found


def test_keys_come_in_the_order_they_were_said():
    assert SMALL.which("blue or orange", "colors") == ["cold", "warm"]
    assert SMALL.which("orange, then blue", "colors") == ["warm", "cold"]
    assert SMALL.which("green", "colors") == []


def test_a_missing_section_finds_nothing():
    assert not SMALL.said("anything", "nowhere")
    assert SMALL.which("anything", "nowhere") == []
    assert SMALL.words("nowhere") == frozenset()


def test_numbers_are_small_and_words_are_lower_case():
    assert [SMALL.number(x) for x in ("two", "Two", "12", "1234", "many")] == [2, 2, 12, None, None]
    assert SMALL.words("stop") == {"the", "a"}


@pytest.mark.parametrize("sign", ["²", "፩", "①"])
def test_a_sign_like_a_number_is_none(sign):
    assert SMALL.number(sign) is None


def test_a_longer_phrase_wins_over_a_shorter_one():
    match = pattern_of(["not", "not any more"]).search("I do not any more")
    assert match is not None
    assert match.group() == "not any more"


@pytest.mark.parametrize(("content", "told"), [
    ("agree: ['(unclosed']", "'agree'"), ("colors: {warm: ['*']}", "'colors'"), ("agree: [", "YAML"),
])
def test_a_wrong_file_is_named(tmp_path, content, told):
    path = tmp_path / "lexicon.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_lexicon(path, "en")
    assert str(path) in str(error.value)
    assert told in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yml"):
        load_lexicon(tmp_path / "nowhere.yml", "en")


@pytest.mark.parametrize(("text", "section", "key"), [
    ("nevermind", "deny", None), ("mastercard", "card_brand", "mastercard"), ("creditcard", "method", "credit_card"),
    ("my giftcard balance", "cues", "gift_card_balance"), ("lastname: Holt", "last_name_after", None),
])
def test_a_space_that_may_be_missing_may_be_missing(text, section, key):
    assert english().said(text, section, key)


# --- hostile text ----------------------------------------------------------------------------------------------------

SIZE, LIMIT_S = 4_000, 0.1            # the guard cuts messages to 4,000 characters before they come here
UNITS = ("a", "A", "a ", " ", "\n", "\t a", "1", "1 ", "1.1,", "the ", "the the if ", "a'a ", "'", "’", "((", "[{(\"'",
         "...", "!?", "-", "_", "é ", "漢", "👍", "#W1 ", "a@a.", "and and ", "no, ", "yes yes ", "please ",
         "the" + " " * 40)


def phrase_lists() -> list[tuple[str, str | None, list[str]]]:
    found = []
    for section, node in english().data.items():
        for key, phrases in (node.items() if isinstance(node, dict) else [(None, node)]):
            if isinstance(phrases, list) and all(isinstance(p, str) for p in phrases):
                found.append((section, key, phrases))
    return found


LISTS = phrase_lists()


def hostile_texts(phrases: list[str]) -> list[str]:
    """Runs of anything, and runs of what the phrases themselves begin with, so that much nearly fits."""
    openings = set()
    for phrase in phrases:
        words = re.findall(r"[a-z']+", re.sub(r"\\\w", "", phrase.lower()))
        openings |= {" ".join(words[:3]) + " ", words[0] + " x "} if words else set()
    return [(unit * (SIZE // len(unit) + 1))[:SIZE] for unit in (*UNITS, *sorted(openings)[:8])]


def seconds(pattern: re.Pattern[str], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for _ in pattern.finditer(text):
            pass
        best = min(best, time.process_time() - start)
        if best < LIMIT_S / 2:
            break
    return best


@pytest.mark.parametrize(("section", "key", "phrases"), LISTS, ids=lambda x: x if isinstance(x, str) else "")
def test_no_message_makes_a_phrase_slow(section, key, phrases):
    pattern = english().pattern(section, key)
    slow = next((t[:20] for t in hostile_texts(phrases) if seconds(pattern, t) > LIMIT_S), None)
    assert slow is None, f"{section}.{key}: {pattern.pattern}"


@settings(max_examples=30)
@given(st.text(max_size=200))
def test_any_text_may_be_looked_at(text):
    for section, key, _ in LISTS[::7]:
        assert english().said(text, section, key) == (english().pattern(section, key).search(text) is not None)
