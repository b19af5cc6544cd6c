"""Finds the sentence that answers a question in evidence, or says that none does. No language model is involved.

A sentence is judged by meaning (with the heading it stands under), by the question's words it holds, and by how good
its passage is as a whole. What stays below the threshold is no answer: better "I don't know" than a wrong quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.analysis import Analyzer
from knowledge.models import Evidence
from knowledge.ports import Embedder, Vectors
from knowledge.sentences import sentences

_SENTENCES = 60           # judged at most per question: about 1.5 ms each the first time, remembered afterwards


@dataclass(frozen=True, slots=True)
class ExtractSettings:
    """How a sentence's score is made up, and from where it is an answer (calibrated in benchmarks/answers.py)."""

    meaning: float = 0.6
    passage: float = 0.25
    words: float = 0.15
    threshold: float = 0.47
    margin: float = 0.06      # a second sentence may come along if it scores this near


@dataclass(frozen=True, slots=True)
class Extract:
    """A sentence that answers. `score` is between 0 and 1; `position` counts sentences within the evidence."""

    sentence: str
    score: float
    evidence: Evidence
    position: int = 0


class Extractor:
    """Blocking and thread-safe."""

    def __init__(self, embedder: Embedder, analyzer: Analyzer, settings: ExtractSettings | None = None) -> None:
        self._embedder, self._analyzer, self.settings = embedder, analyzer, settings or ExtractSettings()

    def answer(self, question: str, evidence: Sequence[Evidence], *, limit: int = 2,
               vector: Vectors | None = None) -> list[Extract]:
        """The best sentences, best first, those of one passage in reading order; nothing when none answers."""
        scored = self.scored(question, evidence, vector=vector)
        if not scored or scored[0].score < self.settings.threshold:
            return []
        best = scored[0]
        near = [one for one in scored[1:] if one.evidence.id == best.evidence.id
                and one.score >= max(best.score - self.settings.margin, self.settings.threshold)]
        return sorted([best, *near[:limit - 1]], key=lambda one: one.position)

    def scored(self, question: str, evidence: Sequence[Evidence], *, vector: Vectors | None = None) -> list[Extract]:
        """Every sentence with its score, best first."""
        found = [Extract(sentence, 0.0, one, place) for one in evidence
                 for place, sentence in enumerate(sentences(one.text))][:_SENTENCES]
        if not question.strip() or not found:
            return []
        asked = self._embedder.embed([question])[0] if vector is None else vector.reshape(-1)
        meaning = self._embedder.embed([f"{_place(one.evidence)}. {one.sentence}" for one in found]) @ asked
        passages = {id(one): self._embedder.embed([f"{_place(one)}. {one.text}"])[0] @ asked for one in evidence}
        wanted = set(self._analyzer.terms(question))
        s = self.settings
        scores = [s.meaning * float(near) + s.passage * float(passages[id(one.evidence)])
                  + s.words * self._held(wanted, one) for one, near in zip(found, meaning, strict=True)]
        order = np.argsort(-np.asarray(scores), kind="stable")
        return [Extract(found[i].sentence, max(0.0, scores[i]), found[i].evidence, found[i].position) for i in order]

    def _held(self, wanted: set[str], one: Extract) -> float:
        """The share of the question's words that the sentence or its heading holds."""
        if not wanted:
            return 0.0
        return len(wanted & set(self._analyzer.terms(f"{_place(one.evidence)} {one.sentence}"))) / len(wanted)


def _place(evidence: Evidence) -> str:
    """Where it stands, as the encoder should read it: "Returns and refunds, What it costs you"."""
    return ", ".join(evidence.headings) if evidence.headings else evidence.title
