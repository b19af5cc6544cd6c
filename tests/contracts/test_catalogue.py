"""What every catalogue must do, on every database; filled by a real ingest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge.catalogue import SqlCatalogue
from knowledge.config import KnowledgeSettings
from knowledge.ingest import ingest_files
from knowledge.models import EvidenceKind
from knowledge.orderbook import SqlOrderBook
from knowledge.store import Knowledge

PRODUCTS = [
    {"id": "P2", "title": "Boot", "variants": [{"id": "V1", "sku": "BT-1", "price": "80.00", "stock": 0}]},
    {"id": "P1", "title": "Lamp", "variants": [{"id": "V2", "sku": "LP/7", "price": "12.50"},
                                               {"id": "V3", "price": "14", "options": {"color": "red"}}]},
]
REVIEWS = [{"id": "R1", "product_id": "P1", "rating": 4, "text": "<b>Bright</b>", "verified": True}]
PRICES = [{"variant_id": "V2", "price": "15.00", "currency": "EUR", "at": "2026-02-01T00:00:00Z"},
          {"variant_id": "V2", "price": "13.00", "currency": "EUR", "at": "2026-01-01T00:00:00Z"}]
ANSWERS = [{"id": "A1", "questions": ["Do you ship abroad?", "Delivery to France?"],
            "answer": "Yes, to all of the EU."}]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def knowledge(engine: AsyncEngine, tmp_path: Path) -> Knowledge:
    return Knowledge(tmp_path, KnowledgeSettings(), engine, SqlCatalogue(engine), SqlOrderBook(engine))


@pytest.fixture
async def catalogue(knowledge: Knowledge, tmp_path: Path) -> SqlCatalogue:
    folder = tmp_path / "shop"
    folder.mkdir()
    write(folder / "products.jsonl", PRODUCTS)
    write(folder / "reviews.jsonl", REVIEWS)
    write(folder / "prices.jsonl", PRICES)
    write(folder / "answers.jsonl", ANSWERS)
    policy = tmp_path / "returns.md"
    policy.write_text("# Returns\n\nWithin 30 days.\n\n## Shoes\n\nUnworn only.\n", encoding="utf-8")
    await ingest_files(knowledge, [folder, policy])
    return knowledge.catalogue


async def test_reads_products_by_id_in_the_order_asked_for(catalogue: SqlCatalogue) -> None:
    lamp = await catalogue.product("P1")
    assert lamp is not None and lamp.title == "Lamp"
    assert [v.price for v in lamp.variants] == [Decimal("12.50"), Decimal("14")]
    assert [p.id for p in await catalogue.products(["P1", "nothing", "P2"])] == ["P1", "P2"]
    assert await catalogue.product("nothing") is None


@pytest.mark.parametrize(("name", "product"), [("V1", "P2"), ("V3", "P1"), ("lp-7", "P1"), ("V9", None), ("", None)])
async def test_finds_a_variants_product_by_id_or_sku(catalogue: SqlCatalogue, name: str, product: str | None) -> None:
    found = await catalogue.product_of_variant(name)
    assert (found.id if found else None) == product


async def test_streams_everything_in_file_order(catalogue: SqlCatalogue) -> None:
    assert [p.id async for p in catalogue.all_products()] == ["P2", "P1"]
    assert await catalogue.titles() == {"P2": "Boot", "P1": "Lamp"}
    assert [(r.id, r.text, r.rating) async for r in catalogue.all_reviews()] == [("R1", "Bright", 4.0)]
    assert [r.id for r in await catalogue.reviews_of("P1")] == ["R1"]


async def test_keeps_the_price_history_oldest_first(catalogue: SqlCatalogue) -> None:
    points = await catalogue.prices_of("V2")
    assert [(p.price, p.at) for p in points] == [(Decimal("13.00"), datetime(2026, 1, 1, tzinfo=UTC)),
                                                 (Decimal("15.00"), datetime(2026, 2, 1, tzinfo=UTC))]


async def test_documents_have_chunks_that_say_where_they_stand(catalogue: SqlCatalogue) -> None:
    chunks = await catalogue.chunks_of("returns.md")
    assert [(c.id, c.headings, c.text) for c in chunks] == [
        ("returns.md#0", ("Returns",), "Within 30 days."), ("returns.md#1", ("Returns", "Shoes"), "Unworn only.")]
    assert await catalogue.chunks(["returns.md#1", "nothing"]) == [chunks[1]]
    document = await catalogue.document("returns.md")
    assert document is not None and document.title == "Returns" and document.version == chunks[0].version


async def test_each_question_of_a_curated_answer_is_a_passage(catalogue: SqlCatalogue) -> None:
    found = [document async for document in catalogue.all_documents(EvidenceKind.ANSWER)]
    assert [document.id for document in found] == ["answer:A1"]
    chunks = await catalogue.chunks_of("answer:A1")
    assert [c.headings[0] for c in chunks] == ANSWERS[0]["questions"]
    assert {c.text for c in chunks} == {"Yes, to all of the EU."}


async def test_a_newer_file_replaces_its_source(catalogue: SqlCatalogue, knowledge: Knowledge, tmp_path: Path) -> None:
    cup = {"id": "P3", "title": "Cup", "variants": [{"id": "V4", "price": 3}]}
    changed = [{**PRODUCTS[1], "title": "Desk lamp"}, cup]
    report = await ingest_files(knowledge, [write(tmp_path / "products.jsonl", changed)])
    total = report.total("products")
    assert (total.added, total.changed, total.removed, total.unchanged) == (1, 1, 1, 0)
    assert await catalogue.titles() == {"P1": "Desk lamp", "P3": "Cup"}
    assert await catalogue.product_of_variant("V1") is None
    assert (await catalogue.counts())["products"] == 2


async def test_the_same_file_in_another_order_changes_no_row(catalogue: SqlCatalogue, knowledge: Knowledge,
                                                            tmp_path: Path) -> None:
    report = await ingest_files(knowledge, [write(tmp_path / "products.jsonl", PRODUCTS[::-1])])
    assert not report.total("products").any
    assert [p.id async for p in catalogue.all_products()] == ["P1", "P2"]
