"""Reads a store folder in native format as plain dictionaries. Knows nothing of the assistant's own models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]
KINDS = ("products", "customers", "orders")


@dataclass
class Store:
    """A whole store: id → record, each as in the native format."""

    products: dict[str, Record]
    customers: dict[str, Record]
    orders: dict[str, Record]

    def order_by_number(self, number: str) -> Record:
        return next(order for order in self.orders.values() if order["number"] == number)

    def variant(self, variant_id: str) -> tuple[Record, Record]:
        """(product, variant)."""
        for product in self.products.values():
            for variant in product["variants"]:
                if variant["id"] == variant_id:
                    return product, variant
        raise KeyError(variant_id)

    def method(self, customer_id: str, method_id: str | None) -> Record | None:
        methods = self.customers[customer_id].get("payment_methods") or []
        return next((m for m in methods if m["id"] == method_id), None)


@dataclass(frozen=True)
class Task:
    """A customer's goal: what they want, the calls that fulfil it, what has to be said."""

    id: str
    actions: tuple[Record, ...]
    must_say: tuple[str, ...]
    reason: str = ""
    known: str = ""
    unknown: str = ""
    manner: str = ""


def read_lines(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def read_store(folder: Path) -> Store:
    """`folder` holds products.jsonl, customers.jsonl and orders.jsonl, one file each or several (`orders-2.jsonl`)."""
    tables = {kind: {r["id"]: r for path in sorted(folder.glob(f"{kind}*.jsonl")) for r in read_lines(path)}
              for kind in KINDS}
    return Store(**tables)


def read_tasks(path: Path) -> list[Task]:
    return [Task(id=str(row["id"]), actions=tuple(row["actions"]), must_say=tuple(row.get("must_say") or ()),
                 reason=row.get("reason", ""), known=row.get("known", ""), unknown=row.get("unknown", ""),
                 manner=row.get("manner", "")) for row in read_lines(path)]
