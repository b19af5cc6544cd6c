"""The encoder as it serves: exported once, small, deterministic, and without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge import embedders
from knowledge.artifact import read_manifest
from knowledge.embedders import HashEmbedder, MiniLmEmbedder, encoder_folder, load_embedder
from knowledge.errors import DataError, Unavailable


@pytest.fixture(scope="module")
def mini() -> MiniLmEmbedder:
    return load_embedder()


def test_meaning_is_near(mini: MiniLmEmbedder) -> None:
    shoes, sneakers, policy = mini.embed(["red shoes", "a pair of crimson sneakers", "refund policy"])
    assert shoes @ sneakers > 0.5 > 0.3 > shoes @ policy


def test_rows_are_unit_vectors_in_the_order_given(mini: MiniLmEmbedder) -> None:
    texts = ["a cup", "", "a very long text " * 200, "a cup", "ü 防水 🙂"]
    rows = mini.embed(texts)
    assert rows.shape == (5, 384) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    np.testing.assert_array_equal(rows[0], rows[3])
    np.testing.assert_array_equal(mini.embed(["a cup"])[0], rows[0])
    assert mini.embed([]).shape == (0, 384)


def test_token_vectors_leave_out_the_special_tokens(mini: MiniLmEmbedder) -> None:
    red_shoes, nothing = mini.embed_tokens(["red shoes", ""])
    assert red_shoes.shape == (2, 384) and nothing.shape == (0, 384)
    np.testing.assert_allclose(np.linalg.norm(red_shoes, axis=1), 1, atol=1e-4)


def test_batches_hold_texts_of_like_length_and_stay_bounded() -> None:
    encoded = [[0] * length for length in (250, 3, 4, 251, 3)] + [[0] * 200] * 40
    batches = list(embedders._batches(encoded))
    assert sorted(i for batch in batches for i in batch) == list(range(45))
    assert all(len(b) == 1 or len(b) * max(len(encoded[i]) for i in b) <= embedders._BATCH_TOKENS for b in batches)
    assert set(batches[0]) == {1, 2, 4}


def test_the_export_has_a_manifest_that_checks_out() -> None:
    manifest = read_manifest(encoder_folder(), kind="encoder", verify=True)
    assert manifest.settings["dimension"] == 384 and set(manifest.files) == {"model.onnx", "tokenizer.json"}


def test_int8_stays_close_to_the_original(mini: MiniLmEmbedder) -> None:
    """The original runs in a process of its own: torch must not come into this one."""
    texts = ["waterproof trail shoes", "How long can I take to send something back?", "USB hub with four ports"]
    script = ("import sys, json; from sentence_transformers import SentenceTransformer as S;"
              "from knowledge.encoder_export import source_folder as f;"
              "print(json.dumps(S(str(f()), device='cpu').encode(json.loads(sys.argv[1])).tolist()))")
    import json

    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script, json.dumps(texts)], capture_output=True,
                          text=True, check=True)
    original = np.asarray(json.loads(done.stdout.splitlines()[-1]))
    assert ((original * mini.embed(texts)).sum(axis=1) > 0.98).all()


def test_serving_never_imports_torch() -> None:
    script = ("import sys; from knowledge.embedders import load_embedder; load_embedder().embed(['x']);"
              "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shops_own_encoder_wins(tmp_path: Path) -> None:
    assert encoder_folder(tmp_path) == encoder_folder()
    own = tmp_path / "models" / "encoder"
    own.mkdir(parents=True)
    (own / "manifest.json").write_text("{}", encoding="utf-8")
    assert encoder_folder(tmp_path) == own


def test_the_cache_can_be_put_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPCLERK_CACHE", str(tmp_path))
    assert embedders.user_cache() == tmp_path


def test_an_export_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(Unavailable, match="could not be exported"):
        embedders.export_in_own_process(tmp_path / "file" / "encoder")


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no manifest"):
        MiniLmEmbedder(tmp_path)


def test_what_is_asked_again_is_remembered_and_bounded(mini: MiniLmEmbedder) -> None:
    mini.embed(["remember me"])
    assert "remember me" in mini._known
    mini.embed([f"bulk {i}" for i in range(1100)])
    assert "bulk 1" not in mini._known and "remember me" in mini._known


def test_the_hashing_embedder_is_deterministic_and_sees_words() -> None:
    embedder = HashEmbedder()
    rows = embedder.embed(["red shoes", "Red shoe", "blue cup", ""])
    np.testing.assert_array_equal(rows, HashEmbedder().embed(["red shoes", "Red shoe", "blue cup", ""]))
    assert rows[0] @ rows[1] > 0.6 > rows[0] @ rows[2]
    assert not rows[3].any()
