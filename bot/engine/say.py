"""From acts to bubbles: each act's template is filled, a model may phrase it, what it writes is checked.

The template is always a valid reply; a model only ever replaces it where the evidence gate lets its sentences pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.message import Button, Card, OutboundMessage, Source
from bot.engine.responses import Responses
from bot.engine.turn import Turn
from bot.ports import Act, Composer, OnDelta

_GREETING = "utter_greet"


@dataclass(frozen=True, slots=True)
class Speaker:
    responses: Responses
    composer: Composer | None = None

    async def say(self, turn: Turn, on_delta: OnDelta | None) -> list[OutboundMessage]:
        """One bubble per act that has something to show, in order. A turn without acts says that nothing was understood."""
        acts = _without_repeats(turn.acts) or [Act("utter_anything_else")]
        if any(a.response == "utter_repeat" for a in acts):
            repeated = _repeat(turn)
            if repeated:
                return repeated
        drafts = [self.responses.render(act, turn.tracker.locale, turn.tracker.turns) for act in acts]
        written = await self._compose(acts, drafts, turn, on_delta)
        if on_delta is not None and written is None:
            for place, draft in enumerate(drafts):
                await on_delta(f"\n\n{draft}" if place else draft)
        turn.phrased_by = "template" if written is None else "llm"
        texts = written or drafts
        asked = turn.tracker.slots.get("requested_slot") if turn.tracker.mode == "bot" else None
        return [
            _bubble(act, text, asked if i == len(acts) - 1 else None)
            for i, (act, text) in enumerate(zip(acts, texts, strict=True))
        ]

    async def _compose(
        self, acts: Sequence[Act], drafts: Sequence[str], turn: Turn, on_delta: OnDelta | None
    ) -> list[str] | None:
        if self.composer is None or all(self.responses.is_verbatim(a.response) for a in acts):
            return None
        return await self.composer.compose(acts, drafts, turn.tracker, on_delta)


def _without_repeats(acts: Sequence[Act]) -> list[Act]:
    """The same thing is said once, and greetings give way to answers."""
    kept: list[Act] = []
    for act in acts:
        if act in kept or (act.response == _GREETING and len(acts) > 1 and any(a.response == _GREETING for a in kept)):
            continue
        kept.append(act)
    return kept


def _repeat(turn: Turn) -> list[OutboundMessage]:
    """What was said last, again."""
    said = turn.said_before
    return [
        OutboundMessage(
            b.text,
            tuple(Button(**x) for x in b.data.get("buttons", ())),
            tuple(Card(**x) for x in b.data.get("cards", ())),
            tuple(Source(**x) for x in b.data.get("sources", ())),
            custom=b.data.get("custom", {}),
        )
        for b in said
    ]


def _bubble(act: Act, text: str, asked: str | None) -> OutboundMessage:
    sources = tuple(
        Source(i + 1, e.id, e.title, e.kind.value, str(e.data.get("quote", "")), e.url)
        for i, e in enumerate(act.evidence)
    )
    custom: dict[str, object] = {"responses": [act.response]}
    if asked:
        custom["requested_slot"] = asked
    return OutboundMessage(
        text,
        tuple(Button(t, p) for t, p in act.buttons),
        tuple(Card(c["kind"], c["title"], c["data"]) for c in act.cards),
        sources,
        custom=custom,
    )
