"""Words and facets as arrays find what a dictionary finds, also after words were dropped and added."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.facets import FacetBuilder, Facets
from knowledge.spelling import Speller
from knowledge.terms import TermTable, ragged

TERMS = st.lists(st.text(max_size=6), unique=True, max_size=20)


@settings(max_examples=60, deadline=None)
@given(terms=TERMS, more=TERMS, asked=st.text(max_size=6), seed=st.integers(0, 99))
def test_a_table_is_a_dictionary(tmp_path_factory: object, terms: list[str], more: list[str], asked: str,
                                 seed: int) -> None:
    folder = tmp_path_factory.mktemp("terms")  # type: ignore[attr-defined]
    numbers = np.random.default_rng(seed).permutation(len(terms))[:len(terms) // 2]
    fresh = [one for one in more if one not in {terms[n] for n in numbers}]
    taken = TermTable.of(terms).taking(numbers, fresh)
    taken.write(folder, "words")
    expected = [terms[n] for n in numbers] + fresh
    for table in (taken, TermTable.read(folder, "words")):
        assert list(table) == expected == [table[n] for n in range(len(table))]
        for term in {*terms, *more, asked}:
            assert table.number(term) == (expected.index(term) if term in expected else None)


def test_shapes_count_characters_not_bytes() -> None:
    lengths, first, last = TermTable.of(["cup", "", "ärger", "防水"]).shapes()
    assert lengths.tolist() == [3, 0, 5, 2]
    assert first.tolist()[:2] == [ord("c"), 0] and last.tolist()[:2] == [ord("p"), 0]
    assert Speller.of({"ärgerlich": 1}).mend("argerlich") == "ärgerlich"


def test_ragged_stretches() -> None:
    assert ragged(np.asarray([5, 0, 9]), np.asarray([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
    assert ragged(np.asarray([], dtype=np.int64), np.asarray([], dtype=np.int64)).tolist() == []


ROWS = st.lists(st.sets(st.sampled_from(["owner:A", "owner:B", "brand:x", "size=1"])), max_size=8)


@settings(max_examples=60, deadline=None)
@given(old=ROWS, new=ROWS, seed=st.integers(0, 99))
def test_facets_of_kept_and_new_rows(old: list[set[str]], new: list[set[str]], seed: int) -> None:
    first = FacetBuilder(None)
    for row, names in enumerate(old):
        first.add(row, names)
    older = first.finish(np.empty(0, dtype=np.int64), np.arange(len(old)))
    chance = np.random.default_rng(seed)
    places = chance.permutation(len(old) + len(new))
    place_of_old, place_of_new = places[:len(old)].copy(), places[len(old):]
    gone = chance.random(len(old)) < 0.4
    place_of_old[gone] = -1
    second = FacetBuilder(older)
    for row, names in enumerate(new):
        second.add(row, names)
    found: Facets = second.finish(place_of_old, place_of_new)
    for name in ("owner:A", "owner:B", "brand:x", "size=1", "stranger"):
        expected = [int(place_of_old[n]) for n, names in enumerate(old) if name in names and not gone[n]]
        expected += [int(place_of_new[n]) for n, names in enumerate(new) if name in names]
        assert found.rows(name).tolist() == sorted(expected)
