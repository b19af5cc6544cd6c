"""BM25 over arrays equals the formula, stays the same from disk, and reads scripts without spaces."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.analysis import Analyzer, fold, squeeze
from knowledge.lexical import Bm25Settings, LexicalIndex, best
from knowledge.lexical_build import build_lexical
from knowledge.lexicon import load_lexicon

ANALYZER = load_lexicon().analyzer()
ROWS = [("Red running shoes", "shoes for running"), ("Blue jacket", "keeps the rain out"), ("Running jacket", ""),
        ("", "")]


def by_formula(rows: list[tuple[str, str]], terms: list[str], row: int, s: Bm25Settings) -> float:
    """Okapi BM25 as in the books, with a title word counted `title_weight` times."""
    analyzed = [(ANALYZER.terms(title), ANALYZER.terms(body)) for title, body in rows]
    lengths = [s.title_weight * len(title) + len(body) for title, body in analyzed]
    mean = sum(lengths) / len(lengths) or 1.0
    total = 0.0
    for term in set(terms):
        seen = sum(term in title or term in body for title, body in analyzed)
        title, body = analyzed[row]
        tf = s.title_weight * title.count(term) + body.count(term)
        norm = s.k1 * (1 - s.b + s.b * lengths[row] / mean)
        total += math.log1p((len(rows) - seen + 0.5) / (seen + 0.5)) * tf * (s.k1 + 1) / (norm + tf)
    return total


WORDS = st.lists(st.sampled_from(["red", "shoe", "jacket", "rain", "blue", "running", "cup"]), max_size=6).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8), query=WORDS,
       weight=st.sampled_from([1.0, 2.5]), k1=st.sampled_from([0.6, 1.2]))
def test_scores_equal_the_formula(rows: list[tuple[str, str]], query: str, weight: float, k1: float) -> None:
    chosen = Bm25Settings(k1=k1, title_weight=weight)
    index = build_lexical(rows, ANALYZER, chosen)
    terms = ANALYZER.terms(query)
    expected = [by_formula(rows, terms, row, chosen) for row in range(len(rows))]
    np.testing.assert_allclose(index.scores(terms), expected, rtol=1e-4, atol=1e-5)
    assert (index.scores(terms) <= index.best_possible(terms) + 1e-4).all()


LISTS = st.lists(st.lists(st.sampled_from(["red", "shoe", "jacket", "rain", "cup", "unheard"]), max_size=4), max_size=3)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(0, 60), readings=LISTS, limit=st.integers(0, 12),
       filtered=st.booleans())
def test_lists_that_are_only_looked_up_in_change_nothing(seed: int, size: int, readings: list[list[str]], limit: int,
                                                         filtered: bool) -> None:
    chance = np.random.default_rng(seed)
    common = ["red"] * 30 + ["shoe"] * 12 + ["jacket"] * 4 + ["rain", "cup"]     # long lists and short ones
    rows = [("", " ".join(chance.choice(common, chance.integers(0, 9)))) for _ in range(size)]
    index = build_lexical(rows, ANALYZER)
    among = chance.random(size) < 0.5 if filtered else None
    every = np.arange(size)
    shares = index.shares_of(readings, every)
    if among is not None:
        shares = np.where(among, shares, 0)
    found, scores = index.best_shares(readings, limit, among)
    expected = best(shares, limit)
    expected = expected[shares[expected] > 0]
    np.testing.assert_allclose(scores, shares[expected], rtol=1e-5)
    np.testing.assert_allclose(scores, shares[found], rtol=1e-5)
    assert len(set(found.tolist())) == len(found)
    for terms in readings:
        np.testing.assert_allclose(index.scores_of(terms, every), index.scores(terms), rtol=1e-5)


def test_best_rows_come_first_and_a_filter_holds() -> None:
    index = build_lexical(ROWS, ANALYZER)
    rows, scores = index.search(ANALYZER.terms("running jacket"), 10)
    assert rows.tolist() == [2, 0, 1] or rows.tolist() == [2, 1, 0]
    assert (np.diff(scores) <= 0).all()
    assert index.search(ANALYZER.terms("jacket"), 10, np.asarray([0, 1]))[0].tolist() == [1]
    assert index.search(["unheard"], 10)[0].tolist() == []
    assert index.rows_with(ANALYZER.stem("jackets")).tolist() == [1, 2]


def test_from_disk_it_is_the_same_and_mapped(tmp_path: Path) -> None:
    index = build_lexical(ROWS, ANALYZER)
    index.write(tmp_path)
    opened = LexicalIndex.read(tmp_path)
    terms = ANALYZER.terms("red running jacket")
    np.testing.assert_array_equal(opened.scores(terms), index.scores(terms))
    assert isinstance(opened.arrays["post_weight"].base, np.memmap)
    assert opened.term_counts() == index.term_counts()


def test_an_empty_index_can_be_kept_and_asked(tmp_path: Path) -> None:
    build_lexical([], ANALYZER).write(tmp_path)
    opened = LexicalIndex.read(tmp_path)
    assert opened.size == 0 and opened.search(["red"], 5)[0].tolist() == []


@given(st.lists(st.sampled_from([0.0, 0.5, 0.5, 1.0, 2.0]), max_size=30), st.integers(0, 35))
def test_best_equals_a_stable_sort(scores: list[float], limit: int) -> None:
    array = np.asarray(scores, dtype=np.float32)
    assert best(array, limit).tolist() == np.argsort(-array, kind="stable")[:limit].tolist()


@pytest.mark.parametrize(("text", "words"), [
    ("TR3-RED-42", ["tr3red42", "tr3", "red", "42"]),
    ("Café", ["cafe"]),
    ("men's shoes", ["mens", "men", "shoes"]),
    ("the 6.2 inch", ["62", "6", "2", "inch"]),
    ("防水夹克", ["防水", "水夹", "夹克"]),
    ("", []), ("--- !!", []),
])
def test_words(text: str, words: list[str]) -> None:
    assert ANALYZER.words(text) == words


def test_plural_and_accents_are_one_word() -> None:
    assert ANALYZER.terms("jackets") == ANALYZER.terms("Jacket")
    assert fold("Ärger ﬁn") == "arger fin" and squeeze("Light-Blue 2") == "lightblue2"
    assert Analyzer("").terms("running shoes") == ["running", "shoes"]


def test_hostile_text_is_read_quickly() -> None:
    import time

    start = time.perf_counter()
    for text in ("a-" * 50_000, "a'" * 50_000, "1." * 50_000, "防" * 50_000, "\u202e" * 100_000, "é" * 100_000):
        ANALYZER.terms(text)
    assert time.perf_counter() - start < 3
