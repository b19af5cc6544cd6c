"""The interface's own page in a real browser: everything is on it, it can be searched, and what is read can be tried."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from bot.app import create_app
from bot.channels.openapi import document
from tests.fakes import FakeShop


@pytest_asyncio.fixture(loop_scope="session")
async def docs(browser: Browser) -> AsyncIterator[Page]:
    """At /docs of an application of its own. No uncaught error, and nothing asked from elsewhere."""
    app = create_app(FakeShop(sck_orders=("orders",)))
    async with TestServer(app) as server:
        context = await browser.new_context()
        page, errors, asked = await context.new_page(), [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(str(server.make_url("/docs")))
        await page.wait_for_selector("details.operation")
        yield page
        await context.close()
        assert errors == [] and all(url.startswith(str(server.make_url("/"))) for url in asked)


async def test_every_operation_has_its_card_and_its_link(docs: Page) -> None:
    wanted = {o["operationId"] for methods in document(create_app(FakeShop()))["paths"].values() for o in methods.values()}
    assert set(await docs.locator("details.operation").evaluate_all("cards => cards.map(c => c.id)")) == wanted
    links = await docs.locator("nav a").evaluate_all("links => links.map(a => a.hash.slice(1))")
    assert set(links) == wanted


async def test_a_link_opens_its_card_and_the_fields_are_there(docs: Page) -> None:
    await docs.locator("nav a[href='#post_webhooks_rest_webhook']").click()
    card = docs.locator("#post_webhooks_rest_webhook")
    assert await card.get_attribute("open") is not None
    text = await card.inner_text()
    for word in ("sender", "message_id", "at most 4000 characters", "application/x-ndjson", "422", "curl -X POST"):
        assert word in text


async def test_words_find_operations(docs: Page) -> None:
    await docs.locator("#find").fill("order native")
    assert await docs.locator("details.operation:visible").count() == 1
    await docs.locator("#find").fill("")
    assert await docs.locator("details.operation:visible").count() > 10


async def test_a_reading_operation_can_be_tried_with_and_without_a_key(docs: Page) -> None:
    await docs.locator("nav a[href='#get_api_v1_orders_number']").click()
    card = docs.locator("#get_api_v1_orders_number")
    await card.locator("form input").fill("W1/../x")
    await card.locator("form button").click()
    await card.locator(".output", has_text="401").wait_for()
    await docs.locator("#key").fill("sck_orders")
    await card.locator("form button").click()
    await card.locator(".output", has_text="no order 'W1/../x'").wait_for()
    assert await docs.locator("#post_webhooks_rest_webhook form").count() == 0, "nothing is written by looking around"


async def test_on_a_phone_nothing_is_cut_off(docs: Page) -> None:
    await docs.set_viewport_size({"width": 360, "height": 740})
    for card in await docs.locator("details.operation").all():
        await card.evaluate("card => { card.open = true }")
    assert await docs.evaluate("document.documentElement.scrollWidth") <= 360
