"""An index that was brought up to date answers as one made anew, reads only what changed and writes nothing for nothing."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.config import IndexSettings, KnowledgeSettings
from knowledge.embedders import HashEmbedder
from knowledge.entries import owner_facet
from knowledge.index_build import open_shelves, read_shelves
from knowledge.index_refresh import RefreshReport, refresh
from knowledge.index_source import IndexSource
from knowledge.indexes.folder import current_generation
from knowledge.ingest import ingest
from knowledge.lexicon import load_lexicon
from knowledge.models import EvidenceKind
from knowledge.ports import Vectors
from knowledge.question import QuestionReader
from knowledge.retriever import ShelfRanker
from knowledge.shelf import Shelf
from knowledge.spelling import Speller
from knowledge.store import open_knowledge

Row = dict[str, Any]
LEXICON = load_lexicon()
ANALYZER = LEXICON.analyzer()
EXACT = KnowledgeSettings(embedder="hash")
LISTS = KnowledgeSettings(embedder="hash", index=IndexSettings(flat_limit=8))
WORDS = ("trail", "rain", "jacket", "cup", "steel", "wool", "lamp", "red", "blue", "small")


class Counting(HashEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts: Any) -> Vectors:
        self.texts += list(texts)
        return super().embed(texts)


def product(number: int, chance: random.Random) -> Row:
    title = " ".join(chance.sample(WORDS, 2))
    return {"id": f"P{number}", "title": title, "brand": chance.choice(("Norda", "norda", "Keldan")),
            "category": [chance.choice(WORDS)], "description": " ".join(chance.choices(WORDS, k=6)),
            "variants": [{"id": f"P{number}-{size}", "sku": f"SKU-{number}-{size}", "price": f"{chance.randint(5, 90)}",
                          "options": {"size": size}} for size in chance.sample(("S", "M", "L"), 2)]}


def order(number: int, chance: random.Random, products: int) -> Row:
    bought = [chance.randrange(products) for _ in range(chance.randint(1, 3))]
    lines = [{"id": f"L{place}", "product_id": f"P{one}", "variant_id": f"P{one}-S", "title": f"thing {one}",
              "quantity": 1, "unit_price": "1.00"} for place, one in enumerate(bought)]
    return {"id": f"O{number}", "number": f"#W{number}", "customer_id": f"C{number % 4}", "status": "delivered",
            "placed_at": f"2026-{number % 12 + 1:02}-02T10:00:00Z", "lines": lines}


class Shop:
    """Rows as they shall be, and the folder they are ingested into."""

    def __init__(self, folder: Path, settings: KnowledgeSettings = EXACT) -> None:
        self.store, self._files, self.settings = folder / "shop", folder / "files", settings
        self._files.mkdir(parents=True)
        self.store.mkdir()
        (self.store / "shopclerk.toml").write_text(
            f'embedder = "hash"\n[index]\nflat_limit = {settings.index.flat_limit}\n', encoding="utf-8")
        self.rows: dict[str, dict[str, Row]] = {"products.jsonl": {}, "orders.jsonl": {}, "reviews.jsonl": {}}

    async def ingest(self, *names: str) -> RefreshReport:
        paths = []
        for name in names or self.rows:
            path = self._files / name
            path.write_text("".join(json.dumps(row) + "\n" for row in self.rows[name].values()), encoding="utf-8")
            paths.append(path)
        report: RefreshReport = (await ingest(self.store, paths, prune=True)).index
        return report

    def put(self, name: str, *rows: Row) -> None:
        self.rows[name].update((row["id"], row) for row in rows)

    def files(self) -> dict[str, tuple[int, int]]:
        return {str(path.relative_to(self.store)): (path.stat().st_mtime_ns, path.stat().st_ino)
                for path in (self.store / "index").rglob("*") if path.is_file()}


def described(shelf: Shelf) -> dict[str, Any]:
    """What a shelf answers, without the numbers it uses inside."""
    rows = range(len(shelf))
    every = np.arange(len(shelf), dtype=np.int64)
    return {
        "rows": [shelf.entry(row) for row in rows], "prices": np.asarray(shelf.prices).tolist(),
        "facets": {name: shelf.facets.rows(name).tolist() for name in shelf.facets.names},
        "words": {term: sorted(shelf.texts.rows(shelf.lexical.rows_with(term)).tolist()) for term in
                  shelf.lexical.terms},
        "scores": {word: np.round(shelf.lexical.scores([ANALYZER.stem(word)])[shelf.texts.of(every)], 4).tolist()
                   for word in WORDS},
        "vectors": np.round(shelf.dense.vectors(shelf.vectors.of(every)), 2).tolist(),
        "units": shelf.units()}


@pytest.mark.parametrize("settings", [EXACT, LISTS], ids=["flat", "lists"])
@pytest.mark.parametrize("seed", range(2))
async def test_after_any_changes_it_is_as_if_made_anew(tmp_path: Path, settings: KnowledgeSettings, seed: int) -> None:
    chance, shop = random.Random(seed), Shop(tmp_path, settings)
    shop.put("products.jsonl", *(product(n, chance) for n in range(24)))
    shop.put("orders.jsonl", *(order(n, chance, 26) for n in range(12)))
    shop.put("reviews.jsonl", *({"id": f"R{n}", "product_id": f"P{n * 3}", "rating": 4, "title": "good",
                                 "text": " ".join(chance.sample(WORDS, 3))} for n in range(6)))
    await shop.ingest()
    for step in range(3):
        for name, make in (("products.jsonl", product), ("orders.jsonl", lambda n, c: order(n, c, 26))):
            rows = shop.rows[name]
            for id in chance.sample(sorted(rows), 3):
                del rows[id]
            shop.put(name, *(make(chance.randrange(30), chance) for _ in range(3)))
            if step == 2:
                shop.rows[name] = dict(chance.sample(sorted(rows.items()), len(rows)))   # the same in another order
        report = await shop.ingest()
        assert report.written
    updated, words = read_shelves(shop.store, ANALYZER, HashEmbedder())
    mine = {kind: described(shelf) for kind, shelf in updated.items()}
    shutil.rmtree(shop.store / "index")
    await refresh(shop.store, settings)
    fresh, fresh_words = read_shelves(shop.store, ANALYZER, HashEmbedder())
    assert mine.keys() == fresh.keys() == {EvidenceKind.PRODUCT, EvidenceKind.ORDER_LINE, EvidenceKind.REVIEW}
    for kind in fresh:
        assert mine[kind] == described(fresh[kind]), kind
    assert words == fresh_words
    assert updated[EvidenceKind.PRODUCT].dense.exact == (settings is EXACT)


async def test_unchanged_files_write_nothing_and_encode_nothing(tmp_path: Path) -> None:
    chance, shop = random.Random(1), Shop(tmp_path)
    shop.put("products.jsonl", *(product(n, chance) for n in range(20)))
    shop.put("orders.jsonl", *(order(n, chance, 20) for n in range(10)))
    assert (await shop.ingest()).written
    before = shop.files()
    again = await shop.ingest()
    assert not again.written and (again.embedded, again.changed, again.removed) == (0, 0, 0)
    assert again.counts["product"] == 20 and shop.files() == before


async def test_kinds_that_did_not_change_keep_their_files(tmp_path: Path) -> None:
    chance, shop = random.Random(1), Shop(tmp_path)
    shop.put("products.jsonl", *(product(n, chance) for n in range(5)))
    shop.put("orders.jsonl", order(1, chance, 5))
    await shop.ingest()
    first = current_generation(shop.store / "index")
    shop.put("orders.jsonl", order(2, chance, 5))
    await shop.ingest()
    second = current_generation(shop.store / "index")
    assert first and second and first != second
    for part, same in (("product", True), ("order_line", False)):
        old, new = ((folder / part / "rows.jsonl").stat().st_ino for folder in (first, second))
        assert (old == new) is same


async def test_each_distinct_text_is_encoded_once_and_only_what_changed_is_read(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, shop = random.Random(4), Shop(tmp_path)
    shop.put("products.jsonl", *(product(n, chance) for n in range(6)))
    shop.put("orders.jsonl", *(order(n, chance, 6) for n in range(200)))
    await shop.ingest()
    shutil.rmtree(shop.store / "index")
    counting = Counting()
    report = await refresh(shop.store, EXACT, embedder=counting)
    assert len(counting.texts) == len(set(counting.texts)) == report.embedded
    assert report.counts["order_line"] > 200 and report.embedded <= 6 + 6
    asked: list[str] = []
    entries = IndexSource.entries

    async def counted(self: IndexSource, kind: EvidenceKind, ids: Any) -> Any:
        asked.extend(ids)
        return await entries(self, kind, ids)

    monkeypatch.setattr(IndexSource, "entries", counted)
    shop.put("orders.jsonl", order(7, random.Random(99), 6), order(200, chance, 6))
    await shop.ingest("orders.jsonl")
    assert set(asked) == {"O7", "O200"}


async def test_lines_read_as_their_product_does_after_it_was_renamed(tmp_path: Path) -> None:
    chance, shop = random.Random(1), Shop(tmp_path)
    shop.put("products.jsonl", *(product(n, chance) for n in range(4)))
    bought = order(1, chance, 1)
    shop.put("orders.jsonl", bought, {**order(2, chance, 4), "lines": [{**bought["lines"][0], "product_id": "P9"}]})
    await shop.ingest()
    renamed = {**product(0, chance), "description": "woven from moonlight"}
    shop.put("products.jsonl", renamed, {**product(9, chance), "description": "made of moonlight"})
    await shop.ingest("products.jsonl")
    folder = current_generation(shop.store / "index")
    assert folder is not None
    lines = open_shelves(folder)[EvidenceKind.ORDER_LINE]
    rows = lines.texts.rows(lines.lexical.rows_with(ANALYZER.stem("moonlight")))
    assert {lines.entry(int(row))["data"]["order_id"] for row in rows} == {"O1", "O2"}


@pytest.mark.parametrize("settings", [EXACT, LISTS], ids=["flat", "lists"])
async def test_owners_stay_apart_after_updates_as_brute_force_has_it(tmp_path: Path,
                                                                     settings: KnowledgeSettings) -> None:
    chance, shop = random.Random(5), Shop(tmp_path, settings)
    shop.put("products.jsonl", *(product(n, chance) for n in range(15)))
    shop.put("orders.jsonl", *(order(n, chance, 15) for n in range(40)))
    await shop.ingest()
    for id in ("O3", "O8", "O21"):
        del shop.rows["orders.jsonl"][id]
    shop.put("orders.jsonl", *(order(n, chance, 15) for n in (5, 41, 42)))
    await shop.ingest("orders.jsonl")
    folder = current_generation(shop.store / "index")
    assert folder is not None
    shelf = open_shelves(folder)[EvidenceKind.ORDER_LINE]
    embedder = HashEmbedder()
    reader = QuestionReader(ANALYZER, LEXICON, embedder, [Speller(shelf.lexical.terms,
                                                                  shelf.lexical.document_frequency)])
    for owner in ("C0", "C1", "C2", "C3"):
        own = [f"{o['id']}/{line['id']}" for o in shop.rows["orders.jsonl"].values() if o["customer_id"] == owner
               for line in o["lines"]]
        rows = shelf.facets.rows(owner_facet(owner))
        assert sorted(shelf.entry(int(row))["ref"] for row in rows) == sorted(own)
        question = reader.read("thing 3 rain jacket")
        ranked, scores = ShelfRanker(lexical=False).rank(shelf, question, len(rows), rows)
        exact = {int(row): float(shelf.dense.vectors(shelf.vectors.of(np.asarray([row])))[0] @ question.vector)
                 for row in rows}
        assert [exact[int(row)] for row in ranked] == pytest.approx(sorted(exact.values(), reverse=True), abs=1e-5)
        assert scores.tolist() == pytest.approx([max(0.0, exact[int(row)]) for row in ranked], abs=1e-5)


async def test_other_code_for_entries_makes_rows_anew_but_encodes_nothing(tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    from knowledge import index_refresh

    chance, shop = random.Random(1), Shop(tmp_path)
    shop.put("products.jsonl", *(product(n, chance) for n in range(5)))
    await shop.ingest()
    monkeypatch.setattr(index_refresh, "recipe", lambda lexicon: "another")
    report = await refresh(shop.store, EXACT)
    assert report.written and report.embedded == 0 and report.changed == 5
    assert not (await refresh(shop.store, EXACT)).written


async def test_a_change_of_the_database_while_it_is_read_is_caught_up_with(tmp_path: Path,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    chance, shop = random.Random(1), Shop(tmp_path)
    shop.put("products.jsonl", *(product(n, chance) for n in range(5)))
    await shop.ingest()
    shutil.rmtree(shop.store / "index")
    entries = IndexSource.entries

    async def without_one(self: IndexSource, kind: EvidenceKind, ids: Any) -> Any:
        found = await entries(self, kind, ids)
        found.pop("P2", None)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(IndexSource, "entries", without_one)
        assert (await refresh(shop.store, EXACT)).counts["product"] == 4
    report = await refresh(shop.store, EXACT)
    assert (report.counts["product"], report.changed) == (5, 1)
    knowledge = await open_knowledge(shop.store)
    await knowledge.close()
