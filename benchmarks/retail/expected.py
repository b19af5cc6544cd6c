"""The state a store must be in after a task's calls, worked out from the native data alone.

Deliberately written without the assistant's order service, so that the two check each other. It follows the native
format's account of what each write leaves; it checks no rules: the calls of a task are taken to be allowed, unless
`benchmarks.retail.faults` says otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from benchmarks.retail.store import Record, Store


def expected_store(store: Store, calls: Iterable[Record]) -> Store:
    """A copy of `store` with every call `{"name", "arguments"}` applied in order; reading calls change nothing.

    Only records that a call touches are copied; `store` itself stays as it is.
    """
    after = Store(store.products, dict(store.customers), dict(store.orders))
    for call in calls:
        if write := WRITES.get(call["name"]):
            _own_copies(after, call["arguments"])
            write(after, call["arguments"])
    return after


def _own_copies(store: Store, args: Record) -> None:
    customer_id = args.get("user_id")
    if "order_id" in args:
        order = store.order_by_number(args["order_id"])
        store.orders[order["id"]] = copy.deepcopy(order)
        customer_id = order["customer_id"]
    store.customers[customer_id] = copy.deepcopy(store.customers[customer_id])


def _cancel(store: Store, args: Record) -> None:
    order = store.order_by_number(args["order_id"])
    order["status"], order["cancel_reason"] = "cancelled", args["reason"]
    for paid in [p for p in order["payments"] if p["kind"] == "payment"]:
        _move(store, order, -Decimal(paid["amount"]), paid["method_id"])


def _change_address(store: Store, args: Record) -> None:
    store.order_by_number(args["order_id"])["address"] = _address(args)


def _change_default_address(store: Store, args: Record) -> None:
    store.customers[args["user_id"]]["address"] = _address(args)


def _change_payment(store: Store, args: Record) -> None:
    order = store.order_by_number(args["order_id"])
    old = next(p for p in order["payments"] if p["kind"] == "payment")
    amount = Decimal(old["amount"])
    _move(store, order, amount, args["payment_method_id"])
    _move(store, order, -amount, old["method_id"])


def _change_items(store: Store, args: Record) -> None:
    order = store.order_by_number(args["order_id"])
    lines = _lines_of(order, args["item_ids"])
    due = Decimal(0)
    for line, new_id in zip(lines, args["new_item_ids"], strict=True):
        _, variant = store.variant(new_id)
        due += (Decimal(variant["price"]) - Decimal(line["unit_price"])) * line["quantity"]
        line |= {"variant_id": new_id, "options": variant["options"], "unit_price": variant["price"]}
    order["items_changed"] = True
    if due:
        _move(store, order, due, args["payment_method_id"])


def _return(store: Store, args: Record) -> None:
    order = store.order_by_number(args["order_id"])
    lines = [{"line_id": line["id"], "quantity": line["quantity"]} for line in _lines_of(order, args["item_ids"])]
    order["status"] = "return_requested"
    order.setdefault("returns", []).append({"lines": lines, "refund_method_id": args["payment_method_id"]})


def _exchange(store: Store, args: Record) -> None:
    order = store.order_by_number(args["order_id"])
    order["status"] = "exchange_requested"
    for line, new_id in zip(_lines_of(order, args["item_ids"]), args["new_item_ids"], strict=True):
        order.setdefault("exchanges", []).append(
            {"line_id": line["id"], "new_variant_id": new_id, "method_id": args["payment_method_id"]})


def _lines_of(order: Record, variant_ids: Iterable[str]) -> list[Record]:
    """One line per variant id; a variant named twice takes two lines."""
    left = list(order["lines"])
    found = []
    for variant_id in variant_ids:
        line = next(line for line in left if line["variant_id"] == variant_id)
        left.remove(line)
        found.append(line)
    return found


def _move(store: Store, order: Record, amount: Decimal, method_id: str) -> None:
    """Enter a payment (positive) or refund (negative) and move a gift card's balance with it."""
    kind = "payment" if amount > 0 else "refund"
    order["payments"].append({"kind": kind, "amount": str(abs(amount)), "method_id": method_id})
    method = store.method(order["customer_id"], method_id)
    if method and method["kind"] == "gift_card":
        method["balance"] = str(Decimal(method["balance"]) - amount)


def _address(args: Record) -> Record:
    return {"line1": args["address1"], "line2": args["address2"] or None, "city": args["city"],
            "state": args["state"], "postcode": args["zip"], "country": args["country"]}


Write = Callable[[Store, dict[str, Any]], None]
WRITES: dict[str, Write] = {
    "cancel_pending_order": _cancel,
    "modify_pending_order_address": _change_address,
    "modify_pending_order_payment": _change_payment,
    "modify_pending_order_items": _change_items,
    "return_delivered_order_items": _return,
    "exchange_delivered_order_items": _exchange,
    "modify_user_address": _change_default_address,
}
