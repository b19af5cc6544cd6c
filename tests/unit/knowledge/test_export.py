"""What was ingested comes out again, and two exports of one state are equal to the byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shop_files import CUSTOMER, ORDER, PRODUCT, write_rows

from knowledge.errors import BadInput
from knowledge.export import export
from knowledge.ingest import ingest_files
from knowledge.store import open_knowledge

AT = "2026-01-01T00:00:00Z"
ATTRIBUTES = {"drop": "6 mm", "nested": [1, {"a": None}]}
ROWS: dict[str, list[dict[str, Any]]] = {
    "products": [{**PRODUCT, "id": f"P{n}", "attributes": ATTRIBUTES} for n in (3, 1, 2)],
    "customers": [{**CUSTOMER, "id": f"C{n}", "payment_methods": [
        {"id": "PM", "kind": "gift_card", "label": "gift card", "balance": "20.00"}]} for n in (2, 1)],
    "orders": [{**ORDER, "id": f"O{n}", "number": f"#W{n}", "placed_at": AT} for n in (5, 4, 6)],
    "reviews": [{"id": "R1", "product_id": "P1", "rating": 5, "title": "Good", "text": "Bright", "at": None,
                 "by": "Bo"}],
    "prices": [{"variant_id": "V1", "price": "9.00", "currency": "USD", "at": AT}] * 2,
    "interactions": [{"id": "I1", "customer_id": "C1", "event": "view", "product_id": "P1", "at": AT,
                      "experiment": {"name": "x", "arm": "a", "propensity": 0.5}}],
    "cases": [{"id": "K1", "question": "It flickers", "answer": "Tighten the bulb.", "tags": ["lamp"]}],
    "answers": [{"id": "A1", "questions": ["Do you ship?", "Delivery?"], "answer": "Yes."}],
}


def said(value: Any) -> Any:
    """Without null, and without what is null under another name (no entries, not changed)."""
    if isinstance(value, dict):
        return {name: said(inner) for name, inner in value.items() if inner not in (None, [], {}, False)}
    return [said(inner) for inner in value] if isinstance(value, list) else value


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_the_store_goes_round(tmp_path: Path) -> None:
    for kind, rows in ROWS.items():
        write_rows(tmp_path / "in" / f"{kind}.jsonl", *rows)
    first = await open_knowledge(tmp_path / "first")
    await ingest_files(first, [tmp_path / "in"])
    counts = await export(first, tmp_path / "out")
    await first.close()
    assert counts == {f"{kind}.jsonl": len(rows) for kind, rows in ROWS.items()}
    for kind, rows in ROWS.items():
        written = rows_of(tmp_path / "out" / f"{kind}.jsonl")
        assert [said(row) for row in written] == [said(_in_full(kind, row)) for row in rows]

    second = await open_knowledge(tmp_path / "second")
    await ingest_files(second, [tmp_path / "out"])
    await export(second, tmp_path / "again")
    await second.close()
    for kind in ROWS:
        assert (tmp_path / "out" / f"{kind}.jsonl").read_bytes() == (tmp_path / "again" / f"{kind}.jsonl").read_bytes()


def _in_full(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """With what a missing field means."""
    if kind == "products":
        return {"currency": "USD", "description": "", **row}
    if kind == "orders":
        return {"currency": "USD", **row, "lines": [{"quantity": 1, **line} for line in row["lines"]]}
    return row


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    knowledge = await open_knowledge(tmp_path / "store")
    try:
        with pytest.raises(BadInput, match="name a folder"):
            await export(knowledge, tmp_path / "file" / "out")
    finally:
        await knowledge.close()
