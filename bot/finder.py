"""The retrieve stage: one embedding of the message searches everything that may be said, and the customer's own lines."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.domain.tracker import Tracker
from knowledge.handles import for_meaning
from knowledge.models import Evidence, EvidenceKind
from knowledge.orders.service import Actor, OrderService
from knowledge.ports import Embedder, Search

_KINDS = (EvidenceKind.PRODUCT, EvidenceKind.DOCUMENT, EvidenceKind.ANSWER, EvidenceKind.CASE)
_MIN_LETTERS = 4  # "ok", "yes": nothing to look for


@dataclass(frozen=True, slots=True)
class KnowledgeFinder:
    search: Search
    orders: OrderService
    embedder: Embedder
    limit: int = 6

    async def find(self, text: str, tracker: Tracker) -> tuple[Evidence, ...]:
        """Evidence best first, the customer's lines before the rest; () for a message without content."""
        if sum(c.isalpha() for c in text) < _MIN_LETTERS:
            return ()
        query = self._in_context(text, tracker)
        vector = await asyncio.to_thread(self.embedder.embed, [for_meaning(query)])
        lines: list[Evidence] = []
        if tracker.customer_id:
            lines = await self.orders.find_lines(
                Actor(tracker.customer_id, tracker.conversation_id), query, vector=vector
            )
        found = await self.search.search(query, kinds=_KINDS, limit=self.limit, vector=vector)
        return (*lines, *found)

    @staticmethod
    def _in_context(text: str, tracker: Tracker) -> str:
        """A short follow-up ("and in blue?") is searched with the words before it."""
        if len(text.split()) <= 4 and tracker.last_user is not None and tracker.slots.get("focus_product"):
            return f"{tracker.last_user.text[:200]} {text}"
        return text[:1000]
