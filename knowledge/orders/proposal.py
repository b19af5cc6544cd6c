"""Several operations as one card: put in the order in which they can all happen, and bound by one digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from knowledge.errors import Refused
from knowledge.models import Customer, Order
from knowledge.orders import operations as ops
from knowledge.orders.plans import Plan, Shop, kind_of
from knowledge.orders.quotes import plan, quote_of
from knowledge.orders.refusals import Code, refuse
from knowledge.orders.wire import digest, quote_from_json, quote_to_json

# A change of items forbids every later change, so it comes after address and payment; what ends the order comes last.
_RANK = {kind: rank for rank, kind in enumerate(
    ("change_address", "change_payment", "change_items", "cancel_order", "exchange_items", "return_items"))}

Swapping = TypeVar("Swapping", ops.ChangeItems, ops.ExchangeItems)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the customer is asked to confirm. `digest` is what their yes is bound to: customer, nonce and every card.

    `reordered` tells that the operations do not stand in the order they were asked for.
    """

    quotes: tuple[ops.Quote, ...]
    digest: str
    customer_id: str = ""
    nonce: str = ""
    reordered: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"quotes": [quote_to_json(q) for q in self.quotes], "digest": self.digest,
                "customer_id": self.customer_id, "nonce": self.nonce, "reordered": self.reordered}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(tuple(quote_from_json(q) for q in data["quotes"]), data["digest"], data["customer_id"],
                   data["nonce"], data["reordered"])

    @property
    def intact(self) -> bool:
        """Whether the digest still fits the quotes: false when somebody tampered with it."""
        return self.digest == proposal_digest(self.customer_id, self.nonce, self.quotes)


def proposal_digest(customer_id: str, nonce: str, quotes: Sequence[ops.Quote]) -> str:
    return digest([customer_id, nonce, [quote_to_json(q) for q in quotes]])


def make_proposal(plans: Sequence[Plan], customer_id: str, nonce: str, asked: Sequence[ops.Operation]) -> Proposal:
    quotes = tuple(quote_of(p) for p in plans)
    kept = [o for o in asked if any(o == q.operation for q in quotes)]
    reordered = kept != [q.operation for q in quotes if q.operation in kept]
    return Proposal(quotes, proposal_digest(customer_id, nonce, quotes), customer_id, nonce, reordered)


def order_id_of(operation: ops.Operation) -> str:
    """'' for the default address."""
    return "" if isinstance(operation, ops.ChangeDefaultAddress) else operation.order_id


def arranged(operations: Sequence[ops.Operation]) -> list[ops.Operation]:
    """Same-kind requests merged, then grouped by order in the order first mentioned, within one order by rank."""
    merged = _merged(operations)
    groups = {order_id: i for i, order_id in enumerate(dict.fromkeys(order_id_of(o) for o in merged))}
    return sorted(merged, key=lambda o: (groups[order_id_of(o)], _RANK.get(kind_of(o), 0)))


def _merged(operations: Sequence[ops.Operation]) -> list[ops.Operation]:
    """Items may change once per order, so two such requests are one; likewise exchanges and returns."""
    result: list[ops.Operation] = []
    for operation in operations:
        for i, earlier in enumerate(result):
            joined = _joined(earlier, operation)
            if joined is not None:
                result[i] = joined
                break
        else:
            result.append(operation)
    return result


def _joined(a: ops.Operation, b: ops.Operation) -> ops.Operation | None:
    if a == b:
        return a
    if isinstance(a, ops.ReturnItems) and isinstance(b, ops.ReturnItems):
        same = (a.order_id, a.method_id, a.reason) == (b.order_id, b.method_id, b.reason)
        return replace(a, lines=tuple(dict.fromkeys(a.lines + b.lines))) if same else None
    if isinstance(a, ops.ChangeItems) and isinstance(b, ops.ChangeItems):
        return _join_swaps(a, b)
    if isinstance(a, ops.ExchangeItems) and isinstance(b, ops.ExchangeItems):
        return _join_swaps(a, b)
    return None


def _join_swaps(a: Swapping, b: Swapping) -> Swapping | None:
    if a.order_id != b.order_id or (a.method_id and b.method_id and a.method_id != b.method_id):
        return None
    return replace(a, swaps=tuple(dict.fromkeys(a.swaps + b.swaps)), method_id=a.method_id or b.method_id)


def plan_in_sequence(operations: Sequence[ops.Operation], orders: Mapping[str, Order], customer: Customer,
                     shop: Shop) -> list[Plan]:
    """Plan each on the state the earlier ones leave. Raises Refused.

    What would be allowed alone and is not after an earlier one is refused as `blocked_by_other_request`.
    """
    now_orders, now_customer = dict(orders), customer
    plans: list[Plan] = []
    for operation in operations:
        order_id = order_id_of(operation)
        try:
            made = plan(operation, now_orders.get(order_id), now_customer, shop)
        except Refused as refused:
            raise _explained(refused, operation, orders.get(order_id), customer, shop, plans) from refused
        plans.append(made)
        now_customer = made.customer_after
        if made.order_after is not None:
            now_orders[order_id] = made.order_after
    return plans


def _explained(refused: Refused, operation: ops.Operation, order: Order | None, customer: Customer, shop: Shop,
               earlier: Sequence[Plan]) -> Refused:
    same_order = [p for p in earlier if order_id_of(p.operation) == order_id_of(operation)]
    if not same_order:
        return refused
    try:
        plan(operation, order, customer, shop)
    except Refused:
        return refused
    return refuse(Code.BLOCKED_BY_OTHER_REQUEST, kind_of(operation), order, blocked_by=same_order[-1].kind)
