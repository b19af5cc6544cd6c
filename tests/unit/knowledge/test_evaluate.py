"""Metrics equal their definitions, and a BEIR folder is read, measured and refused as it should be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from knowledge import metrics
from knowledge.embedders import HashEmbedder
from knowledge.errors import DataError
from knowledge.evaluate import evaluate, read_beir

GRADES = {"a": 3, "b": 0, "c": 1}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPCLERK_CACHE", str(tmp_path / "cache"))


def beir(folder: Path) -> Path:
    rows = [("d1", "Rain jacket", "keeps out the rain"), ("d2", "Trail shoes", "for muddy paths"), ("d3", "Cup", ""),
            ("d4", "Jacket patch", "mends a jacket")]
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": id, "title": title, "text": text} for id, title, text in rows]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents))
    queries = [("q1", "rain jacket"), ("q2", "shoes"), ("unjudged", "cup")]
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in queries))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t3\nq1\td4\t1\nq1\td3\t0\n"
                                               "q2\td2\t2\nq2\tgone\t1\n")
    return folder


def test_metrics_by_hand() -> None:
    log = np.log2
    assert metrics.ndcg(["c", "x", "a"], GRADES) == pytest.approx((1 / log(2) + 7 / log(4)) / (7 / log(2) + 1 / log(3)))
    assert metrics.ndcg(["a", "c"], GRADES) == 1 and metrics.ndcg(["a"], {"b": 0}) == 0
    assert metrics.ndcg(["x"] * 10 + ["a"], GRADES) == 0
    assert metrics.reciprocal_rank(["b", "c"], GRADES) == 0.5 and metrics.reciprocal_rank(["b"], GRADES) == 0
    assert metrics.recall(["a", "b", "x"], GRADES) == 0.5 and metrics.recall([], {}) == 0
    assert metrics.judged(["a", "b", "x", "y"], GRADES) == 0.5 and metrics.judged([], GRADES) == 0
    assert metrics.average_precision(["b", "a", "c"], GRADES) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_bootstrap_is_paired_and_repeatable() -> None:
    ours, theirs = [0.5, 0.6, 0.9, 0.4], [0.4, 0.5, 0.8, 0.3]
    difference, low, high = metrics.paired_bootstrap(ours, theirs)
    assert difference == pytest.approx(0.1) and low == pytest.approx(0.1) and high == pytest.approx(0.1)
    noisy = metrics.paired_bootstrap([1, 0, 1, 0, 1], [0, 1, 0, 0, 0])
    assert noisy == metrics.paired_bootstrap([1, 0, 1, 0, 1], [0, 1, 0, 0, 0]) and noisy[1] <= noisy[0] <= noisy[2]
    assert metrics.paired_bootstrap([], []) == (0, 0, 0)


def test_a_full_ranking(tmp_path: Path) -> None:
    out = tmp_path / "predictions.jsonl"
    found = evaluate(beir(tmp_path / "data"), embedder=HashEmbedder(), predictions=out)
    assert {"ndcg@10", "mrr@10", "recall@100", "judged@10", "latency_ms_p50"} <= set(found)
    assert found["mrr@10"] == 1 and found["recall@100"] == 0.75 and found["queries"] == 2
    assert found["bm25"]["low"] <= found["bm25"]["difference"] <= found["bm25"]["high"]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in rows] == ["q1", "q2"] and rows[0]["items"][0] == "d1"


def test_judged_documents_only(tmp_path: Path) -> None:
    out = tmp_path / "predictions.jsonl"
    found = evaluate(beir(tmp_path / "data"), embedder=HashEmbedder(), judged_only=True, predictions=out)
    assert set(found) >= {"map", "ndcg@10", "latency_ms_p50"} and "recall@100" not in found
    rows = {row["id"]: row["items"] for row in map(json.loads, out.read_text().splitlines())}
    assert sorted(rows["q1"]) == ["d1", "d3", "d4"] and rows["q1"][0] == "d1" and rows["q2"] == ["d2"]


def test_vectors_are_kept_between_runs(tmp_path: Path) -> None:
    class Counting(HashEmbedder):
        texts = 0

        def embed(self, texts):  # type: ignore[no-untyped-def]
            Counting.texts += len(texts)
            return super().embed(texts)

    folder = beir(tmp_path / "data")
    evaluate(folder, embedder=Counting())
    first = Counting.texts
    evaluate(folder, embedder=Counting())
    assert Counting.texts - first < first


@pytest.mark.parametrize(("file", "text", "says"), [
    ("corpus.jsonl", '{"_id": "d1", "text": "x"}\nnot json\n', r"corpus\.jsonl:2: is not JSON"),
    ("corpus.jsonl", '{"_id": 7, "text": "x"}\n', r"corpus\.jsonl:1: field '_id'"),
    ("queries.jsonl", '{"_id": "q1"}\n', r"queries\.jsonl:1: field 'text'"),
    ("queries.jsonl", '{"_id": "other", "text": "x"}\n', "no query here"),
    ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\thigh\n", r"test\.tsv:2"),
    ("corpus.jsonl", None, "is not there"),
])
def test_bad_data_is_named(tmp_path: Path, file: str, text: str | None, says: str) -> None:
    folder = beir(tmp_path / "data")
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text)
    with pytest.raises(DataError, match=says):
        read_beir(folder)


def test_the_command_prints_one_json_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    from knowledge import evaluate as module
    from knowledge.commands import subcommand
    from knowledge.search_cli import commands

    monkeypatch.setattr(module, "load_embedder", lambda **_: HashEmbedder())
    app = typer.Typer()
    commands(app, None)
    assert subcommand(app, "evaluate") is subcommand(app, "evaluate")
    done = CliRunner().invoke(app, ["evaluate", "retrieval", "--data", str(beir(tmp_path / "data")), "--json"])
    assert done.exit_code == 0, done.output
    assert "ndcg@10" in json.loads(done.stdout)
