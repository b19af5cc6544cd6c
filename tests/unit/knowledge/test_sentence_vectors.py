"""What is read again and again is encoded once, known when a shop is opened again, and forgotten when it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedders import HashEmbedder
from knowledge.ingest import ingest
from knowledge.ports import Vectors
from knowledge.sentence_vectors import FOLDER, KnownVectors, load_known, vectors_of
from knowledge.sentences import in_place


class Counting(HashEmbedder):
    """Remembers which texts it was given, in which company."""

    def __init__(self) -> None:
        super().__init__(64)
        self.runs: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.runs.append(list(texts))
        return super().embed(texts)


@pytest.fixture
def inner() -> Counting:
    return Counting()


def test_a_text_is_encoded_once_and_its_vector_stays_the_same(inner: Counting) -> None:
    known = KnownVectors(inner)
    first = known.embed(["tea", "coffee", "tea"])
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(known.embed(["coffee", "tea"]), first[[1, 0]])
    assert inner.runs == [["tea", "coffee"]]
    assert np.allclose(first, HashEmbedder(64).embed(["tea", "coffee", "tea"]), atol=1e-3)


def test_short_texts_are_not_padded_to_a_long_one(inner: Counting) -> None:
    long = "word " * 60
    KnownVectors(inner).embed([long, "a lamp", "a chair"])
    assert inner.runs == [["a lamp", "a chair"], [long]]


def test_what_was_learnt_is_known_when_the_folder_is_opened_again(inner: Counting, tmp_path: Path) -> None:
    path = tmp_path / FOLDER / "hash.npy"
    assert KnownVectors(inner, path).learn(["one sentence.", "another one."]) == 2
    again = KnownVectors(Counting(), path)
    assert again.knows(["one sentence.", "another one."]) and not again.knows(["a third."])
    assert np.allclose(again.embed(["another one."]), HashEmbedder(64).embed(["another one."]), atol=1e-3)


def test_what_is_gone_is_forgotten_and_only_what_is_new_is_encoded(inner: Counting, tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    KnownVectors(inner, path).learn(["old", "kept"])
    fresh = Counting()
    known = KnownVectors(fresh, path)
    assert known.learn(["kept", "new"]) == 1
    assert fresh.runs == [["new"]]
    assert known.knows(["kept", "new"]) and not known.knows(["old"])
    assert KnownVectors(Counting(), path).learn(["new", "kept"]) == 0


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_is_learnt_anew(inner: Counting, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors.npy"
    path.write_bytes(content)
    known = KnownVectors(inner, path)
    assert known.learn(["a sentence."]) == 1
    assert KnownVectors(Counting(), path).knows(["a sentence."])


async def test_known_vectors_need_no_other_thread(inner: Counting) -> None:
    known = KnownVectors(inner)
    first = await vectors_of(known, ["tea"])
    assert np.array_equal(await vectors_of(known, ["tea"]), first)
    assert inner.runs == [["tea"]]


async def test_ingest_encodes_what_documents_say(tmp_path: Path) -> None:
    page = tmp_path / "returns.md"
    page.write_text("# Returns\n\nSend it back within 30 days. The label is on us.\n", encoding="utf-8")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "shopclerk.toml").write_text('embedder = "hash"\n', encoding="utf-8")
    await ingest(tmp_path / "shop", [page])
    known = load_known(tmp_path / "shop", HashEmbedder())
    assert known.knows([in_place("The label is on us.", ("Returns",), "Returns")])
