"""Carrying out a confirmed proposal, once: ledger, shop's system, book, event, in this order.

Every step is idempotent by operation id, so whoever finds an unsettled entry (a second yes, a restart, a late answer)
goes on where it stopped. Ownership is checked before anything comes here.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Any

from knowledge import native
from knowledge.errors import Unavailable
from knowledge.models import Customer, Order
from knowledge.orders.ledger import LedgerEntry, LedgerState, OperationLedger
from knowledge.orders.operations import Outcome, OutcomeState, Quote
from knowledge.orders.outbox import EVENT_NAMES, OrderEvents
from knowledge.orders.plans import Plan
from knowledge.orders.rebase import rebased_customer, rebased_order
from knowledge.orders.wire import quote_from_json, quote_to_json
from knowledge.ports import BackendAnswer, BackendState, OrderBackend, OrderBook

GRACE = timedelta(seconds=5)          # on top of the patience: only then is "never carried out" the last word
_TRIES = 5                            # against others writing to the same order in the same moment
_STATES = {LedgerState.ACCEPTED: OutcomeState.ACCEPTED, LedgerState.REFUSED: OutcomeState.REFUSED}


def operation_id(proposal_digest: str, position: int) -> str:
    """The same for the same confirmation, however often it comes."""
    return hashlib.sha256(f"{proposal_digest}:{position}".encode()).hexdigest()[:32]


class Execution:
    """Asks the shop's system and keeps book, ledger and events in step. `patience_s` bounds the wait for an answer."""

    def __init__(self, book: OrderBook, backend: OrderBackend, ledger: OperationLedger, events: OrderEvents,
                 patience_s: float) -> None:
        self._book, self._backend, self._ledger, self._events = book, backend, ledger, events
        self._patience_s = patience_s

    async def carry_out(self, entry: LedgerEntry, plan: Plan) -> Outcome:
        """Ask for one write and take over what was accepted. Nothing is claimed that was not."""
        if not await self._ledger.begin(entry):
            return await self.again(entry.operation_id, entry.at)
        answer = await self._ask(entry.operation_id, plan)
        return await self._take(entry, answer)

    async def turn_down(self, entry: LedgerEntry, reason: str) -> Outcome:
        """Enter it as refused without asking: the state it was confirmed for is gone."""
        if not await self._ledger.begin(entry):
            return await self.again(entry.operation_id, entry.at)
        await self._ledger.finish(entry.operation_id, LedgerState.REFUSED, reason)
        return _outcome(entry, OutcomeState.REFUSED, reason)

    async def again(self, operation: str, now: datetime) -> Outcome:
        """What became of an operation that was confirmed before: ALREADY_DONE where it was accepted then."""
        entry = await self._ledger.entry(operation)
        assert entry is not None, "only operations in the ledger are asked for again"
        if entry.state is LedgerState.ACCEPTED:
            return _outcome(entry, OutcomeState.ALREADY_DONE)
        return await self.settle(entry, now)

    async def settle(self, entry: LedgerEntry, now: datetime) -> Outcome:
        """Ask what became of it, unless that is known. A refusal counts only when no request can be under way."""
        if entry.settled:
            return _outcome(entry, _STATES[entry.state], entry.reason)
        answer = await self._ask_outcome(entry.operation_id)
        if answer.state is BackendState.REFUSED and self._under_way(entry, now):
            return _outcome(entry, OutcomeState.UNKNOWN)
        return await self._take(entry, answer)

    def _under_way(self, entry: LedgerEntry, now: datetime) -> bool:
        return entry.state is LedgerState.REQUESTED and now < entry.at + GRACE + timedelta(seconds=self._patience_s)

    async def _ask(self, operation: str, plan: Plan) -> BackendAnswer:
        customer = plan.customer_after if plan.touches_customer else None
        before = plan.customer_before if plan.touches_customer else None
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._backend.request(operation, plan.order_before, plan.order_after, customer, plan.kind,
                                                   customer_before=before)
        except (Unavailable, OSError) as error:       # TimeoutError is an OSError; it may have been carried out
            return BackendAnswer(BackendState.UNKNOWN, type(error).__name__)

    async def _ask_outcome(self, operation: str) -> BackendAnswer:
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._backend.outcome(operation)
        except (Unavailable, OSError) as error:
            return BackendAnswer(BackendState.UNKNOWN, type(error).__name__)

    async def _take(self, entry: LedgerEntry, answer: BackendAnswer) -> Outcome:
        """Enter the answer: book, event, and the ledger last, so that a crash in between leaves it unsettled."""
        if answer.state is BackendState.ACCEPTED:
            await self._apply(entry)
            await self._announce(entry)
            await self._ledger.finish(entry.operation_id, LedgerState.ACCEPTED)
            return _outcome(entry, OutcomeState.ACCEPTED, reference=answer.reference)
        if answer.state is BackendState.REFUSED:
            await self._ledger.finish(entry.operation_id, LedgerState.REFUSED, answer.reason)
            return _outcome(entry, OutcomeState.REFUSED, answer.reason)
        await self._ledger.finish(entry.operation_id, LedgerState.UNKNOWN, answer.reason)
        return _outcome(entry, OutcomeState.UNKNOWN, answer.reason)

    async def _apply(self, entry: LedgerEntry) -> None:
        """Bring our book to what was accepted, once, on top of whatever stands there now."""
        before, after = _order(entry, "order_before"), _order(entry, "order_after")
        person_before, person_after = _customer(entry, "customer_before"), _customer(entry, "customer_after")
        for _ in range(_TRIES):
            if await self._book.applied(entry.operation_id):
                return
            person = await self._book.customer(entry.customer_id) if person_after else None
            target = None
            if person and person_before and person_after:
                target = rebased_customer(person_before, person_after, person)
            if before and after:
                current = await self._book.order(after.id) or before
                if await self._book.save(rebased_order(before, after, current), customer=target, expected=current,
                                         expected_customer=person, operation_id=entry.operation_id):
                    return
            elif target and await self._book.save_customer(target, expected=person, operation_id=entry.operation_id):
                return
        if not await self._book.applied(entry.operation_id):
            raise Unavailable(f"operation {entry.operation_id} was accepted, not entered yet (settling it tries again)")

    async def _announce(self, entry: LedgerEntry) -> None:
        after = entry.states.get("order_after") or entry.states.get("customer_after")
        if not after:
            return
        quote = quote_from_json(entry.quote)
        stored = await self._stored(entry)
        await self._events.record(EVENT_NAMES[quote.kind], stored or after, entry.operation_id)

    async def _stored(self, entry: LedgerEntry) -> dict[str, Any] | None:
        """The native order, or customer, as the book has it now."""
        if order := _order(entry, "order_after"):
            current = await self._book.order(order.id)
            return native.order_to(current) if current else None
        person = await self._book.customer(entry.customer_id)
        return native.customer_to(person) if person else None


