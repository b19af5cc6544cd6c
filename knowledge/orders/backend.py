"""The embedded order system: our own database is the shop's truth, so what the book takes is accepted.

For any other back end the contract is: the same operation id twice is one write; no answer is an exception
(Unavailable, TimeoutError, OSError) or UNKNOWN; and once `outcome` has said "refused", a request under that id that is
still on its way must not be carried out.
"""

from __future__ import annotations

from knowledge.models import Customer, Order
from knowledge.ports import BackendAnswer, BackendState, OrderBook

STALE = "stale"                       # the order or a balance changed in the moment of writing
NEVER_CARRIED_OUT = "never_carried_out"


class EmbeddedBackend:
    """OrderBackend over an OrderBook: compare-and-set, one transaction per request."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book

    async def request(self, operation_id: str, before: Order | None, after: Order | None, customer: Customer | None,
                      kind: str, *, customer_before: Customer | None = None) -> BackendAnswer:
        if after is not None:
            done = await self._book.save(after, customer=customer, expected=before, expected_customer=customer_before,
                                         operation_id=operation_id)
        else:
            assert customer is not None, "a request writes an order, a customer or both"
            done = await self._book.save_customer(customer, expected=customer_before, operation_id=operation_id)
        if done or await self._book.applied(operation_id):
            return BackendAnswer(BackendState.ACCEPTED, reference=operation_id)
        return BackendAnswer(BackendState.REFUSED, STALE)

    async def outcome(self, operation_id: str) -> BackendAnswer:
        if await self._book.applied(operation_id):
            return BackendAnswer(BackendState.ACCEPTED, reference=operation_id)
        return BackendAnswer(BackendState.REFUSED, NEVER_CARRIED_OUT)
