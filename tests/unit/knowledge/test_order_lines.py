"""A customer's own order lines are found by meaning, and never anybody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import ANALYZER, LEXICON, PRODUCTS

from knowledge.embedders import HashEmbedder, load_embedder
from knowledge.entries import line_entry, when_words
from knowledge.index_build import make_reader
from knowledge.models import EvidenceKind, Order, OrderLine, OrderStatus
from knowledge.order_lines import IndexedOrderLines
from knowledge.ports import Embedder
from knowledge.shelf_build import shelve
from knowledge.vocabulary import Vocabulary

OWNERS = ["C1", "C2", "C1 ", "c1", "owner:C1", "C10", ""]


def order(id: str, owner: str, titles: list[str], placed: datetime | None = None) -> Order:
    known = {p.title: p for p in PRODUCTS}
    lines = tuple(OrderLine(f"L{n}", known[t].id if t in known else "GONE", "V", t, Decimal(10))
                  for n, t in enumerate(titles))
    return Order(id, f"#{id}", owner, OrderStatus.DELIVERED, lines, placed_at=placed)


def lines(orders: list[Order], embedder: Embedder | None = None) -> IndexedOrderLines:
    embedder = embedder or HashEmbedder()
    products = {p.id: p for p in PRODUCTS}
    entries = [line_entry(o, line, products.get(line.product_id), LEXICON) for o in orders for line in o.lines]
    shelf = shelve(EvidenceKind.ORDER_LINE, entries, embedder, ANALYZER)
    reader = make_reader({EvidenceKind.ORDER_LINE: shelf}, (EvidenceKind.ORDER_LINE,), LEXICON, ANALYZER, embedder,
                         Vocabulary.of(PRODUCTS, ANALYZER))
    return IndexedOrderLines(shelf, reader)


TITLES = st.sampled_from([p.title for p in PRODUCTS] + ["C1", "owner:C2", "everything of C10"])
ORDERS = st.lists(st.tuples(st.sampled_from(OWNERS[:-1]), st.lists(TITLES, min_size=1, max_size=4)), max_size=8)


@settings(max_examples=120, deadline=None)
@given(made=ORDERS, asker=st.sampled_from(OWNERS) | st.text(max_size=8), limit=st.integers(-1, 40),
       query=st.one_of(TITLES, st.sampled_from(OWNERS), st.text(max_size=30)), with_vector=st.booleans(),
       seed=st.integers(0, 99))
async def test_no_query_filter_or_id_reaches_another_owner(made: list[tuple[str, list[str]]], asker: str, limit: int,
                                                           query: str, with_vector: bool, seed: int) -> None:
    orders = [order(f"O{n}", owner, titles) for n, (owner, titles) in enumerate(made)]
    owner_of = {o.id: o.customer_id for o in orders}
    vector = np.random.default_rng(seed).standard_normal(256).astype(np.float32) if with_vector else None
    found = await lines(orders).search_lines(asker, query, limit=limit, vector=vector)
    assert all(owner_of[e.data["order_id"]] == asker for e in found)
    assert len(found) <= max(limit, 0)


async def test_all_own_lines_can_be_seen() -> None:
    search = lines([order("O1", "C1", ["Rain Jacket", "Espresso Cups"]), order("O2", "C2", ["Rain Jacket"])])
    found = await search.search_lines("C1", "rain jacket", limit=10)
    assert [e.id for e in found] == ["line:O1/L0", "line:O1/L1"]
    assert found[0].data["order_number"] == "#O1"


async def test_the_owner_is_in_no_text() -> None:
    found = await lines([order("O1", "customer-secret", ["Rain Jacket"])]).search_lines("customer-secret", "jacket")
    assert "secret" not in f"{found[0]}"


async def test_meaning_and_season_find_a_purchase() -> None:
    spring, winter = datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)
    search = lines([order("O1", "C1", ["Rain Jacket"], winter),
                    order("O2", "C1", ["Rain Jacket", "Espresso Cups"], spring),
                    order("O3", "C1", ["Trail Backpack"], winter)], load_embedder())
    for query, expected in (("the jacket I bought in spring", "line:O2/L0"), ("the jacket from january", "line:O1/L0"),
                            ("what I drink coffee from", "line:O2/L1"), ("the bag", "line:O3/L0")):
        assert (await search.search_lines("C1", query, limit=1))[0].id == expected, query


@pytest.mark.parametrize(("moment", "words"), [
    (datetime(2026, 12, 24, tzinfo=UTC), "december 2026, winter, christmas, holidays"), (None, ""),
])
def test_when(moment: datetime | None, words: str) -> None:
    assert when_words(moment, LEXICON) == words
