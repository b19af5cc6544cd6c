"""A line that comes again unchanged is not read again, and what is stored is the same as if it had been."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from knowledge import native
from knowledge.errors import DataError
from knowledge.ingest import IngestReport, ingest_files
from knowledge.line_memory import FILE, FOLDER, Known, LineMemory
from knowledge.store import Knowledge, open_knowledge

Row = dict[str, Any]


def product(id: str, title: str = "Cup") -> Row:
    return {"id": id, "title": title, "variants": [{"id": f"{id}-v", "price": "1.00"}]}


def order(id: str, customer: str, status: str = "pending") -> Row:
    return {"id": id, "number": f"#{id}", "customer_id": customer, "status": status,
            "lines": [{"id": "L1", "product_id": "P1", "variant_id": "P1-v", "title": "Cup", "quantity": 1,
                       "unit_price": "1.00"}]}


@pytest.fixture
async def shop(tmp_path: Path) -> Any:
    knowledge = await open_knowledge(tmp_path / "shop")
    yield knowledge
    await knowledge.close()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the products that were made of a line."""
    seen: list[str] = []
    made = native.product_from

    def counted(row: Row) -> Any:
        seen.append(row["id"])
        return made(row)

    monkeypatch.setattr(native, "product_from", counted)
    return seen


async def put(shop: Knowledge, name: str, rows: list[Row], folder: str = "files") -> IngestReport:
    path = shop.directory.parent / folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return await ingest_files(shop, [path])


async def take_away(shop: Knowledge, product_id: str) -> None:
    async with shop.engine.begin() as connection:
        await connection.execute(text("DELETE FROM shop_variants WHERE product_id = :id"), {"id": product_id})
        await connection.execute(text("DELETE FROM shop_products WHERE id = :id"), {"id": product_id})


async def test_only_changed_lines_are_read_and_the_report_counts_all(shop: Knowledge, read: list[str]) -> None:
    await put(shop, "products.jsonl", [product("P1"), product("P2"), product("P3")])
    read.clear()
    again = await put(shop, "products.jsonl", [product("P1"), product("P2"), product("P3")])
    assert read == [] and again.total("products").unchanged == 3 and not again.total("products").any
    changed = await put(shop, "products.jsonl", [product("P3"), product("P2", "Mug"), product("P4")])
    assert read == ["P2", "P4"]
    total = changed.total("products")
    assert (total.added, total.changed, total.removed, total.unchanged) == (1, 1, 1, 1)
    assert [p.id async for p in shop.catalogue.all_products()] == ["P3", "P2", "P4"]      # as in the file now


async def test_what_somebody_else_changed_meanwhile_is_read_again(shop: Knowledge, read: list[str]) -> None:
    await put(shop, "products.jsonl", [product("P1"), product("P2")])
    await take_away(shop, "P1")
    async with shop.engine.begin() as connection:
        await connection.execute(text("UPDATE shop_products SET hash = 'other' WHERE id = 'P2'"))
    read.clear()
    await put(shop, "products.jsonl", [product("P1"), product("P2")])
    assert sorted(read) == ["P1", "P2"]
    assert [p.id async for p in shop.catalogue.all_products()] == ["P1", "P2"]


async def test_a_change_between_comparing_and_writing_is_noticed(shop: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    from knowledge.staging import Stage

    await put(shop, "products.jsonl", [product("P1"), product("P2")])
    duplicate, times = Stage.duplicate, []

    async def interfering(self: Stage) -> Any:      # runs after the rows were staged, before they are applied
        if not times:
            times.append(1)
            await take_away(shop, "P2")
        return await duplicate(self)

    monkeypatch.setattr(Stage, "duplicate", interfering)
    await put(shop, "products.jsonl", [product("P1"), product("P2")])
    assert [p.id async for p in shop.catalogue.all_products()] == ["P1", "P2"]


async def test_another_source_that_takes_a_product_over_is_no_repetition(shop: Knowledge, read: list[str]) -> None:
    await put(shop, "products.jsonl", [product("P1")])
    async with shop.engine.begin() as connection:
        await connection.execute(text("UPDATE shop_products SET source = 'shopify:other.csv'"))
    read.clear()
    await put(shop, "products.jsonl", [product("P1")])
    assert read == ["P1"]


async def test_a_local_write_survives_the_same_file(shop: Knowledge) -> None:
    await put(shop, "customers.jsonl", [{"id": "C1", "payment_methods": []}])
    await put(shop, "orders.jsonl", [order("O1", "C1"), order("O2", "C1")])
    before = await shop.orderbook.order("O1")
    assert before is not None
    from dataclasses import replace

    from knowledge.models import OrderStatus

    await shop.orderbook.save(replace(before, status=OrderStatus.CANCELLED))
    again = await put(shop, "orders.jsonl", [order("O1", "C1"), order("O2", "C1", "shipped")])
    assert again.total("orders").changed == 1
    kept, shipped = await shop.orderbook.order("O1"), await shop.orderbook.order("O2")
    assert kept and shipped and (kept.status, shipped.status) == (OrderStatus.CANCELLED, OrderStatus.SHIPPED)


async def test_orders_of_unknown_customers_are_still_told(shop: Knowledge) -> None:
    first = await put(shop, "orders.jsonl", [order("O1", "stranger")])
    again = await put(shop, "orders.jsonl", [order("O1", "stranger")])
    assert first.warnings == again.warnings != ()


async def test_a_double_id_is_refused_also_among_remembered_lines(shop: Knowledge) -> None:
    await put(shop, "products.jsonl", [product("P1"), product("P2")])
    with pytest.raises(DataError, match="stands on line 1 already"):
        await put(shop, "products.jsonl", [product("P1"), product("P2"), product("P1")])


async def test_a_file_that_fails_leaves_nothing_remembered(shop: Knowledge, read: list[str]) -> None:
    with pytest.raises(DataError):
        await put(shop, "products.jsonl", [product("P1"), {"id": "P2"}])
    read.clear()
    await put(shop, "products.jsonl", [product("P1")])
    assert read == ["P1"]


async def test_without_its_cache_everything_is_read_and_right(shop: Knowledge, read: list[str]) -> None:
    await put(shop, "products.jsonl", [product("P1")])
    (shop.directory / FOLDER / FILE).write_bytes(b"no database at all")
    for name in (f"{FILE}-wal", f"{FILE}-shm"):
        (shop.directory / FOLDER / name).unlink(missing_ok=True)
    read.clear()
    report = await put(shop, "products.jsonl", [product("P1"), product("P2")])
    assert read == ["P1", "P2"] and report.total("products").added == 1


def test_a_line_belongs_to_its_source_and_the_newest_counts(tmp_path: Path) -> None:
    ours, theirs = LineMemory(tmp_path, "ours"), LineMemory(tmp_path, "theirs")
    ours.remember([(ours.digest("a"), Known("1", "x"))])
    assert theirs.known(theirs.digest("a")) is None
    ours.keep()
    ours.remember([(ours.digest("b"), Known("1", "y"))])
    ours.keep()
    assert ours.known(ours.digest("a")) is None and ours.known(ours.digest("b")) == Known("1", "y")
    ours.close()
    theirs.close()
    with sqlite3.connect(tmp_path / FOLDER / FILE) as connection:
        assert connection.execute("SELECT count(*) FROM lines").fetchone() == (1,)
    connection.close()


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way", encoding="utf-8")
    memory = LineMemory(tmp_path, "ours")
    memory.remember([(memory.digest("a"), Known("1", "x"))])
    memory.keep()
    assert memory.known(memory.digest("a")) is None
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]
