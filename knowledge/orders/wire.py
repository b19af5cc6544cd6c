"""Operations and quotes as JSON-able data, and back: for what is kept between turns and across a restart.

Orders and customers have their native form in `knowledge.native`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from knowledge.models import Address
from knowledge.orders import operations as ops

Json = dict[str, Any]


def digest(data: Any) -> str:
    """sha256 over canonical JSON, as hex."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def address_to_json(address: Address | None) -> Json | None:
    return {f.name: getattr(address, f.name) for f in fields(Address)} if address else None


def address_from_json(data: Mapping[str, Any] | None) -> Address | None:
    return Address(**data) if data is not None else None


def operation_to_json(operation: ops.Operation) -> Json:
    data: Json = {"type": type(operation).__name__}
    for field in fields(operation):
        value = getattr(operation, field.name)
        if isinstance(value, Address):
            value = address_to_json(value)
        elif field.name == "swaps":
            value = [[s.line_id, s.variant_id] for s in value]
        elif field.name == "lines":
            value = [list(part) for part in value]
        data[field.name] = value
    return data


def operation_from_json(data: Mapping[str, Any]) -> ops.Operation:
    """Raises KeyError for a type that is no operation."""
    kinds: dict[str, type[Any]] = {k.__name__: k for k in (
        ops.CancelOrder, ops.ChangeAddress, ops.ChangePayment, ops.ChangeItems, ops.ReturnItems, ops.ExchangeItems,
        ops.ChangeDefaultAddress)}
    values = {k: v for k, v in data.items() if k != "type"}
    if "address" in values:
        values["address"] = address_from_json(values["address"])
    if "swaps" in values:
        values["swaps"] = tuple(ops.Swap(*pair) for pair in values["swaps"])
    if "lines" in values:
        values["lines"] = tuple((str(line), int(quantity)) for line, quantity in values["lines"])
    operation: ops.Operation = kinds[data["type"]](**values)
    return operation


def quote_to_json(quote: ops.Quote) -> Json:
    return {
        "operation": operation_to_json(quote.operation), "kind": quote.kind, "order_number": quote.order_number,
        "changes": [{"label": c.label, "before": c.before, "after": c.after} for c in quote.changes],
        "money": [{"direction": m.direction, "amount": str(m.amount), "currency": m.currency, "method_id": m.method_id,
                   "method_label": m.method_label, "timing": m.timing} for m in quote.money],
        "digest": quote.digest,
    }


def quote_from_json(data: Mapping[str, Any]) -> ops.Quote:
    money = tuple(ops.Money(**(m | {"amount": Decimal(m["amount"])})) for m in data["money"])
    return ops.Quote(operation_from_json(data["operation"]), data["kind"], data["order_number"],
                     tuple(ops.Change(**c) for c in data["changes"]), money, data["digest"])
