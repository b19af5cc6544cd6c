"""From the shop's database to search and back: only what changed is embedded, what is gone is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knowledge.config import KnowledgeSettings
from knowledge.embedders import HashEmbedder
from knowledge.errors import BadInput, ConfigError, DataError
from knowledge.index_build import load_search, make_embedder
from knowledge.index_refresh import refresh
from knowledge.ingest import ingest_files
from knowledge.models import EvidenceKind
from knowledge.ports import Vectors
from knowledge.store import open_knowledge

SETTINGS = KnowledgeSettings(embedder="hash")


def product(id: str, title: str, price: str = "10.00", **more: object) -> dict[str, object]:
    variants = [{"id": f"{id}-v", "sku": f"SKU-{id}", "price": price, "stock": 3}]
    return {"id": id, "title": title, "variants": variants} | more


ROWS = [product("P1", "Rain jacket", description="Keeps you dry."), product("P2", "Trail shoes"), product("P3", "Cup")]
ORDER = {"id": "O1", "number": "#W1", "customer_id": "C1", "status": "delivered", "placed_at": "2026-04-02T10:00:00Z",
         "lines": [{"id": "L1", "product_id": "P1", "variant_id": "P1-v", "title": "Rain jacket", "quantity": 1,
                    "unit_price": "10.00"}]}


class Counting(HashEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts: object) -> Vectors:
        self.texts += list(texts)  # type: ignore[call-overload]
        return super().embed(texts)  # type: ignore[arg-type]


async def fill(shop: Path, rows: list[dict[str, object]], **others: object) -> None:
    files = {"products.jsonl": rows, "customers.jsonl": [{"id": "C1", "payment_methods": []}], "orders.jsonl": [ORDER]}
    paths = []
    for name, content in files.items():
        path = shop.parent / name
        path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
        paths.append(path)
    help_page = shop.parent / "help.md"
    help_page.write_text("# Help\n\n## Returns\nSend it back within 45 days.\n\n## Delivery\nTwo days.\n")
    knowledge = await open_knowledge(shop, SETTINGS)
    try:
        await ingest_files(knowledge, [*paths, help_page])
    finally:
        await knowledge.close()


async def test_everything_becomes_searchable(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    await fill(shop, ROWS)
    seen: list[tuple[str, int, int]] = []
    report = await refresh(shop, SETTINGS, progress=lambda *step: seen.append(step))
    assert report.written and report.counts["product"] == 3 and report.counts["order_line"] == 1
    assert ("product", 3, 3) in seen
    bundle = load_search(shop, SETTINGS)
    try:
        assert (await bundle.search.search("rain jacket", kinds=(EvidenceKind.PRODUCT,)))[0].id == "product:P1"
        passage = (await bundle.search.search("returns 45 days", kinds=(EvidenceKind.DOCUMENT,)))[0]
        assert "45 days" in passage.text and passage.headings[-1] == "Returns" and passage.source
        assert (await bundle.order_lines.search_lines("C1", "jacket"))[0].id == "line:O1/L1"
        assert await bundle.order_lines.search_lines("C2", "jacket") == []
        assert (await bundle.search.search("jacket under 20", kinds=(EvidenceKind.PRODUCT,)))[0].ref == "P1"
        assert await bundle.search.search("jacket under 5", kinds=(EvidenceKind.PRODUCT,)) == []
    finally:
        await bundle.close()


async def test_only_what_changed_is_embedded_and_what_is_gone_is_gone(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    await fill(shop, ROWS)
    await refresh(shop, SETTINGS)
    counting = Counting()
    again = await refresh(shop, SETTINGS, embedder=counting)
    assert not again.written and counting.texts == []
    await fill(shop, [ROWS[0], product("P2", "Trail sandals"), product("P4", "Lamp")])
    changed = await refresh(shop, SETTINGS, embedder=counting)
    assert len(counting.texts) == changed.embedded == 2 and changed.removed == 1 and changed.changed == 2
    bundle = load_search(shop, SETTINGS)
    try:
        found = {e.title for e in await bundle.search.search("cup lamp sandals", kinds=(EvidenceKind.PRODUCT,))}
    finally:
        await bundle.close()
    assert found == {"Lamp", "Trail sandals", "Rain jacket"}


async def test_a_new_price_needs_no_embedding(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    await fill(shop, ROWS)
    await refresh(shop, SETTINGS)
    await fill(shop, [product("P1", "Rain jacket", "99.00", description="Keeps you dry."), *ROWS[1:]])
    report = await refresh(shop, SETTINGS)
    assert report.embedded == 0 and report.changed == 1


async def test_an_empty_shop_and_one_without_an_index_can_be_searched(tmp_path: Path) -> None:
    knowledge = await open_knowledge(tmp_path, SETTINGS)
    bundle = load_search(tmp_path, SETTINGS, knowledge.catalogue)
    assert await bundle.search.search("anything") == []
    assert (await refresh(tmp_path, SETTINGS)).counts["product"] == 0
    bundle = load_search(tmp_path, SETTINGS, knowledge.catalogue)
    assert await bundle.search.search("anything under 5") == []
    assert await bundle.order_lines.search_lines("C1", "anything") == []
    await knowledge.close()


async def test_a_damaged_index_is_named_and_built_anew(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    await fill(shop, ROWS)
    await refresh(shop, SETTINGS)
    vectors = next((shop / "index").glob("generation-*/product/vectors.faiss"))
    vectors.write_bytes(vectors.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"vectors\.faiss"):
        load_search(shop, SETTINGS)
    assert (await refresh(shop, SETTINGS)).embedded > 0
    await load_search(shop, SETTINGS).close()


async def test_nothing_in_the_index_is_pickled(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    await fill(shop, ROWS)
    await refresh(shop, SETTINGS)
    kinds = {path.suffix for path in (shop / "index").rglob("*") if path.is_file()}
    assert kinds == {"", ".npy", ".json", ".jsonl", ".faiss"}


def test_an_unknown_embedder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="word2vec"):
        make_embedder(tmp_path, KnowledgeSettings(embedder="word2vec"))


async def test_the_search_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    import typer

    from knowledge.search_cli import commands

    monkeypatch.setenv("SHOPCLERK__EMBEDDER", "hash")
    shop = tmp_path / "shop"
    await fill(shop, ROWS)
    await refresh(shop, SETTINGS)
    app = typer.Typer()
    commands(app, None)

    def run(*arguments: str) -> object:
        return CliRunner().invoke(app, ["search", *arguments, "--dir", str(shop)])

    done = await asyncio.to_thread(run, "rain jacket under 20", "--json", "--limit", "1", "--kind", "product")
    found = json.loads(done.stdout)  # type: ignore[attr-defined]
    assert found["constraints"] == {"max_price": "20"}
    assert found["results"][0]["id"] == "P1" and found["results"][0]["variants"][0]["price"] == "10.00"
    shown = await asyncio.to_thread(run, "jacket under 1")
    assert "nothing found" in shown.stdout  # type: ignore[attr-defined]
    wrong = await asyncio.to_thread(run, "x", "--kind", "people")
    assert isinstance(wrong.exception, BadInput)  # type: ignore[attr-defined]
