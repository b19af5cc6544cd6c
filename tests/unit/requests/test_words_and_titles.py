"""Words, typos and compounds; the acts of a message; products named by their titles."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions.titles import index_titles
from bot.requests.mentions import Thing, described, find_mentions
from bot.requests.segments import segments
from bot.requests.words import joined, likeness, stem, words
from tests.unit.requests.shelf import GOODS, english

THINGS = [Thing(p.id, p.title, p.variants[0].options, p.category[0]) for p in GOODS]


@pytest.mark.parametrize(("text", "said"), [
    ("500ml", ["500", "ml"]), ("T-Shirt", ["t", "shirt"]), ("Anna's lamp", ["anna", "lamp"]), ("don’t", ["don't"]),
    ("#123 $4.50", ["#123", "$4.50"]), ("café", ["café"]), ("", []), ("!?", []), ("茶壶", ["茶壶"])])
def test_words_are_letters_or_numbers(text, said):
    assert [w.text for w in words(text)] == said


@given(st.text(max_size=100))
def test_words_know_their_places(text):
    found = words(text)
    assert all(text[w.start:w.end] for w in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize(("said", "meant", "alike"), [
    ("lamp", "lamp", 1.0), ("watch", "wristwatch", 0.9), ("keybord", "keyboard", 0.8), ("boot", "lamp", 0.0),
    ("42", "43", 0.0), ("cat", "car", 0.0), ("m", "s", 0.0)])
def test_likeness_of_words(said, meant, alike):
    assert likeness(said, meant) == alike


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_has_no_direction_of_its_own(one, other):
    assert likeness(one, other) == likeness(other, one)
    assert likeness(one, one) == 1.0


def test_stems_and_compounds():
    assert stem("lamps") == stem("lamp")
    book, shelf = words("book shelves")
    assert joined(book, shelf) == stem("bookshelves")


def test_a_language_without_a_stemmer_keeps_its_words():
    assert stem("茶壶", "zh") == "茶壶"


# --- mentions --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "keys"), [
    ("the keyboard", [("KEY",)]), ("lamps and boots", [("LAMP",), ("BOOT",)]), ("a teakettle", [("KET",)]),
    ("my t shirt", [("TEE",)]), ("backpak", [("PACK",)]), ("hello", []), ("", [])])
def test_things_spoken_of(text, keys):
    assert [m.keys for m in find_mentions(text, THINGS, english())] == keys


def test_how_many_are_meant():
    (both,) = find_mentions("both lamps", THINGS, english())
    (two,) = find_mentions("return two lamps", THINGS, english())
    (one,) = find_mentions("the lamp", THINGS, english())
    assert (both.every, two.count, one.every, one.count) == (True, 2, False, None)


def test_a_verb_is_no_thing():
    things = [*THINGS, Thing("W", "Steel Watch", {})]
    assert find_mentions("I was just watching TV", things, english()) == []


def test_descriptions_choose_by_options():
    pair = [Thing("a", "Lamp", {"color": "black"}), Thing("b", "Lamp", {"color": "brass"})]
    assert described("the brass one", pair, english()) == ["b"]
    assert described("the one", pair, english()) == ["a", "b"]


@given(st.text(max_size=120))
def test_mentions_lie_in_the_text_and_mean_something(text):
    for mention in find_mentions(text, THINGS, english()):
        assert 0 <= mention.start < mention.end <= len(text)
        assert mention.keys


# --- acts and titles -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "count"), [
    ("Cancel the lamp and also return the boots. Where is my t-shirt?", 3), ("return the kettle and the boots", 1),
    ("I live at 5 Elm St. Please change it", 1), ("Hi!\nhello\n\nthere", 3), ("  ", 0), ("", 0),
    ("Track my order, then cancel the other one", 2)])
def test_a_message_is_cut_where_another_act_begins(text, count):
    assert len(segments(text, english())) == count


@given(st.text(max_size=150))
def test_no_part_is_empty_and_all_of_it_was_said(text):
    for part in segments(text, english()):
        assert part
        assert "".join(part.split()) in "".join(text.split())


@pytest.mark.parametrize(("text", "found"), [
    ("do you have a tea kettle", ["KET"]), ("t-shirts", ["TEE"]), ("tshirt", ["TEE"]), ("a back pack", ["PACK"]),
    ("zebra", []), ("boots and laptops", ["BOOT", "LAP"]), ("", [])])
def test_products_named_by_their_titles(text, found):
    index = index_titles({p.id: p.title for p in GOODS})
    assert sorted(index.candidates(text)) == found


def test_a_word_in_many_titles_names_none_of_them():
    titles = {str(n): f"Garden Chair {n}" for n in range(100)} | {"x": "Garden Hose"}
    index = index_titles(titles)
    assert index.candidates("garden") == []
    assert index.candidates("garden hose") == ["x"]
    assert len(index.candidates("chair 7", limit=5)) <= 5
