"""The vector index answers as brute force does, whatever was added, replaced, deleted and filtered before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.indexes.faiss_index import FaissIndex
from knowledge.ports import Vectors

DIMENSION = 8
IDS = [f"id-{i}" for i in range(12)]


def vector(seed: int) -> Vectors:
    found = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    unit: Vectors = found / np.linalg.norm(found)
    return unit


STEPS = st.lists(st.one_of(
    st.tuples(st.just("upsert"), st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, 10_000)), max_size=5)),
    st.tuples(st.just("delete"), st.lists(st.sampled_from(IDS), max_size=4)),
    st.tuples(st.just("reopen"), st.just(None)),
), max_size=10)


def play(steps: list[tuple[str, Any]], index: FaissIndex, truth: dict[str, Vectors], folder: Path) -> FaissIndex:
    for name, what in steps:
        if name == "upsert":
            index.upsert([id for id, _ in what], np.stack([vector(seed) for _, seed in what]).astype(np.float32)
                         if what else np.empty((0, DIMENSION), dtype=np.float32))
            truth.update({id: vector(seed) for id, seed in what})
        elif name == "delete":
            assert index.delete(what) == len({id for id in what if id in truth})
            for id in what:
                truth.pop(id, None)
        else:
            index = index.compacted()
            index.write(folder / "vectors.faiss")
            index = FaissIndex.read(folder / "vectors.faiss", index.ids, hnsw_from=index.hnsw_from)
    return index


def brute_force(truth: dict[str, Vectors], query: Vectors, limit: int, allowed: set[str] | None) -> list[float]:
    scores = [float(stored @ query) for id, stored in truth.items() if allowed is None or id in allowed]
    return sorted(scores, reverse=True)[:limit]


@pytest.mark.parametrize("hnsw_from", [10_000, 4])
@settings(max_examples=60, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 10_000), limit=st.integers(1, 15),
       allowed=st.one_of(st.none(), st.sets(st.sampled_from([*IDS, "stranger"]))))
def test_search_equals_brute_force(tmp_path_factory: pytest.TempPathFactory, hnsw_from: int,
                                   steps: list[tuple[str, Any]],
                                   seed: int, limit: int, allowed: set[str] | None) -> None:
    truth: dict[str, Vectors] = {}
    index = play(steps, FaissIndex(DIMENSION, hnsw_from=hnsw_from), truth, tmp_path_factory.mktemp("index"))
    query = vector(seed)
    found = index.search(query, limit, allowed=allowed)
    assert len(index) == len(truth) and set(index.ids) == set(truth)
    assert all(id in truth and (allowed is None or id in allowed) for id, _ in found)
    assert len({id for id, _ in found}) == len(found)
    np.testing.assert_allclose([score for _, score in found], brute_force(truth, query, limit, allowed), atol=1e-5)
    for id, score in found:
        assert score == pytest.approx(float(truth[id] @ query), abs=1e-5)


def test_a_large_index_is_approximate_and_close() -> None:
    vectors = np.stack([vector(seed) for seed in range(3000)])
    index = FaissIndex(DIMENSION, hnsw_from=1000)
    index.upsert([str(i) for i in range(3000)], vectors)
    assert not index.exact
    hits = 0
    for seed in range(50):
        query = vector(100_000 + seed)
        exact = {str(i) for i in np.argsort(-(vectors @ query))[:10]}
        hits += len(exact & {id for id, _ in index.search(query, 10)})
    assert hits / 500 > 0.95


def test_a_filter_that_leaves_few_of_a_large_graph_still_finds_them_all() -> None:
    index = FaissIndex(DIMENSION, hnsw_from=500)
    index.upsert([str(i) for i in range(6000)], np.stack([vector(seed) for seed in range(6000)]))
    allowed = [str(i) for i in range(0, 6000, 1000)]
    assert {id for id, _ in index.search(vector(1), 50, allowed=allowed)} == set(allowed)
    index.delete(allowed)
    assert index.search(vector(1), 50, allowed=allowed) == []
    assert len(index.search(vector(1), 20)) == 20


def test_wrong_shapes_and_unwritable_states_are_refused(tmp_path: Path) -> None:
    index = FaissIndex(DIMENSION)
    with pytest.raises(ValueError, match="need vectors of shape"):
        index.upsert(["a"], np.zeros((2, DIMENSION), dtype=np.float32))
    index.upsert(["a", "b"], np.stack([vector(1), vector(2)]))
    index.delete(["a"])
    with pytest.raises(ValueError, match="compacted"):
        index.write(tmp_path / "x.faiss")
    compact = index.compacted()
    compact.write(tmp_path / "x.faiss")
    with pytest.raises(ValueError, match="1 vectors for 2 ids"):
        FaissIndex.read(tmp_path / "x.faiss", ["b", "c"])


def test_a_mapped_index_takes_new_vectors_without_touching_the_file(tmp_path: Path) -> None:
    index = FaissIndex(DIMENSION)
    index.upsert(["a"], vector(1)[None])
    index.write(tmp_path / "x.faiss")
    before = (tmp_path / "x.faiss").read_bytes()
    opened = FaissIndex.read(tmp_path / "x.faiss", ["a"])
    opened.upsert(["b"], vector(2)[None])
    assert [id for id, _ in opened.search(vector(2), 2)] == ["b", "a"]
    assert (tmp_path / "x.faiss").read_bytes() == before
