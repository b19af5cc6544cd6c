"""A shopper's way through the shop: filter, search, choose, cart, sign in, orders; with and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from bot.bootstrap import Shop
from tests.browser.larkfell import PHONE, Enter, be, enter, storefront

__all__ = ["enter", "storefront"]
JACKET = "/products/torvane-squall-rain-jacket"


async def count(page: Page) -> int:
    return int(re.sub(r"\D", "", await page.locator(".tools p b").inner_text()))


# --- finding ----------------------------------------------------------------------------------------------------------

async def test_from_the_menu_to_a_narrow_list_and_back(enter: Enter) -> None:
    page = await enter("/")
    await page.locator("summary", has_text="Wear").click()
    await page.get_by_role("link", name="Jackets").first.click()
    everything = await count(page)
    await page.get_by_label("moss", exact=False).first.check()
    await page.wait_for_url("**color=moss**")
    moss = await count(page)
    assert 0 < moss < everything
    assert "color=moss" in str(await page.locator(".tile img").first.get_attribute("src")), "pictures show what was asked for"
    await page.get_by_role("link", name="Clear all").click()
    assert await count(page) == everything


async def test_filters_on_a_phone_are_behind_a_button(enter: Enter) -> None:
    page = await enter("/departments/shoes", viewport=PHONE, is_mobile=True, has_touch=True)
    field = page.get_by_label("In stock")
    await expect(field).to_be_hidden()
    await page.locator("label.show").tap()
    everything = await count(page)
    await field.check()
    await page.locator("fieldset.by-size input").first.check()
    await page.get_by_role("button", name="Apply").tap()
    await page.wait_for_url("**stock=1&size=**")
    assert 0 < await count(page) < everything


async def test_sorted_by_price_over_pages(enter: Enter) -> None:
    page = await enter("/departments/kitchen?sort=price")
    prices: list[float] = []
    while True:
        texts = await page.locator(".tile .price").all_inner_texts()
        prices += [float(found[1]) for t in texts if (found := re.search(r"\$([\d.]+)", t))]
        following = page.locator(".pages [aria-current] >> xpath=../following-sibling::li[1]/a")
        if await following.count() == 0:
            break
        await following.click()
        await page.wait_for_load_state()
    assert len(prices) > 24 and prices == sorted(prices)


async def test_search_finds_by_meaning_and_says_when_there_is_nothing_to_look_for(enter: Enter) -> None:
    page = await enter("/")
    await page.get_by_role("searchbox").fill("something to sleep on in the mountains")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search**")
    assert any("Sleeping" in title for title in await page.locator(".tile .name").all_inner_texts())
    await page.goto("/search?q=")
    await expect(page.get_by_text("What are you looking for?")).to_be_visible()


# --- choosing and the cart --------------------------------------------------------------------------------------------

async def test_a_chosen_variant_shows_its_picture_price_and_stock(enter: Enter, shop: Shop) -> None:
    product = next(p for p in [p async for p in shop.catalogue.all_products()]
                   if set(p.options) == {"color", "size"} and any(not v.available for v in p.variants))
    page = await enter(str(product.url))
    gone = next(v for v in product.variants if not v.available)
    for name, value in gone.options.items():
        await page.locator(f'[name="option.{name}"][value="{value}"]').check(force=True)
    await expect(page.locator("[data-stock]")).to_contain_text("Sold out")
    await expect(page.locator("[data-buy]")).to_be_disabled()
    assert gone.options["color"] in str(await page.locator("[data-main]").get_attribute("src"))
    there = next(v for v in product.variants if v.available)
    for name, value in there.options.items():
        await page.locator(f'[name="option.{name}"][value="{value}"]').check(force=True)
    await expect(page.locator("[data-price]")).to_have_text(f"${there.price:,.2f}")
    await expect(page.locator("[data-buy]")).to_be_enabled()


async def test_the_cart_from_full_to_empty(enter: Enter) -> None:
    page = await enter(JACKET)
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("[data-cart-count]")).to_have_text("1")
    await page.get_by_role("link", name="Cart").click()
    line = page.locator(".lines > li")
    single = await line.locator(".price").inner_text()
    await line.get_by_role("combobox").select_option("2")
    await expect(page.locator("[data-cart-count]")).to_have_text("2")
    await expect(line.locator(".price small")).to_contain_text(single)
    await page.get_by_role("link", name="Go to checkout").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("demo")
    await page.goto("/cart")
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("There is nothing in it yet")).to_be_visible()


async def test_everything_works_without_scripts(enter: Enter) -> None:
    page = await enter(JACKET, java_script_enabled=False)
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator(".lines > li")).to_have_count(1)
    await page.get_by_role("combobox").select_option("2")
    await page.get_by_role("button", name="Update").click()
    await expect(page.locator("[data-cart-count]")).to_have_text("2")
    await page.goto("/departments/shoes")
    before = await count(page)
    await page.get_by_label("In stock").check()
    await page.locator("fieldset.by-size input").first.check()
    await page.get_by_role("button", name="Apply").click()
    assert await count(page) < before
    await be(page, "Daniel")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Daniel")


async def test_what_was_looked_at_is_remembered(enter: Enter) -> None:
    page = await enter(JACKET)
    await page.goto("/")
    await expect(page.locator(".shelf", has_text="You looked at").locator(".tile")).to_contain_text("Squall Rain Jacket")


# --- one's own --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, number", [("Maya", "W5918442"), ("Daniel", "W7204416"), ("Sofia", "W6650213")])
async def test_each_demo_customer_has_orders(enter: Enter, shop: Shop, name: str, number: str) -> None:
    page = await enter("/account")
    assert page.url.endswith("/sign-in"), "nobody is signed in yet"
    await be(page, name)
    orders = page.locator(".orders a")
    assert await orders.count() >= 3
    await orders.first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Order #W")
    assert await page.locator(".lines > li").count() >= 1


async def test_another_customers_order_is_not_found(enter: Enter) -> None:
    page = await enter("/")
    await be(page, "Daniel")
    answer = await page.goto("/account/orders/W5918442")
    assert answer is not None and answer.status == 404
    assert "Lindqvist" not in await page.content()


async def test_a_forged_session_is_nobody(enter: Enter, storefront: str) -> None:
    page = await enter("/")
    await page.context.add_cookies([{"name": "larkfell_customer", "value": "C1001.00ff", "url": storefront}])
    await page.goto("/account")
    assert page.url.endswith("/sign-in")


async def test_signed_out_is_signed_out(enter: Enter) -> None:
    page = await enter("/")
    await be(page, "Sofia")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await page.goto("/account")
    assert page.url.endswith("/sign-in")
