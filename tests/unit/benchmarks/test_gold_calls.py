"""The order service, given the calls of every retail task, leaves exactly the state that the native format asks for.

Two implementations that know nothing of each other meet here: `knowledge.orders` and `benchmarks.retail.expected`.
"""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.retail.compare import differences
from benchmarks.retail.expected import WRITES, expected_store
from benchmarks.retail.faults import expected_calls
from benchmarks.retail.store import Record, Store, Task, read_store, read_tasks
from knowledge import native
from knowledge.errors import Refused
from knowledge.models import Address
from knowledge.orders import operations as ops
from knowledge.orders.backend import EmbeddedBackend
from knowledge.orders.memory import MemoryCatalogue, MemoryOrderBook
from knowledge.orders.rules import Rules
from knowledge.orders.service import Actor, OrderService

EXTRA = Path(__file__).resolve().parents[3] / "benchmarks" / "data" / "retail_extra_tasks.jsonl"
ALREADY_SO = {"address_same"}              # a call that would change nothing may be refused
Own = dict[str, Any]


class Parsed:
    """The retail store as the knowledge base reads it, parsed once for all tasks."""

    def __init__(self, store: Store) -> None:
        self.raw = store
        self.customers = {key: native.customer_from(row) for key, row in store.customers.items()}
        self.orders = {key: native.order_from(row) for key, row in store.orders.items()}
        self.catalogue = MemoryCatalogue(map(native.product_from, store.products.values()))


class Counter:
    """A shop over the retail store in memory, with the shipped rules."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.book = MemoryOrderBook(parsed.customers.values(), parsed.orders.values())
        self.service = OrderService(self.book, parsed.catalogue, EmbeddedBackend(self.book), Rules())

    async def carry_out(self, call: Record) -> None:
        customer, operation = operation_of(call, self.parsed.raw)
        actor = Actor(customer)
        proposal = await self.service.propose(actor, [operation])
        outcomes = await self.service.execute(actor, proposal, proposal.digest)
        assert [o.state for o in outcomes] == [ops.OutcomeState.ACCEPTED]

    async def export(self) -> Store:
        """The whole store; records that are still the very same object are given back as they were read."""
        raw = self.parsed.raw
        customers, orders = dict(raw.customers), dict(raw.orders)
        for key, was in self.parsed.customers.items():
            if (customer := await self.book.customer(key)) is not was and customer:
                customers[key] = native.customer_to(customer)
        for key, before in self.parsed.orders.items():
            if (order := await self.book.order(key)) is not before and order:
                orders[key] = native.order_to(order)
        return Store(raw.products, customers, orders)


def operation_of(call: Record, store: Store) -> tuple[str, ops.Operation]:
    """(customer id, operation) of a call in the benchmark's own words."""
    args, name = call["arguments"], call["name"]
    if name == "modify_user_address":
        return args["user_id"], ops.ChangeDefaultAddress(args["user_id"], address_of(args))
    order = store.order_by_number(args["order_id"])
    key, method = order["id"], args.get("payment_method_id")
    lines = lines_of(order, args.get("item_ids", ()))
    swaps = tuple(ops.Swap(line, new) for line, new in zip(lines, args.get("new_item_ids", ()), strict=False))
    made: dict[str, ops.Operation] = {
        "cancel_pending_order": ops.CancelOrder(key, args.get("reason", "")),
        "modify_pending_order_address": ops.ChangeAddress(key, address_of(args)),
        "modify_pending_order_payment": ops.ChangePayment(key, method or ""),
        "modify_pending_order_items": ops.ChangeItems(key, swaps, method),
        "return_delivered_order_items": ops.ReturnItems(key, tuple((line, 1) for line in lines), method or ""),
        "exchange_delivered_order_items": ops.ExchangeItems(key, swaps, method),
    }
    return order["customer_id"], made[name]


def lines_of(order: Record, variant_ids: list[str]) -> list[str]:
    free = [(line["variant_id"], line["id"]) for line in order["lines"]]
    found = []
    for variant_id in variant_ids:
        pair = next(pair for pair in free if pair[0] == variant_id)
        free.remove(pair)
        found.append(pair[1])
    return found


def address_of(args: Own) -> Address:
    return Address(args.get("address1"), args.get("address2") or None, args.get("city"), args.get("state"),
                   args.get("zip"), args.get("country"))


async def play(counter: Counter, task: Task) -> None:
    for call in expected_calls(task):
        if call["name"] in WRITES:
            try:
                await counter.carry_out(call)
            except Refused as refused:
                assert refused.code in ALREADY_SO, (task.id, call["name"], refused.code)


@pytest.fixture(scope="module")
def parsed(retail: Path) -> Parsed:
    return Parsed(read_store(retail))


def test_reading_and_writing_the_native_format_keeps_the_store(parsed: Parsed) -> None:
    rewritten = Store(parsed.raw.products, {key: native.customer_to(c) for key, c in parsed.customers.items()},
                      {key: native.order_to(o) for key, o in parsed.orders.items()})
    assert differences(parsed.raw, rewritten) == []


async def test_every_task_leaves_the_expected_state(retail: Path, parsed: Parsed) -> None:
    wrong = {}
    for task in [*read_tasks(retail / "tasks_train.jsonl"), *read_tasks(EXTRA)]:
        counter = Counter(parsed)
        await play(counter, task)
        if found := differences(expected_store(parsed.raw, expected_calls(task)), await counter.export()):
            wrong[task.id] = found
    assert wrong == {}


async def test_an_exchange_that_the_gift_card_cannot_pay_is_refused(retail: Path, parsed: Parsed) -> None:
    task = next(t for t in read_tasks(retail / "tasks_train.jsonl") if t.id == "105")
    call = next(c for c in task.actions if c["name"] in WRITES)
    counter = Counter(parsed)
    with pytest.raises(Refused) as refused:
        await counter.carry_out(call)
    assert refused.value.code == "gift_card_short"
    assert differences(parsed.raw, await counter.export()) == []
