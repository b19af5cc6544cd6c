"""A small shop in memory for tests of orders, and a shop's order system that can be told to misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from knowledge.errors import Refused, Unavailable
from knowledge.models import (
    Address,
    Customer,
    MethodKind,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentMethod,
    Product,
    Variant,
)
from knowledge.orders.audit import MemoryAudit
from knowledge.orders.backend import EmbeddedBackend
from knowledge.orders.ledger import MemoryLedger
from knowledge.orders.memory import MemoryCatalogue, MemoryOrderBook
from knowledge.orders.operations import Operation, Outcome
from knowledge.orders.outbox import MemoryOrderEvents
from knowledge.orders.rules import Rules
from knowledge.orders.service import Actor, OrderService
from knowledge.ports import BackendAnswer, BackendState, OrderBackend, OrderBook

SHIPPED_RULES = Path(__file__).parents[1] / "bot" / "assistant" / "policies" / "rules.yml"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANA, BEN = Actor("C1", "talk-1"), Actor("C2", "talk-2")
HOME = Address("4 Quay Lane", None, "Harwick", "ME", "04101", "USA")
CABIN = Address("19 Pine Ridge", "Cabin B", "Bexley", "VT", "05033-1200", "USA")


def lamp() -> Product:
    def one(key: str, price: str, stock: int | None, **options: str) -> Variant:
        return Variant(key, Decimal(price), f"SKU-{key}", options, stock=stock)

    return Product("P1", "Desk Lamp", (
        one("V1", "40.00", 5, color="black", power="usb"), one("V2", "55.50", 5, color="white", power="usb"),
        one("V3", "31.25", 1, color="black", power="battery"), one("V4", "44.00", 0, color="red", power="usb"),
        one("V5", "40.00", None, color="green", power="usb")), category=("Home", "Lighting"))


def kettle() -> Product:
    return Product("P2", "Kettle", (
        Variant("K1", Decimal("25.00"), "SKU-K1", {"size": "1 l"}, stock=9),
        Variant("K2", Decimal("35.00"), "SKU-K2", {"size": "2 l"}, stock=9)), category=("Kitchen",))


def methods(*kinds: str, card: str = "60.00") -> tuple[PaymentMethod, ...]:
    every = {"visa": PaymentMethod("visa", MethodKind.CREDIT_CARD, "visa ending 1111"),
             "paypal": PaymentMethod("paypal", MethodKind.PAYPAL, "paypal"),
             "gift": PaymentMethod("gift", MethodKind.GIFT_CARD, "gift card 77", Decimal(card))}
    return tuple(every[k] for k in kinds or every)


def ana() -> Customer:
    return Customer("C1", "Ana", "Ruiz", "ana@example.com", "+1 207 555 0142", "en", HOME, methods())


def ben() -> Customer:
    return Customer("C2", "Ben", "Ode", "ben@example.com", address=CABIN,
                    payment_methods=(PaymentMethod("bens-visa", MethodKind.CREDIT_CARD, "visa ending 2222"),))


def order(key: str, status: str, *, customer: str = "C1", method: str = "visa", quantity: int = 1) -> Order:
    """Lines L1 (lamp V1, 40.00), L2 (lamp V1 again) and L3 (kettle K1, 25.00), paid by one method."""
    lines = (OrderLine("L1", "P1", "V1", "Desk Lamp", Decimal("40.00"), {"color": "black", "power": "usb"}, quantity),
             OrderLine("L2", "P1", "V1", "Desk Lamp", Decimal("40.00"), {"color": "black", "power": "usb"}),
             OrderLine("L3", "P2", "K1", "Kettle", Decimal("25.00"), {"size": "1 l"}))
    total = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
    return Order(key, f"#W{key}", customer, OrderStatus(status), lines, NOW - timedelta(days=3), "USD", HOME,
                 payments=(Payment("payment", total, method),),
                 delivered_at=NOW - timedelta(days=1) if status == "delivered" else None)


def orders() -> list[Order]:
    return [order("100", "pending"), order("101", "delivered"), order("102", "pending", method="gift"),
            order("103", "shipped"), order("200", "pending", customer="C2", method="bens-visa"),
            order("201", "delivered", customer="C2", method="bens-visa")]


@dataclass
class Desk:
    """A service with everything behind it in reach."""

    book: OrderBook
    service: OrderService
    ledger: MemoryLedger
    events: MemoryOrderEvents
    audit: MemoryAudit
    catalogue: MemoryCatalogue
    backend: OrderBackend
    now: list[datetime] = field(default_factory=lambda: [NOW])

    async def stored(self, key: str) -> Order:
        found = await self.book.order(key)
        assert found is not None
        return found

    async def balance(self, customer_id: str = "C1", method: str = "gift") -> Decimal:
        person = await self.book.customer(customer_id)
        assert person is not None
        return next(m.balance or Decimal(0) for m in person.payment_methods if m.id == method)

    def restarted(self) -> OrderService:
        """The same shop after the process died: only what is kept outside it is left."""
        return OrderService(self.book, self.catalogue, self.backend, self.service.rules, clock=lambda: self.now[0],
                            audit=self.audit, ledger=self.ledger, events=self.events, patience_s=0.05)


def open_desk(*, rules: Rules | None = None, customers: Iterable[Customer] | None = None,
              stock: Iterable[Order] | None = None, backend: OrderBackend | None = None,
              book: OrderBook | None = None) -> Desk:
    the_book = book or MemoryOrderBook(customers or [ana(), ben()], orders() if stock is None else stock)
    now = [NOW]
    desk = Desk(the_book, None, MemoryLedger(), MemoryOrderEvents(), MemoryAudit(),  # type: ignore[arg-type]
                MemoryCatalogue([lamp(), kettle()]), backend or EmbeddedBackend(the_book), now)
    desk.service = OrderService(the_book, desk.catalogue, desk.backend, rules or Rules.load(SHIPPED_RULES),
                                clock=lambda: now[0], audit=desk.audit, ledger=desk.ledger, events=desk.events,
                                patience_s=0.05)
    return desk


async def carry_out(desk: Desk, *operations: Operation, actor: Actor = ANA) -> list[Outcome]:
    """Propose and confirm."""
    proposal = await desk.service.propose(actor, operations)
    return await desk.service.execute(actor, proposal, proposal.digest)


async def refusal(desk: Desk, *operations: Operation, actor: Actor = ANA) -> Refused:
    """What proposing these is refused with."""
    with pytest.raises(Refused) as caught:
        await desk.service.propose(actor, operations)
    return caught.value


class StandInShop:
    """A shop's order system over the wire. `faults` are used up one per request:

    "time_out" carried out, no answer in time; "lost_ack" carried out, the connection breaks; "lost_request" never
    arrives; "late_refusal" and "late_acceptance" answer "unknown" and decide later; "refuse"; "duplicate" delivered
    twice; "ok".
    """

    def __init__(self, faults: Iterable[str] = ()) -> None:
        self.faults = list(faults)
        self.carried_out: dict[str, str] = {}        # operation id → kind: what it really did
        self.requests: list[str] = []
        self._decided: dict[str, BackendAnswer] = {}
        self._later: dict[str, BackendAnswer] = {}
        self.silent = False                          # `outcome` does not answer either

    async def request(self, operation_id: str, before: Order | None, after: Order | None, customer: Customer | None,
                      kind: str, *, customer_before: Customer | None = None) -> BackendAnswer:
        self.requests.append(operation_id)
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault == "lost_request":
            raise Unavailable("no route")
        if fault in ("late_refusal", "late_acceptance"):
            state = BackendState.ACCEPTED if fault == "late_acceptance" else BackendState.REFUSED
            self._later[operation_id] = BackendAnswer(state, "" if state is BackendState.ACCEPTED else "already packed")
            return BackendAnswer(BackendState.UNKNOWN, "queued")
        answer = self._decide(operation_id, kind, refuse=fault == "refuse")
        if fault == "duplicate":
            answer = self._decide(operation_id, kind)
        if fault == "time_out":
            await asyncio.sleep(30)
        if fault == "lost_ack":
            raise ConnectionResetError("peer went away")
        return answer

    def _decide(self, operation_id: str, kind: str, *, refuse: bool = False) -> BackendAnswer:
        if operation_id not in self._decided:
            if not refuse:
                self.carried_out[operation_id] = kind
            state = BackendState.REFUSED if refuse else BackendState.ACCEPTED
            reason = "already packed" if refuse else ""
            self._decided[operation_id] = BackendAnswer(state, reason, f"ref-{operation_id[:6]}")
        return self._decided[operation_id]

    def decide_late(self) -> None:
        """The queue behind the shop's system gets to them."""
        for operation_id, answer in self._later.items():
            self._decided[operation_id] = answer
            if answer.state is BackendState.ACCEPTED:
                self.carried_out[operation_id] = "late"
        self._later.clear()

    async def outcome(self, operation_id: str) -> BackendAnswer:
        if self.silent:
            raise Unavailable("down")
        if operation_id in self._later:
            return BackendAnswer(BackendState.UNKNOWN, "queued")
        # What never arrived is refused for good: a request still on its way finds this decision.
        return self._decided.setdefault(operation_id, BackendAnswer(BackendState.REFUSED, "never_carried_out"))
