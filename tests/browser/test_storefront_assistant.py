"""The assistant in the storefront: it knows the page, the cart and who is signed in, and the page can ask it."""

from __future__ import annotations

from playwright.async_api import Page, expect

from bot.bootstrap import Shop
from tests.browser.chat import SOON, Chat
from tests.browser.larkfell import Enter, be, enter, storefront

__all__ = ["enter", "storefront"]
SHOE = "/products/kestrelin-scree-hound-trail-running-shoe"
GRINDER = "/products/emberlund-handmill-30-coffee-grinder"


async def press(page: Page, question: str) -> Chat:
    """Ask with a button of the page."""
    await page.locator(f'[data-ask="{question}"]').click()
    chat = Chat(page)
    await expect(chat.row("customer").last).to_contain_text(question, timeout=SOON)
    return chat


async def test_a_button_of_the_page_asks_about_its_product(enter: Enter) -> None:
    page = await enter(SHOE)
    chat = await press(page, "Is it waterproof?")
    await expect(chat.row("assistant").last).to_contain_text("Scree Hound", timeout=SOON)
    await expect(chat.row("assistant").last).to_contain_text("waterproof: no")


async def test_this_is_the_product_of_the_page_one_went_to(enter: Enter) -> None:
    page = await enter(SHOE)
    chat = await Chat(page).open()
    await expect(await chat.ask("how much is it?")).to_contain_text("Scree Hound")
    await page.goto(GRINDER)
    await expect(chat.field).to_be_visible(timeout=SOON)
    await chat.say("and how much is this one?")
    await expect(chat.row("assistant").last).to_contain_text("Handmill", timeout=SOON)


async def test_what_is_in_the_cart(enter: Enter) -> None:
    page = await enter(SHOE)
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("[data-cart-count]")).to_have_text("1")
    chat = await Chat(page).open()
    await expect(await chat.ask("what's in my cart?")).to_contain_text("Scree Hound")
    await page.goto("/cart")
    await page.get_by_role("button", name="Remove").click()
    await expect(chat.field).to_be_visible(timeout=SOON)
    await chat.say("what's in my cart now?")
    await expect(chat.row("assistant").last).to_contain_text("is empty", timeout=SOON)


async def test_who_signed_in_to_the_shop_is_known_to_the_assistant(enter: Enter) -> None:
    page = await enter("/")
    await be(page, "Maya")
    chat = await press(page, "Where is my order?")
    await expect(chat.row("assistant").last).to_contain_text("W5918442", timeout=SOON)


async def test_starters_fit_the_page(enter: Enter) -> None:
    chat = await Chat(await enter(GRINDER)).open()
    await expect(chat.button("What do people say about this one?")).to_be_visible()
    chat = await Chat(await enter("/help")).open()
    await expect(chat.button("What does express shipping cost?")).to_be_visible()


async def test_a_card_leads_to_the_products_page_with_its_picture(enter: Enter) -> None:
    page = await enter(SHOE)
    chat = await press(page, "Show me something similar but cheaper")
    link = chat.row("assistant").last.get_by_role("link").first
    await expect(link).to_be_visible(timeout=SOON)
    await expect(chat.host.locator(".card img").first).to_have_js_property("complete", True)
    await link.click()
    await page.wait_for_url("**/products/**trail**")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Trail")


async def test_a_shop_of_ones_own_has_no_storefront(shop: Shop) -> None:
    """`shopclerk serve` shows the assistant's page and nothing of Larkfell."""
    from aiohttp.test_utils import TestClient, TestServer

    from bot.app import create_app

    async with TestClient(TestServer(create_app(shop))) as client:
        for path in ("/products/torvane-squall-rain-jacket", "/cart", "/sign-in", "/images/p1101.svg", "/storefront/shop.css"):
            assert (await client.get(path)).status == 404
        start = await (await client.get("/")).text()
        assert "widget.js" in start and "Larkfell" not in start