def new_entry(proposal_digest: str, position: int, quote: Quote, plan: Plan | None, customer_id: str,
              conversation_id: str, now: datetime) -> LedgerEntry:
    """The ledger's entry for one operation. Without a plan (it is turned down) it holds no states."""
    return LedgerEntry(operation_id(proposal_digest, position), proposal_digest, position, customer_id,
                       conversation_id, quote_to_json(quote), _states(plan) if plan else {}, now)


def _states(plan: Plan) -> dict[str, Any]:
    states: dict[str, Any] = {}
    if plan.order_before and plan.order_after:
        states |= {"order_before": native.order_to(plan.order_before), "order_after": native.order_to(plan.order_after)}
    if plan.touches_customer:
        states |= {"customer_before": native.customer_to(plan.customer_before),
                   "customer_after": native.customer_to(plan.customer_after)}
    return states


def _order(entry: LedgerEntry, name: str) -> Order | None:
    data = entry.states.get(name)
    return native.order_from(data) if data else None


def _customer(entry: LedgerEntry, name: str) -> Customer | None:
    data = entry.states.get(name)
    return native.customer_from(data) if data else None


def _outcome(entry: LedgerEntry, state: OutcomeState, reason: str = "", **facts: Any) -> Outcome:
    base = {"customer_id": entry.customer_id, "conversation_id": entry.conversation_id}
    return Outcome(quote_from_json(entry.quote), state, entry.operation_id, reason,
                   base | {k: v for k, v in facts.items() if v})
