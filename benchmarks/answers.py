"""Extractive answers on the demo shop's documents: how often the right sentence is quoted, and how often nothing is.

Run: `python -m benchmarks.answers STORE` with a folder into which the demo shop was ingested. Every second question
calibrates the threshold, the rest is reported apart. An answer is right when what is said holds the expected words.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from knowledge.config import load_knowledge_settings
from knowledge.extract import Extractor, ExtractSettings
from knowledge.index_build import load_search
from knowledge.lexicon import load_lexicon
from knowledge.models import Evidence, EvidenceKind

KINDS = (EvidenceKind.DOCUMENT,)


@dataclass(frozen=True, slots=True)
class Case:
    ask: str
    holds: tuple[str, ...]
    evidence: tuple[Evidence, ...]


async def cases(store: Path) -> tuple[list[Case], Extractor]:
    settings = load_knowledge_settings(store)
    bundle = load_search(store, settings)
    try:
        rows = yaml.safe_load(Path(__file__).with_name("answers.yml").read_text(encoding="utf-8"))
        found = []
        for row in rows:
            evidence = await bundle.search.search(row["ask"], kinds=KINDS, limit=5)
            holds = row.get("holds", [])
            found.append(Case(row["ask"], (holds,) if isinstance(holds, str) else tuple(holds), tuple(evidence)))
    finally:
        await bundle.close()
    return found, Extractor(bundle.embedder, load_lexicon().analyzer())


def outcome(extractor: Extractor, case: Case) -> tuple[float, bool]:
    """The best sentence's score, and whether what would be said holds the answer, the threshold aside."""
    scored = extractor.scored(case.ask, case.evidence)
    if not scored:
        return 0.0, False
    best = scored[0]
    said = [one for one in scored if one.evidence.id == best.evidence.id
            and one.score >= best.score - extractor.settings.margin][:2]
    return best.score, any(words in one.sentence for words in case.holds for one in said)


def report(name: str, results: list[tuple[Case, float, bool]], threshold: float) -> None:
    asked = [r for r in results if r[0].holds]
    nothing = [r for r in results if not r[0].holds]
    right = sum(ok and score >= threshold for _, score, ok in asked)
    wrong = sum(not ok and score >= threshold for _, score, ok in asked)
    kept = sum(score < threshold for _, score, _ in nothing)
    print(f"{name:12} right {right}/{len(asked)}, wrong sentence {wrong}, unanswered {len(asked) - right - wrong}; "
          f"nothing said where nothing answers {kept}/{len(nothing)}")


def calibrated(results: list[tuple[Case, float, bool]]) -> float:
    """The threshold with the most right outcomes; of equals the highest."""
    options = [step / 100 for step in range(20, 80)]

    def right(threshold: float) -> int:
        return sum((score >= threshold and ok) if case.holds else score < threshold for case, score, ok in results)

    return max(options, key=lambda threshold: (right(threshold), threshold))


def main(store: Path) -> None:
    found, extractor = asyncio.run(cases(store))
    reachable = sum(any(words in one.text for words in case.holds for one in case.evidence) for case in found)
    print(f"answering passage among the five found: {reachable} of {sum(bool(c.holds) for c in found)} questions")
    results = [(case, *outcome(extractor, case)) for case in found]
    threshold = ExtractSettings().threshold
    print(f"best threshold on the calibrating half: {calibrated(results[::2]):.2f}; in use: {threshold}")
    report("calibrating", results[::2], threshold)
    report("test", results[1::2], threshold)
    for case, score, ok in results:
        if (score >= threshold) != bool(case.holds) or (case.holds and not ok):
            print(f"  {score:.2f} {'right' if ok else 'wrong'} {case.ask}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
