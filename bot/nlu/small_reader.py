"""Reading beside the classifier: the embedded model says what each clause of a message is, and the two are weighed.

Both give every clause a share per act; a log-linear pool of the two is what the planner gets, so that it makes commands of
it exactly as it does of the classifier's reading alone. A yes is never the model's: one that the reader underneath did
not hear is not given. The model can name no act and no candidate that is not there, and where it is busy, late or
absent, the reader underneath reads alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.domain import commands as cmd
from bot.domain.message import InboundMessage
from bot.domain.tracker import Tracker
from bot.llm.forms.understand import MOST_CANDIDATES, OOS, WITH, Asking, Candidate, Said, render, word
from bot.nlu.acts import WRITES, Part, act_of, before_buying
from bot.nlu.classifier import IntentClassifier
from bot.nlu.entities import read_claims
from bot.nlu.intents import Intent
from bot.nlu.plan import Plan
from bot.nlu.reader import EmbeddedReader, not_owned, product_in_focus
from bot.ports import Reading
from bot.requests.lexicon import Lexicon
from knowledge.models import Evidence, EvidenceKind

_SURE = 0.6  # from this share on, an act counts as said in so many words, and single cues do not outweigh it
_BESIDE = 0.5  # from this share on, a clause belongs to the act beside it
_LINE = "line:"
_NEAR = 0.4  # the second likeliest is asked about too, from this part of the likeliest on
_LEAST = 1e-4
_KINDS = {EvidenceKind.ORDER_LINE: "bought", EvidenceKind.PRODUCT: "sold"}
Shares = dict[str, float]


class Weigher(Protocol):
    """The model: how likely each way of going on is."""

    async def weigh(self, prompt: str, written: str, ways: Sequence[str]) -> Sequence[float]:
        """Shares of the ways, which add up to one. Raises an exception when there is no answer."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """A clause: the shares of its acts, `beside` the share of its belonging to a neighbour, and what it points at."""

    text: str
    shares: Shares
    beside: float
    ids: tuple[str, ...] = ()


@dataclass(slots=True)
class SmallReader:
    """Implements `Reader` around the reader with the classifier. `labels`: the acts the model was trained on; `weights`: how much
    the model's shares count, and the classifier's."""

    model: Weigher
    base: EmbeddedReader
    labels: Sequence[str]
    weights: tuple[float, float] = (0.7, 0.7)
    languages: frozenset[str] = frozenset({"en"})
    failures: int = 0

    async def read(self, message: InboundMessage, tracker: Tracker, evidence: Sequence[Evidence]) -> Reading:
        alone = await self.base.read(message, tracker, evidence)
        language = tracker.locale.split("-")[0]
        if message.payload or language not in self.languages or _no_words(message.text, alone):
            return alone
        try:
            heard = await self._hear(message.text.strip(), tracker, evidence, language)
        except Exception:  # whatever stops a model must not stop the conversation
            self.failures += 1
            return alone
        return self._planned(message.text.strip(), heard, alone, tracker, evidence)

    # --- what the model hears ------------------------------------------------------------------------------------------

    async def _hear(
        self, text: str, tracker: Tracker, evidence: Sequence[Evidence], language: str
    ) -> list[Heard]:
        asking = render(said(text, tracker, evidence, language))
        words = list(asking.clauses.values())
        ranked = self.base.model.classify(words)
        heard, written = [], ""
        for at, (tag, clause) in enumerate(asking.clauses.items()):
            written += tag
            shares = dict(zip(self.labels, await self._ways(asking, written, list(self.labels)), strict=True))
            beside = shares.pop(WITH, 0.0)
            beside = beside if len(words) > 1 else 0.0
            mixed = weighed(shares, dict(ranked[at]), self.weights)
            label = WITH if beside > _BESIDE else max(mixed, key=lambda name: mixed[name])
            written += f" {word(label)}"
            ids, written = await self._points(asking, written, at)
            heard.append(Heard(clause, mixed, beside, ids))
        return heard

    async def _ways(self, asking: Asking, written: str, labels: Sequence[str]) -> Sequence[float]:
        return await self.model.weigh(asking.text, written, [f" {word(label)}" for label in labels])

    async def _points(self, asking: Asking, written: str, at: int) -> tuple[tuple[str, ...], str]:
        """The candidates a clause points at, likeliest first, for as long as that is likelier than going on."""
        left, found = list(asking.candidates), list[str]()
        order = list(asking.clauses)
        onward = order[at + 1] if at + 1 < len(order) else ""
        while left:
            shares = await self.model.weigh(asking.text, written, [onward, *left])
            best = max(range(len(shares)), key=lambda n: shares[n])
            if best == 0:
                break
            tag = left.pop(best - 1)
            found.append(asking.candidates[tag])
            written += tag
        return tuple(found), written

    # --- what is made of it --------------------------------------------------------------------------------------------

    def _planned(
        self, text: str, heard: Sequence[Heard], alone: Reading, tracker: Tracker, evidence: Sequence[Evidence]
    ) -> Reading:
        lexicon = self.base.lexicons.get(tracker.locale.split("-")[0]) or self.base.lexicons["en"]
        asked = str(tracker.slots.get("requested_slot") or "")
        claims = {} if tracker.customer_id else read_claims(text, lexicon, asked=asked == "identity")
        parts = _together(text, [self._part(one, lexicon, tracker) for one in heard])
        if not_owned(tracker):
            parts = [before_buying(part, lexicon) for part in parts]
        commands = tuple(Plan(text, asked, tracker, lexicon, parts, claims, evidence).commands())
        if not commands or (_says_yes(commands) and not _says_yes(alone.commands)):
            return alone
        if not any(p.intent.cued for p in parts) and _understood(alone):
            return alone  # the pool is sure of nothing, and the reader underneath understood something
        best = max((p.intent for p in parts), key=lambda i: (i.label != "", i.confidence), default=Intent("", 0.0))
        same = commands == alone.commands
        commands = tuple(_with_points(c, heard) for c in commands)
        pointed = tuple({"entity": "evidence", "value": id_} for one in heard for id_ in one.ids)
        return replace(
            alone,
            commands=commands,
            confidence=best.confidence,
            intent=best.label,
            entities=(*alone.entities, *pointed),
            rung="embedded" if same else "llm",
        )

    def _part(self, one: Heard, lexicon: Lexicon, tracker: Tracker) -> Part:
        if one.beside > _BESIDE:
            return Part(Intent("", 0.0), one.text)
        ranked = sorted(one.shares.items(), key=lambda item: -item[1])
        ranked = [(ranked[0][0], 1.0)] if ranked[0][1] >= _SURE else ranked
        intent = act_of(one.text, ranked, lexicon, product_in_focus(tracker))
        share = one.shares.get(intent.label, 0.0)
        if share >= _SURE:
            intent = replace(intent, cued=True, confidence=max(share, intent.confidence if intent.cued else 0.0))
        elif intent.label in WRITES and not intent.cued:
            intent = _doubtful(intent, one.shares)
        return Part(intent, one.text)


def said(text: str, tracker: Tracker, evidence: Sequence[Evidence], language: str) -> Said:
    """The message in its conversation, as the model sees it."""
    frame = next((f for f in reversed(tracker.stack) if f.flow in set(WRITES.values())), tracker.top)
    if tracker.page_leads or tracker.slots.get("focus_product"):
        seen = "product"
    else:
        seen = "order" if tracker.slots.get("focus_orders") else ""
    candidates = tuple(
        Candidate(e.id, e.title, _KINDS[e.kind]) for e in evidence if e.kind in _KINDS and e.title
    )[:MOST_CANDIDATES]
    asked = str(tracker.slots.get("requested_slot") or "")
    return Said(text, asked, frame.flow if frame else "", "" if asked else seen, candidates, language)


def weighed(model: Mapping[str, float], classifier: Mapping[str, float], weights: tuple[float, float]) -> Shares:
    """Two readings as one, over the acts that both know: each counts as a power of its share (a log-linear pool)."""
    one, other = weights
    names = [name for name in model if name in classifier]
    raw = {n: max(model[n], _LEAST) ** one * max(classifier[n], _LEAST) ** other for n in names}
    total = sum(raw.values())
    return {n: share / total for n, share in raw.items()} if total else {OOS: 1.0}


def _with_points(command: cmd.Command, heard: Sequence[Heard]) -> cmd.Command:
    """The command with the order lines that its words point at, for a request whose words name none themselves."""
    match command:
        case cmd.StartFlow(slots={"said": [{"text": str(text)} as entry, *_]}) if points := _points(text, heard):
            return replace(command, slots={**command.slots, "said": [{**entry, "points": points}]})
        case cmd.AmendRequest(slots={"text": str(text)}) if points := _points(text, heard):
            return replace(command, slots={**command.slots, "points": points})
    return command


def _points(text: str, heard: Sequence[Heard]) -> list[str]:
    """Keys of the order lines that the clauses within the text point at."""
    ids = [id_ for one in heard if one.text in text for id_ in one.ids]
    return [id_.removeprefix(_LINE) for id_ in dict.fromkeys(ids) if id_.startswith(_LINE)]


def _doubtful(intent: Intent, shares: Shares) -> Intent:
    """A write that neither reading is sure of: the customer is asked which of two is meant, where two are near."""
    first, second = sorted(shares, key=lambda name: -shares[name])[:2]
    near = shares[second] > _NEAR * shares[first]
    return replace(intent, label="", guess=first if near else "", rival=second if near else "")


def _together(text: str, parts: Sequence[Part]) -> list[Part]:
    """Clauses in a row that are the same act, as one part: the stretch of the message from the first to the last."""
    found: list[tuple[Intent, int, int]] = []
    at = 0
    for part in parts:
        start = text.find(part.text, at)
        start = at if start < 0 else start
        at = start + len(part.text)
        if found and part.intent.label and found[-1][0].label == part.intent.label:
            before = found[-1][0]
            surer = max((before, part.intent), key=lambda i: (i.cued, i.confidence))
            found[-1] = (surer, found[-1][1], at)
        else:
            found.append((part.intent, start, at))
    return [Part(intent, text[a:b].strip()) for intent, a, b in found]


def _no_words(text: str, reading: Reading) -> bool:
    """Nothing that could be read: no letters, or another language."""
    foreign = any(isinstance(c, cmd.CannotHandle) and c.reason.startswith("language:") for c in reading.commands)
    return foreign or not re.search(r"\w", text)


def _understood(reading: Reading) -> bool:
    return not all(isinstance(c, cmd.CannotHandle) for c in reading.commands)


def _says_yes(commands: Sequence[cmd.Command]) -> bool:
    return any(isinstance(c, cmd.Affirm) for c in commands)


def labels_of(classifier: IntentClassifier) -> tuple[str, ...]:
    """The acts that the model of the corpus tells apart: the classifier's, none of them, and a neighbour's."""
    return tuple(sorted({*classifier.labels, OOS, WITH}))
