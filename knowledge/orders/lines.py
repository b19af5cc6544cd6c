"""Finding a customer's own order lines by words, without an index: the plain implementation of OrderLineSearch."""

from __future__ import annotations

import re

from knowledge.models import Evidence, EvidenceKind, Order, OrderLine
from knowledge.ports import OrderBook, Vectors

_WORD = re.compile(r"\w+", re.UNICODE)


class LexicalLineSearch:
    """Counts the words that query and line share. It reads the owner's orders live and no others."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book

    async def search_lines(self, owner_id: str, query: str, *, limit: int = 5,
                           vector: Vectors | None = None) -> list[Evidence]:
        """Newest first among equals; lines that share no word are left out."""
        wanted = _words(query)
        found = [line_evidence(order, line, score) for order in await self._book.orders_of(owner_id)
                 for line in order.lines if (score := _overlap(wanted, line)) > 0]
        return sorted(found, key=lambda e: -e.score)[:limit]


def line_evidence(order: Order, line: OrderLine, score: float) -> Evidence:
    """An order line as evidence; no live field but what was bought."""
    text = ", ".join([line.title, *(f"{name} {value}" for name, value in line.options.items())])
    return Evidence(f"line:{order.id}/{line.id}", EvidenceKind.ORDER_LINE, line.title, text, score,
                    ref=f"{order.id}/{line.id}", source=order.number,
                    data={"order_id": order.id, "line_id": line.id, "product_id": line.product_id})


def _words(text: str) -> set[str]:
    """Case and a plural 's' do not count."""
    return {w[:-1] if len(w) > 3 and w.endswith("s") else w for w in _WORD.findall(text.casefold())}


def _overlap(wanted: set[str], line: OrderLine) -> float:
    words = _words(" ".join([line.title, *line.options.values()]))
    return len(wanted & words) / (len(words) ** 0.5) if words else 0.0
