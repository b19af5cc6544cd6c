"""A model phrases a turn's reply, act by act, each checked by the evidence gate, with the templates as fallback.

It knows no provider. What is streamed has passed the gate, act by act, so it is never taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.domain.tracker import Tracker
from bot.engine.claims.statements import sentences
from bot.engine.gate import Dropped, Gate
from bot.engine.responses import Responses
from bot.llm.budget import SentenceCount
from bot.llm.calls import ModelFailed
from bot.llm.phrasers import Phraser
from bot.llm.prompt import gate_for
from bot.ports import Act, OnDelta, TurnObserver

_BETWEEN = "\n\n"  # what stands between acts in the stream


@dataclass(slots=True)
class LlmComposer:
    """Implements `Composer`. `gate` gives the evidence gate of a locale, or None where templates speak.

    A text the gate does not let through whole is asked for again, `again` times at most, before the template speaks.
    """

    phraser: Phraser
    responses: Responses
    again: int = 1
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
            async for place, text in self.phraser.phrase(acts, drafts, free, tracker):
                checked += 1
                await reply.settle(place, await self._settled(gate, acts, drafts, place, text, tracker))
        except ModelFailed:
            self.count.failures += 1
        if not checked and not reply.begun:
            return None
        self.count.acts_template += len(free) - checked
        return await reply.finish()

    async def _settled(
        self, gate: Gate, acts: Sequence[Act], drafts: Sequence[str], place: int, text: str, tracker: Tracker
    ) -> str:
        """The model's text, at once or at a further try, where it passes whole enough; else the draft."""
        act, draft = acts[place], drafts[place]
        facts = {**act.facts, "cards": [card.get("data", {}) for card in act.cards]}
        for tried in range(self.again + 1):
            result = gate.check(text, draft, facts, act.evidence)
            self._note(result.dropped)
            if result.complete:
                self.count.own += len(result.kept)
                self.count.acts_own += 1
                return result.text
            more = await self._once_more(acts, place, tracker) if tried < self.again else None
            if more is None:
                break
            text = more
        self.count.acts_template += 1
        return draft

    async def _once_more(self, acts: Sequence[Act], place: int, tracker: Tracker) -> str | None:
        try:
            return await self.phraser.again(acts, place, tracker)
        except ModelFailed:
            return None

    def _note(self, dropped: Sequence[Dropped]) -> None:
        self.count.dropped += len(dropped)
        if self.observer:
            for one in dropped:
                self.observer.gate_drop(one.reason)


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
