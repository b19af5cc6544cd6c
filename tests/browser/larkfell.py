"""The demo's storefront, served over the same opened shop as the widget's tests, and pages of it in Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page

from bot.app import create_app
from bot.bootstrap import Shop
from bot.channels.storefront import Site, open_storefront
from bot.demo import DEMO_CUSTOMERS

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SECRET = b"signs the storefront's sessions in tests"
Enter = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def storefront(shop: Shop) -> AsyncIterator[str]:
    """Its address."""
    site = Site(shop, DEMO_CUSTOMERS, shop.directory / "source" / "documents")
    runner = web.AppRunner(create_app(shop, SECRET, lambda app: open_storefront(app, site)), shutdown_timeout=1.0)
    await runner.setup()
    port = web.TCPSite(runner, "127.0.0.1", 0)
    await port.start()
    server = port._server
    assert server is not None
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"      # type: ignore[attr-defined]
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def enter(browser: Browser, storefront: str) -> AsyncIterator[Enter]:
    """`await enter("/cart")`: a page of the shop, in a browser of its own. None may complain in its console.

    `like`: another page, whose cart and sign-in this one shares; the rest is Playwright's `new_context`.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def begin(path: str = "/", *, like: Page | None = None, **options: Any) -> Page:
        if like is None:
            contexts.append(await browser.new_context(**{"viewport": DESKTOP, "base_url": storefront} | options))
        page = await (like.context if like else contexts[-1]).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        await page.goto(path)
        return page

    yield begin
    for context in contexts:
        await context.close()
    assert [c for c in complaints if "404" not in c] == []


async def be(page: Page, name: str) -> None:
    """Sign in as one of the demo's customers."""
    await page.goto("/sign-in")
    await page.get_by_role("button", name=f"Be {name}").click()
    await page.wait_for_url("**/account")
