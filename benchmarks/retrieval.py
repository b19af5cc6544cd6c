"""Retrieval side by side on a BEIR folder: words, meaning, a plain weighted sum, ours, ours with a closer look.

Run: `python -m benchmarks.retrieval BEIR_FOLDER`. Each row has its paired 95 % interval against plain stemmed BM25
(10,000 bootstrap rounds over the queries) and the share of the top ten that anybody judged.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from knowledge.embedders import load_embedder
from knowledge.evaluate import Measured, Rig, measure, read_beir
from knowledge.fusion import FusionSettings
from knowledge.metrics import paired_bootstrap
from knowledge.rerankers import LateInteraction
from knowledge.retriever import ShelfRanker


@dataclass(frozen=True, slots=True)
class System:
    name: str
    rig: Rig
    ranker: ShelfRanker


def systems(rig: Rig, encoder: LateInteraction) -> list[System]:
    half = FusionSettings(keywords=0.5, sentence=0.5, given=0.5)
    plain = rig.with_plain_words()
    return [
        System("BM25, stemmed", plain, ShelfRanker(dense=False)),
        System("BM25, our settings", rig, ShelfRanker(dense=False)),
        System("MiniLM int8", rig, ShelfRanker(lexical=False)),
        System("half and half", replace(rig, shelf=plain.shelf), ShelfRanker(half)),
        System("ours", rig, ShelfRanker()),
        System("ours + late inter.", rig, ShelfRanker(reranker=encoder)),
    ]


def table(rig: Rig, encoder: LateInteraction, *, judged_only: bool) -> None:
    metric = "map" if judged_only else "ndcg@10"
    baseline: Measured | None = None
    title = "each query ranks its judged documents" if judged_only else "full ranking"
    print(f"{title}\n{'':20}{metric:>8}{'Δ BM25':>9}{'95 % interval':>20}{'judged@10':>11}{'p50 ms':>8}")
    for system in systems(rig, encoder)[:5 if judged_only else None]:
        found = measure(system.rig, system.ranker, judged_only=judged_only)
        baseline = baseline or found
        delta, low, high = paired_bootstrap(found.per_query[metric], baseline.per_query[metric])
        judged = found.values.get("judged@10", "")
        print(f"{system.name:20}{found.values[metric]:8.3f}{delta:+9.3f}{f'[{low:+.3f}, {high:+.3f}]':>20}{judged:>11}"
              f"{found.values['latency_ms_p50']:8.1f}")


def main(folder: Path) -> None:
    embedder = load_embedder()
    data = read_beir(folder)
    print(f"{len(data.documents)} documents, {len(data.queries)} queries")
    rig = Rig.build(data, embedder)
    for judged_only in (False, True):
        table(rig, LateInteraction(embedder), judged_only=judged_only)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
