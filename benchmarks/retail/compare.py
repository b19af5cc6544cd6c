"""Compares two whole stores in native format and names every difference: a missing write, or a stray one.

Null, missing and empty are one. Money is compared as numbers. Which of two equal lines of an order was changed does
not matter: lines are a multiset, and returns and exchanges are told by variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from benchmarks.retail.store import KINDS, Record, Store

MONEY = {"amount", "unit_price", "price", "compare_at_price", "balance"}
EMPTY: tuple[Any, ...] = (None, "", [], {}, False)


def differences(expected: Store, actual: Store) -> list[str]:
    """One line per difference, `orders #W1 status: expected cancelled, found pending`; empty when the stores agree."""
    found: list[str] = []
    for kind in KINDS:
        left, right = getattr(expected, kind), getattr(actual, kind)
        for key in sorted(left.keys() | right.keys()):
            found += _record(kind, key, left.get(key), right.get(key))
    return found


def _record(kind: str, key: str, left: Record | None, right: Record | None) -> list[str]:
    if left is None or right is None:
        return [f"{kind} {key}: {'stray' if left is None else 'missing'} record"]
    if left is right or left == right:
        return []
    if kind == "orders":
        left, right = comparable_order(left), comparable_order(right)
        key = str(left.get("number", key))
    return [f"{kind} {key} {line}" for line in _walk("", normal(left), normal(right))]


def comparable_order(order: Record) -> Record:
    """The order with line ids replaced by what they stand for, and everything unordered as a multiset."""
    variant = {line["id"]: line["variant_id"] for line in order["lines"]}
    lines = [{k: v for k, v in line.items() if k != "id"} for line in order["lines"]]
    returns = [{"refund_method_id": r.get("refund_method_id"), "lines": _bag(
        {"variant_id": variant.get(x["line_id"], x["line_id"]), "quantity": x.get("quantity", 1)} for x in r["lines"])}
        for r in order.get("returns") or []]
    exchanges = [{"variant_id": variant.get(e["line_id"], e["line_id"]), "new_variant_id": e["new_variant_id"],
                  "method_id": e.get("method_id")} for e in order.get("exchanges") or []]
    return {**order, "lines": _bag(lines), "line_ids": sorted(variant), "returns": _bag(returns),
            "exchanges": _bag(exchanges), "payments": _bag(order.get("payments") or [])}


def _bag(items: Iterable[Any]) -> Record:
    """A multiset as a mapping: canonical text → how often."""
    return dict(Counter(text(normal(item)) for item in items))


def text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {text(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text, value)) + "]"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def normal(value: Any, key: str = "") -> Any:
    """Empty fields dropped, money as Decimal."""
    if isinstance(value, Mapping):
        cleaned = {k: normal(v, k) for k, v in value.items()}
        return {k: v for k, v in cleaned.items() if not _empty(v)}
    if isinstance(value, list | tuple):
        return [normal(item) for item in value]
    if key in MONEY and value is not None:
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return value
    return value


def _empty(value: Any) -> bool:
    return any(value is e or (type(value) is type(e) and value == e) for e in EMPTY)


def _walk(path: str, left: Any, right: Any) -> list[str]:
    if left == right:
        return []
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        found = []
        for key in sorted(left.keys() | right.keys()):
            found += _walk(f"{path}.{key}" if path else key, left.get(key), right.get(key))
        return found
    return [f"{path}: expected {_shown(left)}, found {_shown(right)}"]


def _shown(value: Any) -> str:
    return "nothing" if value is None else text(value)
