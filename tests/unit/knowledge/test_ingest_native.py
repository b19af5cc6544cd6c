"""Native files into the store: what arrives, what goes, what stays, and what a wrong file leaves behind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shop_files import CUSTOMER, ORDER, PRODUCT, age, write_rows

from knowledge.config import DATABASE_FILE
from knowledge.errors import BadInput, DataError
from knowledge.ingest import ingest_files
from knowledge.models import OrderStatus
from knowledge.store import Knowledge, open_knowledge


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Knowledge]:
    knowledge = await open_knowledge(tmp_path / "store")
    yield knowledge
    await knowledge.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one of everything."""
    folder = tmp_path / "data"
    write_rows(folder / "products.jsonl", PRODUCT)
    write_rows(folder / "customers.jsonl", CUSTOMER)
    write_rows(folder / "orders.jsonl", ORDER)
    write_rows(folder / "notes.txt", "not for the shop")
    return folder


async def test_a_folder_brings_what_its_names_tell_and_warns_of_the_rest(shop: Knowledge, data: Path) -> None:
    report = await ingest_files(shop, [data])
    assert [one.changes[0].added for one in report.files] == [1, 1, 1]
    assert len(report.warnings) == 1 and "notes.txt: skipped" in report.warnings[0]
    order = await shop.orderbook.order_by_number("w1")
    assert order is not None and order.status is OrderStatus.PENDING
    assert order.lines[0].quantity == 1


async def test_the_same_folder_again_changes_nothing(shop: Knowledge, data: Path) -> None:
    await ingest_files(shop, [data])
    report = await ingest_files(shop, [data])
    assert all(not changes.any and changes.unchanged == 1 for one in report.files for changes in one.changes)


async def test_a_write_made_here_outlives_the_same_file(shop: Knowledge, data: Path) -> None:
    await ingest_files(shop, [data])
    before = await shop.orderbook.order("O1")
    assert before is not None
    cancelled = replace(before, status=OrderStatus.CANCELLED, cancel_reason="no longer needed")
    assert await shop.orderbook.save(cancelled, expected=before)
    await ingest_files(shop, [data])
    assert await shop.orderbook.order("O1") == cancelled


async def test_a_write_made_here_outlives_an_older_file_that_differs(shop: Knowledge, data: Path) -> None:
    await ingest_files(shop, [data])
    before = await shop.orderbook.order("O1")
    assert before is not None
    cancelled = replace(before, status=OrderStatus.CANCELLED)
    await shop.orderbook.save(cancelled)
    age(write_rows(data / "orders.jsonl", {**ORDER, "status": "processed"}), 3600)
    report = await ingest_files(shop, [data], prune=True)
    assert report.total("orders").kept == 1
    assert await shop.orderbook.order("O1") == cancelled


async def test_a_newer_file_that_differs_wins_over_a_write_made_here(shop: Knowledge, data: Path) -> None:
    await ingest_files(shop, [data])
    before = await shop.orderbook.order("O1")
    assert before is not None
    await shop.orderbook.save(replace(before, status=OrderStatus.CANCELLED))
    age(write_rows(data / "orders.jsonl", {**ORDER, "status": "shipped"}), -60)
    report = await ingest_files(shop, [data])
    assert report.total("orders").changed == 1
    after = await shop.orderbook.order("O1")
    assert after is not None and after.status is OrderStatus.SHIPPED


async def test_orders_stay_when_a_file_lacks_them_until_pruned(shop: Knowledge, data: Path) -> None:
    await ingest_files(shop, [data])
    write_rows(data / "orders.jsonl", {**ORDER, "id": "O2", "number": "#W2"})
    report = await ingest_files(shop, [data])
    assert (report.total("orders").added, report.total("orders").removed) == (1, 0)
    assert await shop.orderbook.order("O1") is not None
    report = await ingest_files(shop, [data], prune=True)
    assert report.total("orders").removed == 1
    assert await shop.orderbook.order("O1") is None


async def test_an_order_of_an_unknown_customer_is_a_warning(shop: Knowledge, tmp_path: Path) -> None:
    report = await ingest_files(shop, [write_rows(tmp_path / "orders.jsonl", ORDER)])
    assert "1 orders of unknown customers (O1)" in report.warnings[0]
    assert report.total("orders").added == 1


async def test_html_in_descriptions_becomes_text(shop: Knowledge, tmp_path: Path) -> None:
    html = ("<style>p{}</style><p>Light &amp; <b>bright</b>.</p><script>alert(1)</script>"
            "<ul><li>LED</li><li>USB</li></ul>")
    await ingest_files(shop, [write_rows(tmp_path / "products.jsonl", {**PRODUCT, "description": html})])
    product = await shop.catalogue.product("P1")
    assert product is not None and product.description == "Light & bright.\nLED\nUSB"


