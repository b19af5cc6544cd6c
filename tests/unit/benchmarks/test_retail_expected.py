"""The retail proof's own arithmetic: what a write leaves, what counts as a difference, what counts as said."""

import copy
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.retail.compare import differences
from benchmarks.retail.expected import WRITES, expected_store
from benchmarks.retail.faults import CHECKED, FAULTS, expected_calls
from benchmarks.retail.script import read_script
from benchmarks.retail.store import Store, read_store, read_tasks
from benchmarks.retail.words import missing_words

SCRIPTS = Path(__file__).resolve().parents[3] / "benchmarks" / "data" / "retail_conversations"


def shop() -> Store:
    mug = {"id": "P1", "title": "Mug", "variants": [
        {"id": "red", "options": {"color": "red"}, "price": "10.00", "stock": 3},
        {"id": "blue", "options": {"color": "blue"}, "price": "12.50", "stock": 3}]}
    ana = {"id": "ana", "address": {"line1": "1 A St"}, "payment_methods": [
        {"id": "gc", "kind": "gift_card", "label": "gift card", "balance": "50.00"},
        {"id": "pp", "kind": "paypal", "label": "paypal", "balance": None}]}
    line = {"product_id": "P1", "variant_id": "red", "title": "Mug", "options": {"color": "red"}, "quantity": 1,
            "unit_price": "10.00"}
    order = {"id": "W1", "number": "#W1", "customer_id": "ana", "status": "pending", "address": {"line1": "1 A St"},
             "lines": [{"id": "L1", **line}, {"id": "L2", **line}],
             "payments": [{"kind": "payment", "amount": "20.00", "method_id": "gc"}]}
    return Store({"P1": mug}, {"ana": ana}, {"W1": order})


def after(name: str, **arguments: object) -> Store:
    return expected_store(shop(), [{"name": name, "arguments": {"order_id": "#W1", **arguments}}])


def balance(store: Store) -> Decimal:
    return Decimal(store.customers["ana"]["payment_methods"][0]["balance"])


def test_cancel_refunds_each_payment_and_credits_the_gift_card() -> None:
    store = after("cancel_pending_order", reason="no longer needed")
    order = store.orders["W1"]
    assert (order["status"], order["cancel_reason"]) == ("cancelled", "no longer needed")
    assert order["payments"][1] == {"kind": "refund", "amount": "20.00", "method_id": "gc"}
    assert balance(store) == Decimal("70.00")


def test_change_of_items_keeps_the_line_and_moves_the_net_difference() -> None:
    store = after("modify_pending_order_items", item_ids=["red", "red"], new_item_ids=["blue", "blue"],
                  payment_method_id="gc")
    order = store.orders["W1"]
    assert [(x["id"], x["variant_id"], x["unit_price"]) for x in order["lines"]] == [
        ("L1", "blue", "12.50"), ("L2", "blue", "12.50")]
    assert order["payments"][1:] == [{"kind": "payment", "amount": "5.00", "method_id": "gc"}]
    assert order["items_changed"] is True
    assert balance(store) == Decimal("45.00")


def test_change_of_payment_pays_anew_and_refunds_the_old() -> None:
    store = after("modify_pending_order_payment", payment_method_id="pp")
    assert store.orders["W1"]["payments"][1:] == [{"kind": "payment", "amount": "20.00", "method_id": "pp"},
                                                  {"kind": "refund", "amount": "20.00", "method_id": "gc"}]
    assert balance(store) == Decimal("70.00")


def test_return_and_exchange_leave_the_request_only() -> None:
    returned = after("return_delivered_order_items", item_ids=["red"], payment_method_id="gc")
    assert returned.orders["W1"]["returns"] == [{"lines": [{"line_id": "L1", "quantity": 1}],
                                                 "refund_method_id": "gc"}]
    exchanged = after("exchange_delivered_order_items", item_ids=["red"], new_item_ids=["blue"],
                      payment_method_id="pp")
    assert exchanged.orders["W1"]["exchanges"] == [{"line_id": "L1", "new_variant_id": "blue", "method_id": "pp"}]
    assert balance(returned) == balance(exchanged) == Decimal("50.00")
    assert len(returned.orders["W1"]["payments"]) == len(exchanged.orders["W1"]["payments"]) == 1


