"""The storefront's pure parts: shelves, filters, the cart's cookie, who is signed in, help pages."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.channels.storefront.basket import MOST_LINES, Basket, find_variant, read_basket
from bot.channels.storefront.help import grouped, read_pages
from bot.channels.storefront.listing import PAGE_SIZE, Wanted, address, narrow, read_wanted
from bot.channels.storefront.product_view import chosen_variant, starters_for, stock_words
from bot.channels.storefront.session import customer_token, session_cookie, signed_in
from bot.channels.storefront.shelves import Offer, Range, arranged, slug, slug_of
from bot.channels.tokens import BadToken, customer_of
from bot.config import CustomerTokenSettings
from bot.demo.catalogue import build_catalogue
from knowledge.native import product_from

KEY = "shared between storefront and assistant"
NOTHING: dict[str, tuple[str, ...]] = {"brand": (), "color": (), "size": ()}


@pytest.fixture(scope="module")
def shop() -> Range:
    products = [product_from(item.product) for item in build_catalogue(7).values()]
    return arranged([Offer(p, slug_of(p), place, sold=place % 11) for place, p in enumerate(products)])


def wanted(**query: str) -> Wanted:
    return read_wanted(query, lambda name: [query[name]] if name in query else [])


# --- lists ------------------------------------------------------------------------------------------------------------

def test_a_department_has_all_its_products_and_kinds(shop: Range) -> None:
    shoes = shop.departments["shoes"]
    assert {o.department for o in shoes.offers} == {"Shoes"}
    assert set(shoes.kinds.values()) == {o.kind for o in shoes.offers}
    assert sum(len(d.offers) for d in shop.departments.values()) == len(shop.offers)


def test_color_and_size_have_to_be_one_variant(shop: Range) -> None:
    offers = shop.departments["shoes"].offers
    found = narrow(offers, wanted(color="moss", size="42", stock="1")).offers
    assert found and all(any(v.options.get("color") == "moss" and v.options.get("size") == "42" and v.available
                             for v in o.product.variants) for o in found)


def test_a_choice_says_how_many_it_would_leave(shop: Range) -> None:
    offers = shop.departments["jackets"].offers
    listing = narrow(offers, wanted(brand="Torvane"))
    for choice in listing.filters["color"]:
        assert narrow(offers, wanted(brand="Torvane", color=choice.value)).total == choice.count
    other = next(c for c in listing.filters["brand"] if not c.ticked)
    assert narrow(offers, wanted(brand=other.value)).total == other.count, "its own filter does not narrow a filter"


def test_prices_bound_both_ends(shop: Range) -> None:
    found = narrow(shop.offers, wanted(min="50", max="80")).offers
    assert found and all(any(50 <= v.price <= 80 for v in o.product.variants) for o in found)


@pytest.mark.parametrize("sort, key", [("price", lambda o: o.price), ("price-down", lambda o: -o.price),
                                       ("popular", lambda o: -o.sold), ("saving", lambda o: -o.saving)])
def test_sorted_as_asked(shop: Range, sort: str, key: object) -> None:
    found = [key(o) for o in narrow(shop.offers, wanted(sort=sort)).offers]      # type: ignore[operator]
    assert found == sorted(found)


def test_pages_hold_everything_once(shop: Range) -> None:
    first = narrow(shop.offers, wanted())
    seen = [o.product.id for page in range(1, first.pages + 1)
            for o in narrow(shop.offers, wanted(page=str(page))).offers]
    assert len(first.offers) == PAGE_SIZE and sorted(seen) == sorted(o.product.id for o in shop.offers)


@pytest.mark.parametrize("query", [{"page": "-1"}, {"page": "9999"}, {"page": "x"}, {"min": "NaN"}, {"max": "1e400"},
                                   {"min": "abc"}, {"sort": "'; drop"}, {"size": "x" * 9000}, {"color": "<b>"}])
def test_nonsense_in_an_address_is_no_error(shop: Range, query: dict[str, str]) -> None:
    assert narrow(shop.offers, wanted(**query)).page >= 1


def test_an_address_keeps_what_was_chosen() -> None:
    chosen = wanted(brand="Torvane & Co", color="off-white", min="20", stock="1", sort="price")
    url = address("/departments/shoes", chosen, page=3)
    assert url == "/departments/shoes?brand=Torvane+%26+Co&color=off-white&min=20&stock=1&sort=price&page=3"
    assert "brand" not in address("/x", chosen, without=("brand", "Torvane & Co"))
    assert address("/x", Wanted(NOTHING)) == "/x"


def test_related_are_of_the_same_kind_first(shop: Range) -> None:
    offer = shop.departments["camping"].offers[0]
    assert [o.kind for o in shop.related(offer, 3)] == [offer.kind] * 3


# --- products ---------------------------------------------------------------------------------------------------------

def test_slugs_are_the_products_own_addresses(shop: Range) -> None:
    assert all(o.product.url == f"/products/{o.slug}" for o in shop.offers)
    assert len(shop.by_slug) == len(shop.offers) and slug("Kids' Shoes & Boots") == "kids-shoes-boots"


def test_the_first_variant_in_stock_is_chosen_unless_the_address_names_one(shop: Range) -> None:
    offer = next(o for o in shop.offers if not o.product.variants[0].available)
    assert chosen_variant(offer, {}).available
    assert chosen_variant(offer, {"variant": offer.product.variants[0].id}) == offer.product.variants[0]
    assert stock_words(offer.product.variants[0])[0] == "gone"


def test_only_what_a_product_can_answer_is_suggested(shop: Range) -> None:
    questions = [{"text": "Is it available in {size}?", "needs": "size"}, {"text": "Is it waterproof?", "needs": "waterproof"},
                 {"text": "Cheaper?", "needs": "cheaper"}, {"text": "Can I return this?"}]
    grinder = next(o for o in shop.offers if "Coffee Grinder" in o.product.title)
    assert starters_for(grinder, questions) == ["Can I return this?"]
    shoe = next(o for o in shop.offers if "waterproof" in o.product.attributes and "size" in o.product.options)
    asked = starters_for(shoe, questions, shop.offers)
    assert asked[0].startswith("Is it available in ") and asked[1] == "Is it waterproof?"


# --- the cart's cookie ------------------------------------------------------------------------------------------------

def test_a_cart_survives_its_cookie(shop: Range) -> None:
    basket = Basket()
    for offer in shop.offers[:3]:
        variant = next(v for v in offer.product.variants if v.available)
        basket = basket.added(offer, variant, 1).added(offer, variant, 1)
    again = read_basket(basket.cookie, shop)
    assert again == basket and again.subtotal == sum((x.total for x in basket.lines), Decimal(0))


@pytest.mark.parametrize("cookie", ["", "nonsense", "V1*x", "V1*0", "*" * 5000, "V110101*99.V110101*1", "P-none*2", "ü*1"])
def test_a_forged_cookie_is_at_most_an_empty_cart(shop: Range, cookie: str) -> None:
    assert all(0 < line.quantity <= 20 for line in read_basket(cookie, shop).lines)


def test_no_more_than_there_is(shop: Range) -> None:
    offer, variant = next((o, v) for o in shop.offers for v in o.product.variants if v.stock == 3)
    assert Basket().added(offer, variant, 9).count == 3
    assert Basket().added(offer, variant, 1).with_quantity(offer, variant, 0).lines == ()
    assert find_variant(shop, variant.id) == (offer, variant) and find_variant(shop, "V-none") is None


def test_a_full_cart_stays_as_it_is(shop: Range) -> None:
    basket = Basket()
    for offer in [o for o in shop.offers if o.available][:MOST_LINES + 5]:
        basket = basket.added(offer, next(v for v in offer.product.variants if v.available), 1)
    assert len(basket.lines) == MOST_LINES


# --- who is signed in -------------------------------------------------------------------------------------------------

def test_the_token_signs_in_to_the_assistant() -> None:
    settings = CustomerTokenSettings(key=SecretStr(KEY))
    assert customer_of(customer_token(KEY, "C1001", settings.audience), settings) == "C1001"
    with pytest.raises(BadToken):
        customer_of(customer_token("another key", "C1001", settings.audience), settings)


def test_only_our_own_cookie_is_believed() -> None:
    cookie = session_cookie(b"secret", "C1001")
    assert signed_in(b"secret", cookie) == "C1001"
    for forged in ("C1001", cookie[:-1], cookie.replace("C1001", "C1002"), "", ".", "C1001.ü", session_cookie(b"x", "C1001")):
        assert signed_in(b"secret", forged) == ""


# --- help -------------------------------------------------------------------------------------------------------------

def test_help_pages_show_markup_of_a_document_as_text(tmp_path: Path) -> None:
    (tmp_path / "returns.md").write_text("# Returns\n\nAll *good*. <script>alert(1)</script>\n\n[x](javascript:alert(1))\n")
    (tmp_path / "extra.md").write_text("# Guide: tents\n\nText.\n")
    returns = next(p for p in read_pages(tmp_path) if p.slug == "returns")
    assert returns.title == "Returns" and "<em>good</em>" in returns.html
    assert "<script" not in returns.html and 'href="javascript' not in returns.html
    groups = grouped([{"title": "Back", "pages": ["returns", "gone"]}], read_pages(tmp_path))
    assert [[p.title for p in g["pages"]] for g in groups] == [["Returns"], ["Tents"]]