WRONG: list[tuple[str, list[Any], int, str | None, str]] = [
    ("products", [PRODUCT, "{nonsense"], 2, None, "not JSON"),
    ("products", [PRODUCT, "[1]"], 2, None, "no JSON object"),
    ("products", [PRODUCT, PRODUCT], 2, "id", "stands on line 1 already"),
    ("products", [{**PRODUCT, "id": ""}], 1, "id", "missing"),
    ("products", [{**PRODUCT, "variants": []}], 1, "variants", "missing or empty"),
    ("products", [{**PRODUCT, "variants": [{"id": "V1", "price": "-1"}]}], 1, "variants[0].price", "negative"),
    ("products", [{**PRODUCT, "variants": [{"id": "V1", "price": "12,5"}]}], 1, "variants[0].price", "not an amount"),
    ("products", [{**PRODUCT, "variants": [{"id": "V1", "price": "NaN"}]}], 1, "variants[0].price", "not an amount"),
    ("products", [{**PRODUCT, "variants": [{"id": "V1"}]}], 1, "variants[0].price", "missing"),
    ("products", [{**PRODUCT, "variants": [{"id": "V1", "price": 1}] * 2}], 1, "variants[1].id", "stands twice"),
    ("products", ['{"id":"P1","title":"\\ud800","variants":[{"id":"V1","price":1}]}'], 1, None, "surrogate"),
    ("products", ["[" * 100_000], 1, None, "nested too deep"),
    ("orders", [{**ORDER, "status": "lost"}], 1, "status", "'lost' is unknown"),
    ("orders", [{**ORDER, "lines": []}], 1, "lines", "missing or empty"),
    ("orders", [{**ORDER, "lines": [{**ORDER["lines"][0], "variant_id": None}]}], 1, "lines[0].variant_id", "missing"),
    ("orders", [{**ORDER, "lines": [{**ORDER["lines"][0], "quantity": 0}]}], 1, "lines[0].quantity", "below 1"),
    ("orders", [{**ORDER, "placed_at": "yesterday"}], 1, "placed_at", "not a date"),
    ("orders", [{**ORDER, "customer_id": None}], 1, "customer_id", "missing"),
    ("orders", [{**ORDER, "payments": [{"kind": "gift", "amount": 1}]}], 1, "payments[0].kind", "unknown"),
    ("customers", [{**CUSTOMER, "payment_methods": [{"id": "PM", "kind": "cash"}]}], 1, "payment_methods[0].kind",
     "unknown"),
    ("reviews", [{"id": "R1", "product_id": "P1", "rating": "good"}], 1, "rating", "not a number"),
    ("prices", [{"variant_id": "V1", "price": "1"}], 1, "at", "missing"),
    ("answers", [{"id": "A1", "answer": "yes"}], 1, "questions", "missing or empty"),
]


@pytest.mark.parametrize(("kind", "rows", "line", "field", "problem"), WRONG)
async def test_a_wrong_row_is_named_and_nothing_of_its_file_is_kept(
        shop: Knowledge, data: Path, tmp_path: Path, kind: str, rows: list[Any], line: int, field: str | None,
        problem: str) -> None:
    await ingest_files(shop, [data])
    before = await shop.catalogue.counts()
    path = write_rows(tmp_path / f"{kind}.jsonl", *rows)
    with pytest.raises(DataError) as caught:
        await ingest_files(shop, [path])
    error = caught.value
    assert (error.file, error.line, error.field) == (str(path), line, field)
    assert problem in error.problem and error.remedy
    assert "\n" not in str(error) and len(str(error)) < 400
    assert await shop.catalogue.counts() == before
    await ingest_files(shop, [data])      # the store is as usable as before


async def test_a_line_without_end_is_refused(shop: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"id": "')
        stream.truncate(64 * 1024 * 1024)
    with pytest.raises(DataError, match=r"products.jsonl:1: a line is longer than 16 MB"):
        await ingest_files(shop, [path])


async def test_a_file_that_is_not_utf8_is_refused(shop: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl"
    path.write_bytes(json.dumps(PRODUCT).encode() + b"\n" + "café".encode("latin-1") + b"\n")
    with pytest.raises(DataError, match=r":2: byte 4 of the line is not UTF-8"):
        await ingest_files(shop, [path])


async def test_byte_order_mark_blank_lines_and_windows_line_ends_are_fine(shop: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(PRODUCT).encode() + b"\r\n\r\n")
    assert (await ingest_files(shop, [path])).total("products").added == 1


async def test_files_before_a_wrong_one_are_kept(shop: Knowledge, data: Path) -> None:
    write_rows(data / "orders.jsonl", {**ORDER, "status": "lost"})
    with pytest.raises(DataError):
        await ingest_files(shop, [data])
    counts = await shop.catalogue.counts()
    assert (counts["products"], counts["customers"], counts["orders"]) == (1, 1, 0)


async def test_the_shop_can_be_written_while_a_file_is_read(shop: Knowledge, data: Path) -> None:
    """The write lock is taken only once a file has been read."""
    await ingest_files(shop, [data])
    written: list[bool] = []

    def write_now(name: str, done: int, total: int) -> None:
        connection = sqlite3.connect(shop.directory / DATABASE_FILE, timeout=0)
        connection.execute("UPDATE shop_customers SET local_at = 1")
        connection.commit()
        connection.close()
        written.append(True)

    await ingest_files(shop, [data / "products.jsonl"], progress=write_now)
    assert written


async def test_progress_ends_at_the_size_of_the_file(shop: Knowledge, data: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    path = data / "products.jsonl"
    await ingest_files(shop, [path], progress=lambda *step: seen.append(step))
    assert seen[-1] == (str(path), path.stat().st_size, path.stat().st_size)


@pytest.mark.parametrize(("name", "format", "problem"), [
    ("nothing.jsonl", "auto", "no such file"), ("notes.txt", "native", "its name tells no kind"),
    ("", "shopify", "holds no shopify file")])
async def test_a_path_that_cannot_be_used_is_named(shop: Knowledge, data: Path, name: str, format: str,
                                                   problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        await ingest_files(shop, [data / name], format=format)


async def test_fields_we_do_not_know_are_kept(shop: Knowledge, tmp_path: Path) -> None:
    row = {**ORDER, "gift_note": "Enjoy", "address": {"line1": "1 High St", "company": "Acme"}}
    await ingest_files(shop, [write_rows(tmp_path / "orders.jsonl", row)])
    order = await shop.orderbook.order("O1")
    assert order is not None
    assert order.extra == {"gift_note": "Enjoy", "address": {"company": "Acme"}}
