"""The order service: who may see and change which order, whatever calls it. It holds the only OrderBook.

Every read and write is made for an actor; what is not theirs is not found, exactly as if it did not exist, and audited.
It knows no conversation and no wording: refusals are codes (`refusals.py`), money and changes are data.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from knowledge.errors import NotFound, Refused
from knowledge.models import Customer, Evidence, Order
from knowledge.orders.audit import Audit, AuditRecord, LogAudit
from knowledge.orders.execution import GRACE, Execution, new_entry, operation_id
from knowledge.orders.ledger import LedgerState, MemoryLedger, OperationLedger
from knowledge.orders.lines import LexicalLineSearch
from knowledge.orders.operations import ChangeDefaultAddress, Operation, Outcome, Quote
from knowledge.orders.outbox import MemoryOrderEvents, OrderEvents
from knowledge.orders.plans import Plan
from knowledge.orders.proposal import Proposal, arranged, make_proposal, order_id_of, plan_in_sequence
from knowledge.orders.quotes import quote_of, survey
from knowledge.orders.refusals import Code, refuse
from knowledge.orders.rules import Rules
from knowledge.ports import Catalogue, OrderBackend, OrderBook, OrderLineSearch, Vectors

PATIENCE_S = 10.0                     # how long the shop's system may take to answer before it counts as unknown


def utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Actor:
    """An identified customer in a conversation."""

    customer_id: str
    conversation_id: str = ""


class OrderService:
    """Reads, quotes, proposals and confirmed writes, each within one customer's own orders and the shop's rules."""

    def __init__(self, book: OrderBook, catalogue: Catalogue, backend: OrderBackend, rules: Rules,
                 lines: OrderLineSearch | None = None, clock: Callable[[], datetime] = utcnow,
                 audit: Audit | None = None, *, ledger: OperationLedger | None = None,
                 events: OrderEvents | None = None, patience_s: float = PATIENCE_S,
                 nonce: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self.rules = rules
        self._book, self._catalogue, self._clock, self._nonce = book, catalogue, clock, nonce
        self._lines = lines or LexicalLineSearch(book)
        self._audit = audit or LogAudit()
        self._ledger = ledger or MemoryLedger()
        self._patience_s = patience_s
        self._execution = Execution(book, backend, self._ledger, events or MemoryOrderEvents(), patience_s)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # Reading

    async def customer(self, actor: Actor) -> Customer:
        """The actor's own record. Raises NotFound when it is gone."""
        found = await self._book.customer(actor.customer_id)
        if found is None:
            raise NotFound("no such customer")
        return found

    async def orders(self, actor: Actor) -> list[Order]:
        """All of the actor's orders, newest first."""
        return await self._book.orders_of(actor.customer_id)

    async def order(self, actor: Actor, number: str) -> Order:
        """One of the actor's orders, its number in any spelling. Raises NotFound for unknown and foreign alike."""
        return await self._own(actor, await self._book.order_by_number(number), number)

    async def find_lines(self, actor: Actor, query: str, *, limit: int = 5,
                         vector: Vectors | None = None) -> list[Evidence]:
        """The actor's own order lines by meaning, best first. `vector` saves embedding the query again."""
        found = await self._lines.search_lines(actor.customer_id, query, limit=limit, vector=vector)
        own = {f"{order.id}/{line.id}" for order in await self.orders(actor) for line in order.lines}
        return [e for e in found if e.id.removeprefix("line:") in own]

    # Quoting

    async def quote(self, actor: Actor, operation: Operation) -> Quote:
        """One operation worked out on live data; nothing is written. Raises Refused or NotFound."""
        await self._settle_open(actor)
        return quote_of((await self._plans(actor, [operation]))[0])

    async def propose(self, actor: Actor, operations: Sequence[Operation]) -> Proposal:
        """Several operations as one card, in an order in which all can happen, each quoted after the one before it.

        Requests of one kind for one order become one. Raises Refused or NotFound.
        """
        if not operations:
            raise Refused(Code.NOTHING_NAMED.value)
        await self._settle_open(actor)
        plans = await self._plans(actor, arranged(operations))
        return make_proposal(plans, actor.customer_id, self._nonce(), operations)

    # Writing

    async def execute(self, actor: Actor, proposal: Proposal, confirmation: str) -> list[Outcome]:
        """Carry out a confirmed proposal: one outcome per quote.

        Raises Refused: `confirmation_mismatch` when the yes belongs to another card, `proposal_outdated` when a card
        would look different now; nothing was written then. The same confirmation again writes nothing again.
        """
        if confirmation != proposal.digest or not proposal.intact:
            raise Refused(Code.CONFIRMATION_MISMATCH.value)
        if proposal.customer_id != actor.customer_id:
            await self._note(actor, "foreign_proposal", proposal.customer_id)
            raise NotFound("no such proposal")
        async with self._lock(actor.customer_id):
            done = {e.position for e in await self._ledger.of_proposal(proposal.digest)}
            fresh = [q for position, q in enumerate(proposal.quotes) if position not in done]
            if not done:
                await self._check_current(actor, fresh)
            return await self._carry_out_all(actor, proposal, done)

    async def settle(self, operation: str) -> Outcome | None:
        """What became of a confirmed operation, asking the shop's system where that is open; None for an unknown id.

        An accepted write is entered once, however often this is called.
        """
        entry = await self._ledger.entry(operation)
        if entry is None:
            return None
        async with self._lock(entry.customer_id):
            return await self._execution.settle(await self._ledger.entry(operation) or entry, self._clock())

    async def unsettled(self) -> list[str]:
        """Ids of operations whose answer is open, oldest first; what is just being asked is left out."""
        under_way_since = self._clock().timestamp() - self._patience_s - GRACE.total_seconds()
        return [e.operation_id for e in await self._ledger.unsettled()
                if e.state is LedgerState.UNKNOWN or e.at.timestamp() < under_way_since]

    # Within

    async def _carry_out_all(self, actor: Actor, proposal: Proposal, done: set[int]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for position, quote in enumerate(proposal.quotes):
            if position in done:
                outcome = await self._execution.again(operation_id(proposal.digest, position), self._clock())
            else:
                outcome = await self._carry_out(actor, proposal, position, quote)
            outcomes.append(outcome)
        return outcomes

    async def _carry_out(self, actor: Actor, proposal: Proposal, position: int, quote: Quote) -> Outcome:
        """One operation, on the state the earlier ones really left; when that is not the confirmed one, not at all."""
        plan, reason = await self._plan_as_confirmed(actor, quote)
        entry = new_entry(proposal.digest, position, quote, plan, actor.customer_id, actor.conversation_id,
                          self._clock())
        if plan is None:
            return await self._execution.turn_down(entry, reason)
        return await self._execution.carry_out(entry, plan)

    async def _plan_as_confirmed(self, actor: Actor, quote: Quote) -> tuple[Plan | None, str]:
        try:
            plan = (await self._plans(actor, [quote.operation]))[0]
        except Refused as refused:
            return None, refused.code
        except NotFound:
            return None, Code.PROPOSAL_OUTDATED.value
        return (plan, "") if quote_of(plan).digest == quote.digest else (None, Code.PROPOSAL_OUTDATED.value)

    async def _check_current(self, actor: Actor, quotes: Sequence[Quote]) -> None:
        """Raise Refused unless every card would look the same if it were made now."""
        try:
            plans = await self._plans(actor, [q.operation for q in quotes])
        except Refused as refused:
            raise Refused(Code.PROPOSAL_OUTDATED.value, {**refused.facts, "why": refused.code},
                          refused.alternatives) from refused
        for quote, plan in zip(quotes, plans, strict=True):
            if quote_of(plan).digest != quote.digest:
                raise Refused(Code.PROPOSAL_OUTDATED.value, {"order_number": quote.order_number,
                                                             "operation": quote.kind, "why": ""})

    async def _plans(self, actor: Actor, operations: Sequence[Operation]) -> list[Plan]:
        customer = await self.customer(actor)
        orders: dict[str, Order] = {}
        for operation in operations:
            if isinstance(operation, ChangeDefaultAddress):
                await self._own_record(actor, operation)
            elif operation.order_id not in orders:
                stored = await self._book.order(operation.order_id)
                orders[operation.order_id] = await self._own(actor, stored, operation.order_id)
        shop = await survey(operations, orders.values(), self._catalogue, self.rules, self._clock())
        plans = plan_in_sequence(operations, orders, customer, shop)
        await self._check_nothing_open(actor, plans)
        return plans

    async def _check_nothing_open(self, actor: Actor, plans: Sequence[Plan]) -> None:
        """Raise Refused where an unanswered request concerns the same order, or the same gift cards."""
        waiting = await self._ledger.unsettled(actor.customer_id)
        orders, balances = {e.order_id for e in waiting}, any(e.touches_customer for e in waiting)
        for plan in plans:
            if order_id_of(plan.operation) in orders or (balances and plan.touches_customer):
                raise refuse(Code.ANSWER_PENDING, plan.kind, plan.order_before)

    async def _settle_open(self, actor: Actor) -> None:
        for entry in await self._ledger.unsettled(actor.customer_id):
            await self.settle(entry.operation_id)

    async def _own(self, actor: Actor, order: Order | None, named: str) -> Order:
        if order is not None and order.customer_id != actor.customer_id:
            await self._note(actor, "foreign_order", order.id)
            order = None
        if order is None:
            raise NotFound(f"no order {named}")
        return order

    async def _own_record(self, actor: Actor, operation: ChangeDefaultAddress) -> None:
        if operation.customer_id != actor.customer_id:
            await self._note(actor, "foreign_customer", operation.customer_id)
            raise NotFound("no such customer")

    async def _note(self, actor: Actor, event: str, subject: str) -> None:
        await self._audit.record(AuditRecord(self._clock(), event, actor.customer_id, actor.conversation_id, subject))

    def _lock(self, customer_id: str) -> asyncio.Lock:
        """One write at a time per customer, so that two orders cannot spend one gift card."""
        return self._locks.setdefault(customer_id, asyncio.Lock())
