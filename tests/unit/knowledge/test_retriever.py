"""What search returns fulfils what was asked, as things are now; it looks further when a filter leaves too few."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import ANALYZER, LEXICON, PRODUCTS, Shelved, retriever, variant

from knowledge.filters import allowed_rows, product_facets
from knowledge.fusion import FusionSettings, fuse
from knowledge.index_build import make_matcher
from knowledge.models import EvidenceKind, Product
from knowledge.ports import Constraints
from knowledge.query import ANY
from knowledge.rerankers import LateInteraction
from knowledge.retriever import ShelfRanker

MATCHER = make_matcher(LEXICON, ANALYZER)


async def ids(query: str, catalogue: Shelved | None = None, **kwargs: object) -> list[str]:
    return [e.ref for e in await retriever(catalogue or Shelved()).search(query, **kwargs)]  # type: ignore[arg-type]


async def test_the_best_comes_first_and_the_limit_holds() -> None:
    assert (await ids("rain jacket"))[0] == "P4"
    assert len(await ids("jacket", limit=1)) == 1


async def test_price_option_and_exclusion_hold_together() -> None:
    found = await retriever(Shelved()).search("waterproof trail shoes under 120 in size 42, not leather")
    assert [e.ref for e in found] == ["P1", "P3"]
    assert found[0].data["variant_ids"] == ["V1"]      # 43 in blue would cost more


async def test_free_of_leather_is_not_leather() -> None:
    assert "P3" in await ids("shoes without leather") and "P2" not in await ids("shoes without leather")


async def test_stock_and_option_must_be_of_one_variant() -> None:
    assert "P3" not in await ids("red shoes size 42 in stock")
    assert "P3" in await ids("red shoes size 41 in stock")


async def test_price_and_stock_are_read_now_not_from_the_index() -> None:
    catalogue = Shelved()
    search = retriever(catalogue)
    cheaper = replace(PRODUCTS[3], variants=(variant("V6", "20.00", size="M", color="green"),))
    catalogue.now["P4"] = cheaper
    assert "P4" in [e.ref for e in await search.search("rain jacket under 25")]
    catalogue.now["P4"] = replace(cheaper, variants=(variant("V6", "20.00", 0, size="M", color="green"),))
    assert "P4" not in [e.ref for e in await search.search("rain jacket in stock")]
    del catalogue.now["P4"]
    assert "P4" not in [e.ref for e in await search.search("rain jacket under 25")]


async def test_no_price_or_stock_is_in_evidence() -> None:
    for evidence in await retriever(Shelved()).search("shoes jacket cups backpack"):
        assert not {"price", "stock", "low", "high"} & set(evidence.data)
        assert "119" not in evidence.text and "149" not in evidence.text


async def test_nothing_fits_is_said_and_the_nearest_can_be_asked_for() -> None:
    search = retriever(Shelved())
    wanted = Constraints(max_price=Decimal(50), options=(("size", "42"),))
    assert await search.search("trail shoes", constraints=wanted) == []
    nearest = await search.nearest("trail shoes", wanted, limit=3)
    assert nearest and nearest[0][1] == ["price"]
    assert {e.ref for e, missed in nearest if missed == ["price"]} >= {"P1"}


async def test_a_guess_that_nothing_bears_out_is_dropped() -> None:
    """No cups are red and none are by Norda: the words were meant otherwise, or nothing would ever be found."""
    understood = retriever(Shelved()).understand("norda cups")
    assert understood.constraints.brands == ()
    assert retriever(Shelved()).understand("norda shoes").constraints.brands == ("Norda",)
    assert retriever(Shelved()).understand("cups by norda").constraints.brands == ("Norda",)


async def test_a_filter_looks_deeper_until_enough_are_found() -> None:
    many = [Product(f"M{i}", "Plain mug", (variant(f"MV{i}", "5.00", 1 if i % 100 == 0 else 0),)) for i in range(700)]
    found = await ids("plain mug in stock", Shelved(many), limit=7)
    assert sorted(found) == sorted(f"M{i}" for i in range(0, 700, 100))


@pytest.mark.parametrize("sides", [{"dense": False}, {"lexical": False}, {}])
async def test_either_side_can_be_switched_off(sides: dict[str, bool]) -> None:
    found = await retriever(Shelved(), **sides).search("rain jacket")
    assert found[0].ref == "P4" and all(0 <= e.score <= 1.001 for e in found)


async def test_a_vector_given_is_used_and_odd_queries_do_no_harm() -> None:
    search = retriever(Shelved())
    await search.search("rain jacket", vector=np.zeros(256, dtype=np.float32))
    for query in ("", " ", "🙂", "'; DROP TABLE", "a" * 100_000, "\x00\u202e", "<script>"):
        assert isinstance(await search.search(query, limit=3), list)
    assert await search.search("jacket", kinds=(EvidenceKind.REVIEW,)) == []


def test_fusion_is_a_weighted_mean_on_absolute_scales() -> None:
    words, cosine = np.asarray([1.0, 0.0], dtype=np.float32), np.asarray([0.0, 0.8], dtype=np.float32)
    np.testing.assert_allclose(fuse(words, cosine, 0.25), [0.25, 0.6])
    s = FusionSettings()
    assert s.share(natural=False) > s.share(natural=True) > s.share(natural=True, given=True)


def test_late_interaction_prefers_the_text_that_holds_the_words() -> None:
    class OneHot:
        def embed_tokens(self, texts: list[str]) -> list[np.ndarray]:
            words = sorted({word for text in texts for word in text.split()})
            return [np.stack([np.eye(len(words), dtype=np.float32)[words.index(w)] for w in text.split()])
                    if text else np.empty((0, len(words)), dtype=np.float32) for text in texts]

    scores = LateInteraction(OneHot()).rerank("red cup", ["blue plate", "red cup", ""], np.zeros(3, dtype=np.float32))
    assert scores.argmax() == 1 and scores[0] == scores[2] == 0


OPTION = st.tuples(st.sampled_from(["color", "size", ANY, "material"]),
                   st.sampled_from(["red", "42", "green", "30 l", "porcelain", "pink", "leather"]))
CONSTRAINTS = st.builds(
    Constraints, min_price=st.sampled_from([None, Decimal(50)]), max_price=st.sampled_from([None, Decimal(100)]),
    categories=st.sampled_from([(), ("Shoes",), ("Jackets", "Bags")]),
    brands=st.sampled_from([(), ("Norda",), ("keldan",)]), options=st.lists(OPTION, max_size=2).map(tuple),
    excluded=st.sampled_from([(), ("leather",), ("red",), ("jacket",)]), in_stock=st.booleans())


@settings(max_examples=150, deadline=None)
@given(wanted=CONSTRAINTS)
def test_the_index_never_hides_what_fits(wanted: Constraints) -> None:
    """The rows left by facets hold every product that the live check accepts."""
    shelf = retriever(Shelved()).shelves[EvidenceKind.PRODUCT]
    rows = allowed_rows(shelf, wanted, ANALYZER)
    kept = {p.id for p in PRODUCTS} if rows is None else {shelf.entry(int(r))["ref"] for r in rows}
    assert {p.id for p in PRODUCTS if MATCHER.fits(p, wanted)} <= kept


@settings(max_examples=60, deadline=None)
@given(wanted=CONSTRAINTS, query=st.sampled_from(["shoes", "jacket", "a gift", "trail"]))
async def test_search_returns_exactly_what_fits(wanted: Constraints, query: str) -> None:
    found = await ids(query, constraints=wanted, limit=50)
    if wanted.empty:
        assert set(found) <= {p.id for p in PRODUCTS}
    else:
        assert set(found) == {p.id for p in PRODUCTS if MATCHER.fits(p, wanted)}


def test_facets_name_every_option_twice() -> None:
    facets = product_facets(PRODUCTS[3], ANALYZER)
    assert "option:color=green" in facets and f"option:{ANY}=green" in facets and "brand:norda" in facets


async def test_results_of_kinds_are_merged_by_score() -> None:
    found = await retriever(Shelved()).search("jacket", kinds=(EvidenceKind.PRODUCT, EvidenceKind.DOCUMENT))
    assert [e.score for e in found] == sorted((e.score for e in found), reverse=True)


def test_the_reranker_reorders_the_first_few_only() -> None:
    class Reversing:
        depth = 2

        def rerank(self, query: str, texts: list[str], scores: np.ndarray) -> np.ndarray:
            return np.arange(len(texts), dtype=np.float32)

    search = retriever(Shelved())
    shelf, question = search.shelves[EvidenceKind.PRODUCT], search._reader.read("rain jacket")
    plain, scores = ShelfRanker().rank(shelf, question, 10)
    again, fresh = ShelfRanker(reranker=Reversing()).rank(shelf, question, 10)
    assert again.tolist() == [plain[1], plain[0], *plain[2:]]
    np.testing.assert_allclose(fresh, scores)
