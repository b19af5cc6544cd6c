"""Finds the sentence that answers a question in evidence, or says that none does. No language model is involved.

A sentence is judged by meaning (with the heading it stands under), by the question's words it holds, and by how good
its passage is as a whole. What stays below the threshold is no answer: better "I don't know" than a wrong quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from knowledge.analysis import Analyzer
from knowledge.models import Evidence
from knowledge.ports import Embedder, Vectors
from knowledge.sentences import in_place, place_of, sentences

_SENTENCES = 60           # judged at most per question: about 1.5 ms each where the encoder has to read them
_PASSAGES = 2048          # kept taken apart


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


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage taken apart: itself and its sentences as the encoder reads them, and each sentence's words."""

    sentences: tuple[str, ...]
    in_place: tuple[str, ...]         # the passage first
    terms: tuple[frozenset[str], ...]


class Extractor:
    """Blocking and thread-safe. Texts are given to the encoder together; it should be one that remembers."""

    def __init__(self, embedder: Embedder, analyzer: Analyzer, settings: ExtractSettings | None = None) -> None:
        self._embedder, self._analyzer, self.settings = embedder, analyzer, settings or ExtractSettings()
        self._read = lru_cache(maxsize=_PASSAGES)(self._take_apart)

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
        read = [(one, self._read(one.text, one.headings, one.title)) for one in evidence]
        found = [(one, passage, place) for one, passage in read for place in range(len(passage.sentences))][:_SENTENCES]
        if not question.strip() or not found:
            return []
        texts = dict.fromkeys([question] if vector is None else [])
        texts |= dict.fromkeys(passage.in_place[at] for _, passage, place in found for at in (0, place + 1))
        vectors = self._embedder.embed(list(texts))
        row = {text: place for place, text in enumerate(texts)}
        near = vectors @ (vectors[0] if vector is None else vector.reshape(-1))
        wanted, s = set(self._analyzer.terms(question)), self.settings
        scores = [s.meaning * float(near[row[passage.in_place[place + 1]]])
                  + s.passage * float(near[row[passage.in_place[0]]])
                  + s.words * _held(wanted, passage.terms[place]) for _, passage, place in found]
        order = np.argsort(-np.asarray(scores), kind="stable")
        return [Extract(found[i][1].sentences[found[i][2]], max(0.0, scores[i]), found[i][0], found[i][2])
                for i in order]

    def _take_apart(self, text: str, headings: Sequence[str], title: str) -> _Read:
        parts = tuple(sentences(text))
        terms = tuple(frozenset(self._analyzer.terms(f"{place_of(headings, title)} {one}")) for one in parts)
        return _Read(parts, tuple(in_place(one, headings, title) for one in (text, *parts)), terms)


def _held(wanted: set[str], held: frozenset[str]) -> float:
    """The share of the question's words that a sentence or its heading holds."""
    return len(wanted & held) / len(wanted) if wanted else 0.0
