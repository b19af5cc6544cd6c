"""A chat model phrases a turn's reply: one call for all acts, each checked by the evidence gate, templates as fallback.

It knows no provider. What is streamed has passed the gate, act by act, so it is never taken back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from bot.domain.tracker import Tracker
from bot.engine.claims.statements import sentences
from bot.engine.gate import Gate
from bot.engine.responses import Responses
from bot.llm.budget import SentenceCount
from bot.llm.calls import ModelCall, ModelFailed
from bot.llm.prompt import fenced, gate_for, language_of, prompt
from bot.ports import Act, OnDelta, TurnObserver

_MARK = re.compile(r"\[\[\s*(\d{1,2})\s*\]\]:?")
_BETWEEN = "\n\n"  # what stands between acts in the stream


@dataclass(slots=True)
class LlmComposer:
    """Implements `Composer`. `gate` gives the evidence gate of a locale, or None where templates speak."""

    call: ModelCall
    responses: Responses
    count: SentenceCount = field(default_factory=SentenceCount)
    gate: Callable[[str], Gate | None] = gate_for
    observer: TurnObserver | None = None

    async def compose(
        self, acts: Sequence[Act], drafts: Sequence[str], tracker: Tracker, on_delta: OnDelta | None
    ) -> list[str] | None:
        """One text per act; None when the model gave nothing usable and nothing was streamed yet."""
        gate = self.gate(tracker.locale)
        free = [i for i, act in enumerate(acts) if drafts[i].strip() and not self.responses.is_verbatim(act.response)]
        if gate is None or not free:
            return None
        reply = _Reply(drafts, free, on_delta)
        checked = 0
        try:
            async for place, text in self._written(free, drafts, tracker):
                checked += 1
                await reply.settle(place, self._checked(gate, acts[place], drafts[place], text))
        except ModelFailed:
            self.count.failures += 1
        if not checked and not reply.begun:
            return None
        self.count.acts_template += len(free) - checked
        return await reply.finish()

    def _checked(self, gate: Gate, act: Act, draft: str, text: str) -> str:
        """The model's text where it passes whole enough, else the draft."""
        facts = {**act.facts, "cards": [card.get("data", {}) for card in act.cards]}
        result = gate.check(text, draft, facts, act.evidence)
        self.count.dropped += len(result.dropped)
        if self.observer:
            for dropped in result.dropped:
                self.observer.gate_drop(dropped.reason)
        if not result.complete:
            self.count.acts_template += 1
            return draft
        self.count.own += len(result.kept)
        self.count.acts_own += 1
        return result.text

    async def _written(
        self, free: Sequence[int], drafts: Sequence[str], tracker: Tracker
    ) -> AsyncIterator[tuple[int, str]]:
        """(place of the act, text) as soon as the model has finished it. Raises ModelFailed."""
        numbered = "\n".join(f"[[{n}]] {drafts[place]}" for n, place in enumerate(free, 1))
        said = tracker.last_user.text if tracker.last_user else ""
        system, user = prompt("rephrase", language_of(tracker.locale)).render(
            {"message": fenced(said), "drafts": numbered}
        )
        pieces = self.call.stream(system, user, tracker.conversation_id)
        async for number, text in _numbered(pieces, len(free)):
            yield free[number - 1], text


async def _numbered(pieces: AsyncIterator[str], count: int) -> AsyncIterator[tuple[int, str]]:
    """Cut "[[1]] … [[2]] …" into its parts; each number counts once; a single act may come without its mark."""
    text, given = "", set[int]()
    async for piece in pieces:
        text += piece
        while (marks := list(_MARK.finditer(text))) and len(marks) > 1:
            number, body = int(marks[0][1]), text[marks[0].end() : marks[1].start()].strip()
            text = text[marks[1].start() :]
            if 1 <= number <= count and number not in given and body:
                given.add(number)
                yield number, body
    mark = _MARK.search(text)
    number, body = (
        (int(mark[1]), text[mark.end() :].strip()) if mark else (1 if count == 1 and not given else 0, text.strip())
    )
    if 1 <= number <= count and number not in given and body:
        yield number, body


class _Reply:
    """The texts of a turn as they are settled, streamed in the order of the acts."""

    def __init__(self, drafts: Sequence[str], free: Sequence[int], on_delta: OnDelta | None) -> None:
        self._drafts, self._on_delta = drafts, on_delta
        self._texts: list[str | None] = [None if i in free else draft for i, draft in enumerate(drafts)]
        self._next = 0
        self.begun = False

    async def settle(self, place: int, text: str) -> None:
        self._texts[place] = text
        await self._flush()

    async def finish(self) -> list[str]:
        """What is still open is said by its template."""
        self._texts = [draft if text is None else text for text, draft in zip(self._texts, self._drafts, strict=True)]
        await self._flush()
        return [text for text in self._texts if text is not None]

    async def _flush(self) -> None:
        while self._next < len(self._texts) and (text := self._texts[self._next]) is not None:
            await self._emit(text)
            self._next += 1

    async def _emit(self, text: str) -> None:
        if self._on_delta is None or not text:
            return
        if self.begun:
            await self._on_delta(_BETWEEN)
        self.begun = True
        for sentence, gap in sentences(text):
            await self._on_delta(sentence + gap)
