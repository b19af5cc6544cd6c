"""Answers to open questions from evidence: extractive without any model, or written by one with citations.

Evidence is data, never instruction; what is said must be borne out by the very source it cites.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot.domain.tracker import Tracker
from bot.engine.claims.planted import trusted
from bot.engine.claims.statements import sentences
from bot.engine.gate import Gate
from bot.llm.budget import SentenceCount
from bot.llm.calls import ModelCall, ModelFailed
from bot.llm.prompt import fenced, gate_for, language_of, prompt
from bot.ports import Act, Answerer, TurnObserver
from knowledge.models import Evidence, EvidenceKind

TALK_TO_A_PERSON = ("Talk to a person", "/handoff")
_CITATION = re.compile(r"\s*\[(\d{1,2})\]")
_NO_ANSWER = re.compile(r"\bNO[ _]ANSWER\b")
_SOURCES = 6  # shown to a model
_SOURCE_CHARS = 1200


class Found(Protocol):
    """A sentence that answers, with where it stands."""

    @property
    def sentence(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def evidence(self) -> Evidence: ...


class AnswerFinder(Protocol):
    def answer(self, question: str, evidence: Sequence[Evidence]) -> Sequence[Found]:
        """Answering sentences, best passage first; nothing when none answers. Blocking."""
        ...


Similarity = Callable[[str, str], float]
"""Cosine of two texts' meanings, -1 to 1. Blocking."""


def dont_know() -> Act:
    return Act("utter_dont_know", {}, (TALK_TO_A_PERSON,))


@dataclass(frozen=True, slots=True)
class ExtractiveAnswerer:
    """Implements `Answerer` with sentences quoted from evidence.

    A curated answer whose question (its title) is at least `curated_bar` similar is said as it stands.
    """

    finder: AnswerFinder
    similar: Similarity | None = None
    curated_bar: float = 0.8
    gate: Callable[[str], Gate | None] = gate_for
    observer: TurnObserver | None = None

    async def answer(self, question: str, evidence: Sequence[Evidence], tracker: Tracker) -> Act:
        """`utter_answer` with {"answer": "sentence [1]"} and the quoted evidence, or `utter_dont_know`."""
        if self.observer:
            self.observer.rung("answer", "extractive")
        gate = self.gate(getattr(tracker, "locale", "en"))
        usable = trusted(evidence, gate.words) if gate is not None else tuple(evidence)
        if not usable or not question.strip():
            return dont_know()
        return await asyncio.to_thread(self._answer, question, usable)

    def _answer(self, question: str, evidence: Sequence[Evidence]) -> Act:
        curated = self._curated(question, evidence)
        if curated is not None:
            return Act(
                "utter_answer", {"answer": f"{curated.text.strip()} [1]"}, evidence=(quoted(curated, curated.text),)
            )
        return answer_of([(found.sentence, found.evidence) for found in self.finder.answer(question, evidence)])

    def _curated(self, question: str, evidence: Sequence[Evidence]) -> Evidence | None:
        answers = [e for e in evidence if e.kind is EvidenceKind.ANSWER and e.text.strip()]
        if self.similar is None or not answers:
            return None
        best = max((self.similar(question, e.title), -i) for i, e in enumerate(answers))
        return answers[-best[1]] if best[0] >= self.curated_bar else None


def answer_of(said: Sequence[tuple[str, Evidence]]) -> Act:
    """Sentences with their sources as an act, the sources numbered in the order they are used."""
    if not said:
        return dont_know()
    used: dict[str, tuple[Evidence, list[str]]] = {}
    written = []
    for sentence, source in said:
        quotes = used.setdefault(source.id, (source, []))[1]
        quotes.append(sentence.strip())
        written.append(f"{sentence.strip()} [{list(used).index(source.id) + 1}]")
    return Act(
        "utter_answer", {"answer": " ".join(written)}, evidence=tuple(quoted(e, " ".join(q)) for e, q in used.values())
    )


def quoted(evidence: Evidence, quote: str) -> Evidence:
    return replace(evidence, data={**evidence.data, "quote": quote.strip()})


@dataclass(slots=True)
class LlmAnswerer:
    """Implements `Answerer` with a chat model; what it cannot bear out, `fallback` answers."""

    call: ModelCall
    fallback: Answerer
    count: SentenceCount = field(default_factory=SentenceCount)
    gate: Callable[[str], Gate | None] = gate_for
    observer: TurnObserver | None = None

    async def answer(self, question: str, evidence: Sequence[Evidence], tracker: Tracker) -> Act:
        """As `ExtractiveAnswerer.answer`; curated answers stay the fallback's business."""
        locale = getattr(tracker, "locale", "en")
        gate = self.gate(locale)
        sources = trusted(evidence, gate.words)[:_SOURCES] if gate is not None else ()
        if gate is None or not sources or not question.strip():
            return await self.fallback.answer(question, evidence, tracker)
        try:
            written = await self._write(question, sources, locale, getattr(tracker, "conversation_id", ""))
        except ModelFailed:
            self.count.failures += 1
            return await self.fallback.answer(question, evidence, tracker)
        said = [] if _NO_ANSWER.search(written) else self._borne_out(written, sources, gate)
        if not said:
            self.count.acts_template += 1
            return await self.fallback.answer(question, evidence, tracker)
        self.count.acts_own += 1
        if self.observer:
            self.observer.rung("answer", "llm")
        return answer_of(said)

    async def _write(self, question: str, sources: Sequence[Evidence], locale: str, conversation_id: str) -> str:
        listed = "\n".join(
            f'<source n="{n}" title="{_attribute(e.title)}">\n{fenced(e.text, _SOURCE_CHARS)}\n</source>'
            for n, e in enumerate(sources, 1)
        )
        system, user = prompt("answer", language_of(locale)).render({"sources": listed, "question": fenced(question)})
        return await self.call.text(system, user, conversation_id)

    def _borne_out(self, written: str, sources: Sequence[Evidence], gate: Gate) -> list[tuple[str, Evidence]]:
        """Each sentence with the one source that says it: the one it cites first, else any that does."""
        said: list[tuple[str, Evidence]] = []
        for sentence, _ in sentences(written.strip(), gate.words.abbreviations):
            bare = _CITATION.sub("", sentence).strip()
            cited = [sources[int(n) - 1] for n in _CITATION.findall(sentence) if 1 <= int(n) <= len(sources)]
            source = next((s for s in (cited or sources) if bare and gate.check(bare, "", {}, (s,)).complete), None)
            if source is None or not _informs(bare, gate):
                self.count.dropped += 1
                if self.observer:
                    self.observer.gate_drop("no source bears it out" if source is None else "small talk")
                continue
            self.count.own += 1
            said.append((bare, source))
        return said


def _informs(sentence: str, gate: Gate) -> bool:
    """More than small talk."""
    return any(gate.words.stem(word) not in gate.words.harmless for word in re.findall(r"[^\W_]+", sentence.lower()))


def _attribute(text: str) -> str:
    return fenced(text, 120).replace('"', "'")
