"""What FAISS and BM25 each earn on the demo shop: one off, the other off, both on, over 300 labelled questions.

Run: `python -m benchmarks.ablation [--json]`. Each question searches only the kind of thing it asks about (documents,
products, or the customer's own order lines under the owner filter), ten deep, through the search that serves customers;
the two switches are the settings `[index] dense` and `lexical`. A fourth row leaves the wishes in a product query
("under 50", "size L") unread, which is no setting. Intervals: paired bootstrap over the questions, 95 %.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.demo_folder import ROOT, demo_folder
from knowledge.config import IndexSettings, load_knowledge_settings
from knowledge.index_build import SearchBundle, load_search
from knowledge.metrics import ndcg, paired_bootstrap, recall, reciprocal_rank
from knowledge.models import Evidence, EvidenceKind
from knowledge.ports import Constraints

QUESTIONS = ROOT / "benchmarks" / "data" / "demo_questions.jsonl"
BOTH = "both"
METRICS = ("hit@1", "recall@5", "ndcg@10", "mrr@10")
DEPTH = 10
Scores = dict[str, list[float]]            # metric → one value per question


@dataclass(frozen=True, slots=True)
class Arm:
    index: IndexSettings
    wishes: bool = True                    # whether filters are read out of the query


ARMS: Mapping[str, Arm] = {
    "BM25 alone": Arm(IndexSettings(dense=False)), "FAISS alone": Arm(IndexSettings(lexical=False)),
    BOTH: Arm(IndexSettings()), "both, wishes unread": Arm(IndexSettings(), wishes=False)}


@dataclass(frozen=True, slots=True)
class Row:
    kind: str
    query: str
    relevant: tuple[str, ...]
    customer_id: str = ""


def read_rows(path: Path = QUESTIONS) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [Row(r["kind"], r["query"], tuple(r["relevant"]), r.get("customer_id", "")) for r in found]


async def ranked(bundle: SearchBundle, row: Row, wishes: bool = True) -> list[str]:
    """What was found, best first, named as the labels name it."""
    if row.kind == "reference":
        return _distinct(e.ref for e in await bundle.order_lines.search_lines(row.customer_id, row.query, limit=DEPTH))
    if row.kind == "policy":
        found = await bundle.search.search(row.query, kinds=(EvidenceKind.DOCUMENT,), limit=DEPTH)
        return _distinct(section(e) for e in found)
    found = await bundle.search.search(row.query, kinds=(EvidenceKind.PRODUCT,), limit=DEPTH,
                                       constraints=None if wishes else Constraints())
    return _distinct(e.ref for e in found)


def section(evidence: Evidence) -> str:
    """"returns.md#No cash": the file and the last heading."""
    return f"{Path(evidence.source).name}#{evidence.headings[-1] if evidence.headings else ''}"


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def scored(found: Sequence[str], relevant: Sequence[str]) -> dict[str, float]:
    """hit@1, recall@5, nDCG@10 and the reciprocal rank within ten, each 0 to 1; all labels weigh the same."""
    grades = dict.fromkeys(relevant, 1)
    return {"hit@1": float(found[:1] != [] and found[0] in grades), "recall@5": recall(found, grades, 5),
            "ndcg@10": ndcg(found, grades, DEPTH), "mrr@10": reciprocal_rank(found, grades, DEPTH)}


async def measure(folder: Path, rows: Sequence[Row], arm: Arm) -> list[dict[str, float]]:
    """One set of values per question, in their order."""
    settings = load_knowledge_settings(folder).model_copy(update={"index": arm.index})
    bundle = load_search(folder, settings)
    try:
        return [scored(await ranked(bundle, row, arm.wishes), row.relevant) for row in rows]
    finally:
        await bundle.close()


def summary(rows: Sequence[Row], by_arm: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, Any]:
    """Per kind and for all: per arm the means, and what both on gains over each one alone."""
    groups = {"all": list(range(len(rows)))}
    for place, row in enumerate(rows):
        groups.setdefault(row.kind, []).append(place)
    return {kind: _of_group(places, by_arm) for kind, places in groups.items()}


def _of_group(places: Sequence[int], by_arm: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, Any]:
    values = {arm: {m: [found[p][m] for p in places] for m in METRICS} for arm, found in by_arm.items()}
    means = {arm: {m: round(sum(v) / len(v), 4) for m, v in of.items()} for arm, of in values.items()}
    gains = {arm: {m: [round(x, 4) for x in paired_bootstrap(values[BOTH][m], values[arm][m])] for m in METRICS}
             for arm in by_arm if arm != BOTH}
    return {"questions": len(places), "means": means, "both_minus": gains}


def print_table(figures: Mapping[str, Any], console: Console) -> None:
    table = Table("questions", "search", *METRICS, "both − this, nDCG@10", "both − this, hit@1",
                  title="FAISS and BM25, one off at a time")
    for kind, of in figures.items():
        for arm, means in of["means"].items():
            gain = of["both_minus"].get(arm)
            gains = [_interval(gain[m]) for m in ("ndcg@10", "hit@1")] if gain else ["", ""]
            first, last = next(iter(ARMS)), list(ARMS)[-1]
            table.add_row(f"{kind} ({of['questions']})" if arm == first else "", arm,
                          *(f"{means[m]:.3f}" for m in METRICS), *gains, end_section=arm == last)
    console.print(table)


def _interval(gain: Sequence[float]) -> str:
    return f"{gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}]".replace("-", "−")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--failures", type=Path, help="JSON Lines: what is not among the first five of both")
    arguments = parser.parse_args()
    folder, rows = demo_folder(), read_rows()
    by_arm = {name: asyncio.run(measure(folder, rows, arm)) for name, arm in ARMS.items()}
    figures = summary(rows, by_arm)
    if arguments.failures:
        missed = [asdict(row) for row, of in zip(rows, by_arm[BOTH], strict=True) if of["recall@5"] == 0]
        arguments.failures.write_text("".join(json.dumps(row) + "\n" for row in missed), encoding="utf-8")
    if arguments.json:
        print(json.dumps(figures))
    else:
        print_table(figures, Console(width=140))


if __name__ == "__main__":
    main()
