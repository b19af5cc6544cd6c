"""The embedded reader: encoder, classifier, cues and the slot being asked for turn a message into commands.

It knows words and what the assistant asked last; it sees no order and decides nothing. Words about a request are passed
on as said, for the request itself to read against the shop's data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain import commands as cmd
from bot.domain.message import InboundMessage
from bot.domain.tracker import Tracker
from bot.nlu.acts import parts_of
from bot.nlu.entities import entities, read_claims
from bot.nlu.intents import Intent, IntentModel
from bot.nlu.language import Languages
from bot.nlu.payloads import read_payload
from bot.nlu.plan import Plan
from bot.ports import Reading
from bot.requests.lexicon import Lexicon
from knowledge.models import Evidence


@dataclass(frozen=True, slots=True)
class EmbeddedReader:
    model: IntentModel
    lexicons: Mapping[str, Lexicon]
    languages: Languages

    async def read(self, message: InboundMessage, tracker: Tracker, evidence: Sequence[Evidence]) -> Reading:
        if message.payload:
            return Reading(read_payload(message.payload), intent="button")
        lexicon = self.lexicons.get(tracker.locale.split("-")[0]) or self.lexicons["en"]
        text = message.text.strip()
        if not re.search(r"\w|[👍👎✅❌]", text):
            return Reading((cmd.CannotHandle("unclear"),), 0.0)
        asked = str(tracker.slots.get("requested_slot") or "")
        if not asked and (foreign := self.languages.foreign(text, tuple(self.lexicons))):
            return Reading((cmd.CannotHandle(f"language:{foreign}"),), 1.0)
        claims = {} if tracker.customer_id else read_claims(text, lexicon, asked=asked == "identity")
        parts = parts_of(text, self.model, lexicon, product_in_focus(tracker), not_owned(tracker))
        commands = Plan(text, asked, tracker, lexicon, parts, claims, evidence).commands()
        best = max((p.intent for p in parts), key=lambda i: (i.label != "", i.confidence), default=Intent("", 0.0))
        return Reading(tuple(commands), best.confidence, best.label, tuple(entities(text, claims)))


def product_in_focus(tracker: Tracker) -> bool:
    """A product was shown or looked at last, and no order."""
    return tracker.page_leads or (
        bool(tracker.slots.get("focus_product")) and not tracker.slots.get("focus_orders"))


def not_owned(tracker: Tracker) -> bool:
    """What the customer looks at is none of their own, and nothing was asked."""
    looks = tracker.page_leads or (bool(tracker.page.get("cart")) and not tracker.slots.get("focus_orders"))
    return looks and not tracker.slots.get("requested_slot") and not tracker.page.get("owned")
