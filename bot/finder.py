"""The retrieve stage: one embedding of the message searches everything that may be said, and the customer's own lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.events import PageViewed
from bot.domain.tracker import Tracker
from knowledge.handles import for_meaning
from knowledge.models import Evidence, EvidenceKind
from knowledge.orders.service import Actor, OrderService
from knowledge.ports import Catalogue, Embedder, Search
from knowledge.sentence_vectors import vectors_of

_KINDS = (EvidenceKind.PRODUCT, EvidenceKind.DOCUMENT, EvidenceKind.ANSWER, EvidenceKind.CASE)
_MIN_LETTERS = 4  # "ok", "yes": nothing to look for


@dataclass(frozen=True, slots=True)
class KnowledgeFinder:
    search: Search
    orders: OrderService
    embedder: Embedder
    limit: int = 6
    catalogue: Catalogue | None = None

    async def find(self, text: str, tracker: Tracker) -> tuple[Evidence, ...]:
        """Evidence best first, the customer's lines before the rest; () for a message without content."""
        if sum(c.isalpha() for c in text) < _MIN_LETTERS:
            return ()
        here = _product_here(tracker)
        query = self._in_context(text, tracker)
        vector = await vectors_of(self.embedder, [for_meaning(query)])
        lines: list[Evidence] = []
        if tracker.customer_id:
            lines = await self.orders.find_lines(
                Actor(tracker.customer_id, tracker.conversation_id), query, vector=vector
            )
        found = await self.search.search(query, kinds=_KINDS, limit=self.limit, vector=vector)
        return (*here, *lines, *(e for e in found if e.id not in {h.id for h in here}))

    async def page(self, seen: PageViewed, tracker: Tracker) -> PageViewed:
        """One read for the page's product and all that is in the cart, and one of the customer's own orders."""
        ids = dict.fromkeys([seen.product_id, *(line["product_id"] for line in seen.cart)])
        found = await self.catalogue.products([i for i in ids if i]) if self.catalogue is not None else []
        known = {product.id: product for product in found}
        product = known.get(seen.product_id)
        cart = [line for line in seen.cart
                if (of := known.get(line["product_id"])) and of.variant(line["variant_id"]) is not None]
        return replace(seen, product_id=product.id if product else "", product_title=product.title if product else "",
                       owned=product is not None and await self._owned(product.id, tracker), cart=cart)

    async def _owned(self, product_id: str, tracker: Tracker) -> bool:
        if not tracker.customer_id:
            return False
        orders = await self.orders.orders(Actor(tracker.customer_id, tracker.conversation_id))
        return any(line.product_id == product_id for order in orders for line in order.lines)

    @staticmethod
    def _in_context(text: str, tracker: Tracker) -> str:
        """A short follow-up ("and in blue?") is searched with the words before it."""
        if len(text.split()) <= 4 and tracker.last_user is not None and tracker.slots.get("focus_product"):
            return f"{tracker.last_user.text[:200]} {text}"
        return text[:1000]


def _product_here(tracker: Tracker) -> tuple[Evidence, ...]:
    """The product whose page the customer looks at, by the catalogue's name for it."""
    product_id, title = tracker.page.get("product_id"), str(tracker.page.get("product_title") or "")
    if not product_id:
        return ()
    return (Evidence(f"product:{product_id}", EvidenceKind.PRODUCT, title, title, 1.0, ref=str(product_id)),)
