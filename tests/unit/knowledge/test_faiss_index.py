"""The vector index answers as brute force does, whatever was kept, dropped, added and filtered before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.indexes.faiss_index import FaissIndex
from knowledge.ports import Vectors

DIMENSION = 8



def some(count: int, seed: int = 0) -> Vectors:
    found = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def brute_force(truth: Vectors, query: Vectors, limit: int, among: list[int] | None) -> list[float]:
    numbers = range(len(truth)) if among is None else among
    return sorted((float(truth[number] @ query) for number in numbers), reverse=True)[:limit]


STEPS = st.lists(st.one_of(
    st.tuples(st.just("renumber"), st.integers(0, 10_000), st.integers(0, 6)),
    st.tuples(st.just("reopen"), st.just(0), st.just(0)),
), max_size=6)


@pytest.mark.parametrize("lists_from", [10_000, 6])
@settings(max_examples=60, deadline=None)
@given(first=st.integers(0, 14), steps=STEPS, seed=st.integers(0, 10_000), limit=st.integers(1, 15),
       filtered=st.booleans())
def test_search_equals_brute_force(tmp_path_factory: pytest.TempPathFactory, lists_from: int, first: int,
                                   steps: list[tuple[str, int, int]], seed: int, limit: int, filtered: bool) -> None:
    chance, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("index")
    truth = some(first, seed)
    index = FaissIndex.build(truth, lists_from=lists_from)
    for name, step_seed, added in steps:
        if name == "reopen":
            index.write(folder / "vectors.faiss")
            index = FaissIndex.read(folder / "vectors.faiss", len(truth))
            continue
        kept = chance.permutation(len(truth))[:chance.integers(0, len(truth) + 1)]
        more = some(added, step_seed)
        index, truth = index.renumbered(kept, more, lists_from=lists_from), np.concatenate([truth[kept], more])
    query = some(1, seed + 1)[0]
    among = sorted(chance.choice(len(truth), len(truth) // 2, replace=False).tolist()) if filtered else None
    found, scores = index.search(query, limit, None if among is None else np.asarray(among, dtype=np.int64))
    assert len(index) == len(truth) and len(set(found.tolist())) == len(found)
    assert among is None or set(found.tolist()) <= set(among)
    np.testing.assert_allclose(scores, brute_force(truth, query, limit, among), atol=2e-3)   # half floats in the lists
    np.testing.assert_allclose(scores, truth[found] @ query, atol=2e-3)
    np.testing.assert_allclose(index.vectors(np.arange(len(truth))), truth, atol=1e-3)


def test_a_large_index_is_approximate_and_close() -> None:
    vectors = some(6000)
    index = FaissIndex.build(vectors, lists_from=1000)
    assert not index.exact
    hits = 0
    for query in some(50, 1):
        exact = set(np.argsort(-(vectors @ query))[:10].tolist())
        hits += len(exact & set(index.search(query, 10)[0].tolist()))
    assert hits / 500 > 0.95


def test_a_filter_that_leaves_few_of_a_large_index_still_finds_them_all() -> None:
    index = FaissIndex.build(some(9000), lists_from=500)
    few = np.arange(0, 9000, 1000)
    assert set(index.search(some(1, 1)[0], 50, few)[0].tolist()) == set(few.tolist())
    half = np.arange(0, 9000, 2)
    found, _ = index.search(some(1, 1)[0], 4400, half)
    assert len(found) == 4400 and set(found.tolist()) <= set(half.tolist())
    assert len(index.search(some(1, 1)[0], 20, np.empty(0, dtype=np.int64))[0]) == 0


def test_the_same_vectors_make_the_same_index() -> None:
    """So that an index made again answers as before."""
    first, second = (FaissIndex.build(some(3000), lists_from=100) for _ in range(2))
    for query in some(20, 3):
        assert first.search(query, 10)[0].tolist() == second.search(query, 10)[0].tolist()


def test_what_grew_a_lot_is_trained_anew_and_stays_close() -> None:
    vectors, more = some(600), some(6000, 5)
    index = FaissIndex.build(vectors, lists_from=100).renumbered(np.arange(600), more, lists_from=100)
    every = np.concatenate([vectors, more])
    hits = sum(len(set(np.argsort(-(every @ query))[:10].tolist()) & set(index.search(query, 10)[0].tolist()))
               for query in some(30, 6))
    assert hits / 300 > 0.95


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    FaissIndex.build(some(1)).write(tmp_path / "x.faiss")
    with pytest.raises(ValueError, match="1 vectors, not 2"):
        FaissIndex.read(tmp_path / "x.faiss", 2)
    (tmp_path / "x.faiss").write_bytes(b"no index")
    with pytest.raises(ValueError, match=r"x\.faiss"):
        FaissIndex.read(tmp_path / "x.faiss", 2)


@pytest.mark.parametrize("lists_from", [10_000, 4])
def test_changing_a_mapped_index_leaves_its_file_alone(tmp_path: Path, lists_from: int) -> None:
    FaissIndex.build(some(20), lists_from=lists_from).write(tmp_path / "x.faiss")
    before = (tmp_path / "x.faiss").read_bytes()
    opened = FaissIndex.read(tmp_path / "x.faiss", 20)
    changed = opened.renumbered(np.asarray([3, 1]), some(18, 9), lists_from=lists_from)
    assert len(changed) == 20 and (tmp_path / "x.faiss").read_bytes() == before
