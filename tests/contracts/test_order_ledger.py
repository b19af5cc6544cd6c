"""Ledger, order events and audit: one suite for memory and for the database, and a restart in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.stores import database
from knowledge import db
from knowledge.models import OrderStatus
from knowledge.orderbook import SqlOrderBook
from knowledge.orders.audit import AuditRecord
from knowledge.orders.backend import EmbeddedBackend
from knowledge.orders.ledger import LedgerEntry, LedgerState, MemoryLedger
from knowledge.orders.ledger_sql import SqlAudit, SqlLedger, SqlOrderEvents
from knowledge.orders.operations import CancelOrder, ChangeDefaultAddress, OutcomeState
from knowledge.orders.outbox import MemoryOrderEvents
from tests.fakes_orders import ANA, CABIN, NOW, ana, ben, carry_out, open_desk, orders

QUOTE = {"operation": {"type": "CancelOrder", "order_id": "100", "reason": ""}, "kind": "cancel_order",
         "order_number": "#W100", "changes": [], "money": [], "digest": "d"}


@pytest.fixture
async def engine(tmp_path):
    made = db.open_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    await db.upgrade(made)
    yield made
    await made.dispose()


@pytest.fixture
async def service_writer(engine):
    """The writer of a running service, which lets works share a transaction."""
    async with database.open_writer(engine) as write:
        yield write


@pytest.fixture(params=["memory", "sql", "service"])
def ledger(request, engine, service_writer):
    written = {"sql": None, "service": service_writer}
    return SqlLedger(engine, written[request.param]) if request.param in written else MemoryLedger()


@pytest.fixture(params=["memory", "sql", "service"])
def events(request, engine, service_writer):
    written = {"sql": None, "service": service_writer}
    return SqlOrderEvents(engine, written[request.param]) if request.param in written else MemoryOrderEvents()


def entry(key: str, position: int = 0, customer: str = "C1") -> LedgerEntry:
    return LedgerEntry(key, "digest", position, customer, "talk", QUOTE, {"customer_after": {"id": customer}},
                       NOW + timedelta(seconds=position))


async def test_an_operation_id_is_begun_once(ledger):
    assert await ledger.begin(entry("a"))
    assert not await ledger.begin(replace(entry("a"), customer_id="C9"))
    assert await ledger.entry("a") == entry("a")
    assert await ledger.entry("b") is None


async def test_a_settled_entry_stays_settled_and_forgets_its_states(ledger):
    await ledger.begin(entry("a"))
    assert await ledger.finish("a", LedgerState.UNKNOWN, "queued")
    assert (await ledger.entry("a")).states == {"customer_after": {"id": "C1"}}
    assert await ledger.finish("a", LedgerState.REFUSED, "packed")
    assert not await ledger.finish("a", LedgerState.ACCEPTED)
    kept = await ledger.entry("a")
    assert (kept.state, kept.reason, kept.states, kept.order_id) == (LedgerState.REFUSED, "packed", {}, "100")


async def test_open_entries_come_oldest_first_and_by_customer(ledger):
    for key, position, customer in (("b", 2, "C1"), ("a", 1, "C2"), ("c", 3, "C1"), ("d", 0, "C1")):
        await ledger.begin(entry(key, position, customer))
    await ledger.finish("c", LedgerState.ACCEPTED)
    assert [e.operation_id for e in await ledger.unsettled()] == ["d", "a", "b"]
    assert [e.operation_id for e in await ledger.unsettled("C1")] == ["d", "b"]
    assert [e.operation_id for e in await ledger.of_proposal("digest")] == ["d", "a", "b", "c"]


async def test_events_are_kept_once_and_in_order(events):
    for kind, operation in (("order.cancelled", "a"), ("order.items_changed", "b"), ("order.cancelled", "a")):
        await events.record(kind, {"number": "#W1"}, operation)
    kept = await events.after(0)
    assert [(e.kind, e.operation_id, e.data) for e in kept] == [
        ("order.cancelled", "a", {"number": "#W1"}), ("order.items_changed", "b", {"number": "#W1"})]
    assert [e.operation_id for e in await events.after(kept[0].seq)] == ["b"]
    assert len(await events.after(0, limit=1)) == 1


async def test_the_audit_is_kept(engine):
    audit = SqlAudit(engine)
    record = AuditRecord(NOW, "foreign_order", "C1", "talk", "200")
    await audit.record(record)
    assert await audit.records() == [record]


async def test_on_the_database_a_yes_after_a_restart_writes_once(engine):
    book = SqlOrderBook(engine)
    for person in (ana(), ben()):
        await book.save_customer(person)
    for order in orders():
        await book.save(order)
    desk = open_desk(book=book, backend=EmbeddedBackend(book))
    desk.ledger, desk.events = SqlLedger(engine), SqlOrderEvents(engine)
    proposal = await desk.restarted().propose(ANA, [CancelOrder("102", "no longer needed"),
                                                    ChangeDefaultAddress("C1", CABIN)])
    first = await desk.restarted().execute(ANA, proposal, proposal.digest)
    second = await desk.restarted().execute(ANA, proposal, proposal.digest)
    assert {o.state for o in first} == {OutcomeState.ACCEPTED}
    assert {o.state for o in second} == {OutcomeState.ALREADY_DONE}
    assert (await desk.stored("102")).status is OrderStatus.CANCELLED
    assert await desk.balance() == Decimal("165.00")
    assert (await book.customer("C1")).address == CABIN
    assert [e.kind for e in await desk.events.after(0)] == ["order.cancelled", "customer.address_changed"]


async def test_a_crash_between_write_and_ledger_is_found_and_finished():
    desk = open_desk()
    stopped = desk.ledger.finish

    async def power_cut(*_):
        raise KeyError("power cut")

    desk.ledger.finish = power_cut
    with pytest.raises(KeyError):
        await carry_out(desk, CancelOrder("102", "no longer needed"))
    desk.ledger.finish = stopped
    assert (await desk.stored("102")).status is OrderStatus.CANCELLED
    desk.now[0] = NOW + timedelta(minutes=1)
    service = desk.restarted()
    [operation] = await service.unsettled()
    assert (await service.settle(operation)).state is OutcomeState.ACCEPTED
    assert await service.unsettled() == []
    assert await desk.balance() == Decimal("165.00")
    assert len(desk.events.events) == 1
