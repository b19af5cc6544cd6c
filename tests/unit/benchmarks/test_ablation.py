"""The ablation's arithmetic and labels; the search itself is tested where it lives."""

from __future__ import annotations

from math import log2

import pytest

from benchmarks.ablation import ARMS, BOTH, Row, read_rows, scored, section, summary
from knowledge.models import Evidence, EvidenceKind


def test_scores_of_one_question() -> None:
    second = scored(["a", "b", "c"], ["b"])
    assert second == {"hit@1": 0.0, "recall@5": 1.0, "ndcg@10": pytest.approx(1 / log2(3)), "mrr@10": 0.5}
    assert scored([], ["b"]) == {"hit@1": 0.0, "recall@5": 0.0, "ndcg@10": 0.0, "mrr@10": 0.0}
    assert scored(["b", "a"], ["b", "a"])["ndcg@10"] == 1.0


def test_a_section_is_named_as_the_labels_name_it() -> None:
    evidence = Evidence("chunk:1", EvidenceKind.DOCUMENT, "No cash", "…", 1.0, source="demo/documents/gift-cards.md",
                        headings=("Gift cards", "No cash"))
    assert section(evidence) == "gift-cards.md#No cash"


def test_gains_are_of_both_over_each_one_alone() -> None:
    rows = [Row("policy", "a", ("x",)), Row("reference", "b", ("y",))]
    good, bad = scored(["x"], ["x"]), scored(["z"], ["x"])
    figures = summary(rows, {name: [good, good] if name == BOTH else [good, bad] for name in ARMS})
    assert figures["all"]["both_minus"]["BM25 alone"]["hit@1"][0] == 0.5
    assert figures["policy"]["both_minus"]["FAISS alone"]["hit@1"] == [0.0, 0.0, 0.0]
    assert figures["reference"]["questions"] == 1


def test_labelled_questions_are_of_known_kinds() -> None:
    rows = read_rows()
    assert len(rows) >= 200
    assert {row.kind for row in rows} == {"policy", "product_search", "product_question", "reference"}
    assert all(row.customer_id for row in rows if row.kind == "reference")