def test_which_of_two_equal_lines_was_returned_does_not_matter() -> None:
    expected = after("return_delivered_order_items", item_ids=["red"], payment_method_id="gc")
    actual = copy.deepcopy(expected)
    actual.orders["W1"]["returns"][0]["lines"][0]["line_id"] = "L2"
    assert differences(expected, actual) == []
    actual.orders["W1"]["returns"][0]["lines"].append({"line_id": "L1", "quantity": 1})
    assert differences(expected, actual) != []


def test_null_missing_and_empty_are_one_and_money_is_a_number() -> None:
    actual = shop()
    actual.orders["W1"] |= {"cancel_reason": None, "returns": [], "items_changed": False, "delivered_at": ""}
    actual.orders["W1"]["payments"][0]["amount"] = "20"
    actual.customers["ana"]["address"]["line2"] = ""
    actual.products["P1"]["variants"][0]["price"] = "10.0"
    assert differences(shop(), actual) == []


def test_a_stray_write_is_named() -> None:
    actual = shop()
    actual.customers["ana"]["payment_methods"][0]["balance"] = "49.00"
    actual.orders["W1"]["status"] = "cancelled"
    found = differences(shop(), actual)
    assert any("expected pending, found cancelled" in line and "#W1" in line for line in found)
    assert any("balance: 49" in line and line.startswith("customers ana") for line in found)


@pytest.mark.parametrize(("word", "text", "said"), [
    ("1288.65", "Your new total is $1,288.65.", True), ("208.6", "208.60 USD", True), ("10", "110 shirts", False),
    ("943 Maple Drive", "It goes to 943 MAPLE drive, Suite 356", True), ("44.08", "4.08", False),
    ("full", "size: full size", True), ("20 hours", "lasts 20 hours", True)])
def test_what_counts_as_said(word: str, text: str, said: bool) -> None:
    assert (missing_words([word], [text]) == []) is said


def test_every_task_has_a_conversation(retail: Path) -> None:
    extra = read_tasks(SCRIPTS.parent / "retail_extra_tasks.jsonl")
    ids = [task.id for task in read_tasks(retail / "tasks_train.jsonl")]
    assert len(ids) == 74
    assert {*ids, *(task.id for task in extra)} == {read_script(path).id for path in SCRIPTS.glob("*.yml")}
    assert {*FAULTS, *CHECKED} <= set(ids)


def test_every_writing_task_leaves_a_trace_and_the_faulty_none(retail: Path) -> None:
    store = read_store(retail)
    for task in read_tasks(retail / "tasks_train.jsonl"):
        calls = expected_calls(task)
        writes = [call for call in calls if call["name"] in WRITES]
        assert bool(writes) == bool(differences(store, expected_store(store, calls))), task.id
    assert differences(store, store) == []


def test_the_sums_of_the_tasks_named_as_faulty_agree_with_the_store(retail: Path) -> None:
    store = read_store(retail)
    tasks = {task.id: task for task in read_tasks(retail / "tasks_train.jsonl")}
    ethan = expected_store(store, tasks["21"].actions).method("ethan_garcia_1261", "gift_card_4332117")
    assert ethan is not None and Decimal(ethan["balance"]) == Decimal("44.08")
    ethan = expected_store(store, tasks["20"].actions).method("ethan_garcia_1261", "gift_card_4332117")
    assert ethan is not None and Decimal(ethan["balance"]) == Decimal("86.00") - Decimal("71.96")
    order = expected_store(store, tasks["37"].actions).order_by_number("#W9348897")
    assert sum(Decimal(line["unit_price"]) for line in order["lines"]) == Decimal("1130.85")
    assert max(Decimal(line["unit_price"]) for line in store.order_by_number("#W9348897")["lines"]) == Decimal("481.50")
