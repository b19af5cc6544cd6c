"""Understanding with a large model: its commands are checked word by word; where it fails, the embedded reader reads.

A yes to a card or an offer is never left to a model: there the embedded reader decides alone, so that writes are as
safe with a model as without one. Ids come from the evidence or the customer, never from the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain import commands as cmd
from bot.domain.flow import Flow
from bot.domain.message import InboundMessage
from bot.domain.tracker import Tracker
from bot.ports import Reader, Reading
from knowledge.models import Evidence

_CLAIMS = frozenset({"email", "first_name", "last_name", "postcode", "customer_id", "order_number"})
_TOPICS = frozenset(
    {"greet", "thanks", "goodbye", "chitchat", "bot_abilities", "insult", "no_more", "feedback_positive", "wait"}
)
_MOST = 8  # commands in one message
_PLAIN: Mapping[str, cmd.Command] = {
    "CancelFlow": cmd.CancelFlow(),
    "Affirm": cmd.Affirm(),
    "Deny": cmd.Deny(),
    "Repeat": cmd.Repeat(),
}
_YES_OR_NO = ("confirmation",)


class Writer(Protocol):
    """The model's side: what a message wants, as unchecked data."""

    def speaks(self, locale: str) -> bool: ...

    async def write(
        self, text: str, tracker: Tracker, evidence: Sequence[Evidence], asked: str, said: Sequence[str]
    ) -> Sequence[Mapping[str, Any]]:
        """Raises an exception when there is no answer."""
        ...


class Nonsense(ValueError):
    """The model named a flow, an id or words that do not exist."""


@dataclass(slots=True)
class LlmReader:
    """Implements `Reader`. `confidence` is what its readings are given; measure it before trusting it."""

    writer: Writer
    fallback: Reader
    flows: Mapping[str, Flow]
    confidence: float = 0.85
    failures: int = 0
    nonsense: int = 0

    async def read(self, message: InboundMessage, tracker: Tracker, evidence: Sequence[Evidence]) -> Reading:
        asked = str(tracker.slots.get("requested_slot") or "")
        if (
            message.payload
            or not message.text.strip()
            or asked in _YES_OR_NO
            or tracker.slots.get("offer")
            or not self.writer.speaks(tracker.locale)
        ):
            return await self.fallback.read(message, tracker, evidence)
        try:
            written = await self.writer.write(
                message.text, tracker, evidence, asked, [b.text for b in tracker.last_bot]
            )
        except Exception:  # whatever stops a model must not stop the conversation; the writer's breaker remembers it
            self.failures += 1
            return await self.fallback.read(message, tracker, evidence)
        try:
            return self._checked(written, message.text, tracker, evidence, asked)
        except Nonsense:
            self.nonsense += 1
            return await self.fallback.read(message, tracker, evidence)

    def _checked(
        self,
        written: Sequence[Mapping[str, Any]],
        text: str,
        tracker: Tracker,
        evidence: Sequence[Evidence],
        asked: str,
    ) -> Reading:
        """The commands that stand up to the message, the flows and the evidence. Raises Nonsense."""
        if not 0 < len(written) <= _MOST:
            raise Nonsense(f"{len(written)} commands")
        known = {e.id for e in evidence}
        commands: list[cmd.Command] = []
        entities: list[Mapping[str, Any]] = []
        for one in written:
            pointed = [str(i) for i in one.get("evidence") or ()]
            if unknown := set(pointed) - known:
                raise Nonsense(f"invented ids {sorted(unknown)}")
            entities += [{"entity": "evidence", "value": i} for i in pointed]
            command = self._command(one, text, tracker, asked)
            if command is not None and command not in commands:
                commands.append(command)
        if not commands:
            raise Nonsense("nothing is left")
        return Reading(
            tuple(commands),
            self.confidence,
            str(written[0].get("flow") or written[0]["command"]),
            tuple(entities),
            rung="llm",
        )

    def _command(self, one: Mapping[str, Any], text: str, tracker: Tracker, asked: str) -> cmd.Command | None:
        match one.get("command"):
            case "StartFlow":
                return self._start(one, text, tracker)
            case "AmendRequest":
                return self._amend(str(one.get("mode") or "add"), one, text, tracker, asked)
            case "SetSlot" | "CorrectSlot":
                return self._amend("set", one, text, tracker, asked)
            case "Identify":
                return None if tracker.customer_id else cmd.Identify(_claims(one.get("claims") or {}, text))
            case "Clarify":
                return self._clarify([str(o) for o in one.get("options") or ()])
            case "AskKnowledge":
                return cmd.AskKnowledge(own_words(one, text))
            case "SearchProducts":
                return cmd.SearchProducts(own_words(one, text))
            case "HumanHandoff":
                return cmd.HumanHandoff(own_words(one, text)[:200])
            case "Chitchat":
                return cmd.Chitchat(str(one.get("topic")) if one.get("topic") in _TOPICS else "chitchat")
            case "CannotHandle":
                return cmd.CannotHandle("out_of_scope" if one.get("reason") == "out_of_scope" else "unclear")
        plain = _PLAIN.get(str(one.get("command")))
        if plain is None:
            raise Nonsense(f"command {one.get('command')!r}")
        return plain

    def _start(self, one: Mapping[str, Any], text: str, tracker: Tracker) -> cmd.Command:
        flow = self.flows.get(str(one.get("flow") or ""))
        if flow is None:
            raise Nonsense(f"flow {one.get('flow')!r}")
        words = own_words(one, text)
        if any(f.flow == flow.id for f in tracker.stack) and flow.kind == "write":
            return cmd.AmendRequest("add", {"text": words, "asked": str(tracker.slots.get("requested_slot") or "")})
        entry = {"mode": "add", "text": words} if flow.kind == "write" else {"text": words}
        return cmd.StartFlow(flow.id, {"said": [entry]}, self.confidence)

    def _amend(self, mode: str, one: Mapping[str, Any], text: str, tracker: Tracker, asked: str) -> cmd.Command:
        if tracker.top is None:
            raise Nonsense("nothing is under way to amend")
        if mode not in ("add", "only", "remove", "set"):
            raise Nonsense(f"mode {mode!r}")
        return cmd.AmendRequest(mode, {"text": own_words(one, text), "asked": asked})

    def _clarify(self, options: list[str]) -> cmd.Command:
        if not 2 <= len(options) <= 4 or any(o not in self.flows for o in options):
            raise Nonsense(f"options {options}")
        return cmd.Clarify(tuple(options))


def own_words(one: Mapping[str, Any], text: str) -> str:
    """The words the model copied, when every one of them is the customer's; else the whole message."""
    copied = str(one.get("text") or "").strip()
    theirs = set(_words(text))
    return copied if copied and all(word in theirs for word in _words(copied)) else text


def _claims(claims: Mapping[str, Any], text: str) -> dict[str, str]:
    """Claims that stand in the message. Raises Nonsense for one that does not."""
    squeezed = re.sub(r"\W", "", text.lower())
    kept = {str(k): str(v).strip() for k, v in claims.items() if str(v).strip()}
    wrong = [k for k, v in kept.items() if k not in _CLAIMS or re.sub(r"\W", "", v.lower()) not in squeezed]
    if wrong or not kept:
        raise Nonsense(f"claims {wrong}")
    return kept


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
