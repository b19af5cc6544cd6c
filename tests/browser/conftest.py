"""A real shop, served on a port of this machine, and a real Chromium: what every browser test stands on.

`site` is the running server with a line in front that can be cut; `visit` opens a page of some origin. Pages of other
shops are served by `pages`: from an origin the shop named in `server.cors_origins`, and from one it did not.
"""

from __future__ import annotations

import inspect
import shutil
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, async_playwright

from bot.app import create_app
from bot.bootstrap import Shop, open_shop
from tests.browser.chat import Chat
from tests.browser.wire import Wire
from tests.scenarios.conftest import demo_folder
from tests.scenarios.web import signed

__all__ = ["demo_folder"]  # the same shop, made once for all tests
HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN_KEY = "what this shop's site signs its customers with"
SECRET = b"signs conversations; stays the same over restarts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all browser tests, because the shop, the server and the browser live in it."""
    for item in items:
        if HERE in item.path.parents and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


# --- other shops' pages ----------------------------------------------------------------------------------------------


@dataclass
class Pages:
    """HTML by path, the same on both origins. `friend` may use the assistant, `stranger` may not."""

    friend: str
    stranger: str
    html: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        if request.path not in self.html:
            raise web.HTTPNotFound
        kind = {"json": "application/json", "svg": "image/svg+xml"}.get(request.path.rpartition(".")[2], "text/html")
        return web.Response(text=self.html[request.path], content_type=kind)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pages() -> AsyncIterator[Pages]:
    ports = free_port(), free_port()
    made = Pages(*(f"http://127.0.0.1:{port}" for port in ports))
    app = web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    for port in ports:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    yield made
    await runner.cleanup()


# --- the assistant's server ------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(demo_folder: Path, pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(demo_folder, folder)
    opened = await open_shop(
        folder,
        customer_token={"key": TOKEN_KEY},
        server={"cors_origins": [pages.friend], "drain_s": 1.0},
        limits={"address_per_minute": 1_000_000, "conversation_per_minute": 100_000},
    )
    yield opened
    await opened.close()


@dataclass
class Site:
    """The served shop. `url` leads through the wire, so that a test can cut it."""

    shop: Shop
    wire: Wire
    runner: web.AppRunner | None = None
    answers: Counter[str] = field(default_factory=Counter)  # by path

    async def _count(self, request: web.Request, _response: web.StreamResponse) -> None:
        self.answers[request.path] += 1

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.wire.port}"

    def script(self, **attributes: str) -> str:
        more = "".join(f' data-{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
        return f'<script type="module" src="{self.url}/widget.js"{more}></script>'

    async def start(self) -> None:
        app = create_app(self.shop, SECRET)
        app.on_response_prepare.append(self._count)
        self.runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.wire.target).start()

    def asked(self, path: str) -> int:
        """How many requests of addresses that end so were answered."""
        return sum(count for route, count in self.answers.items() if route.endswith(path))

    async def stop(self) -> None:
        assert self.runner is not None
        await self.runner.cleanup()
        self.runner = None

    def token(self, customer_id: str) -> str:
        return signed(customer_id, TOKEN_KEY)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(shop: Shop) -> AsyncIterator[Site]:
    made = Site(shop, Wire(free_port(), free_port()))
    await made.start()
    await made.wire.start()
    yield made
    await made.wire.stop()
    if made.runner is not None:
        await made.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def site(served: Site) -> AsyncIterator[Site]:
    yield served
    served.wire.up()
    if served.runner is None:
        await served.start()


# --- the browser -----------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if shutil.which(CHROMIUM) is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


Visit = Callable[..., Awaitable[Chat]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, site: Site, pages: Pages) -> AsyncIterator[Visit]:
    """`await visit()`: a page of another shop with the widget in it. No page may end with an uncaught error.

    `body`, `head`: the page's HTML; `data`: attributes of the script tag; `context`: another tab of the same browser;
    `origin`: whose page it is; everything else is Playwright's `new_context`.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    async def begin(
        path: str = "/shop.html",
        *,
        head: str = "",
        body: str = "<h1>A shop</h1>",
        lang: str = "en",
        data: dict[str, str] | None = None,
        context: BrowserContext | None = None,
        origin: str | None = None,
        html: str | None = None,
        **options: Any,
    ) -> Chat:
        pages.html[path] = html or (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>A shop</title><meta name="viewport" '
            f'content="width=device-width, initial-scale=1">{head}{site.script(**data or {})}</head><body>{body}</body></html>'
        )
        if context is None:
            context = await browser.new_context(**options)
            contexts.append(context)
        page: Page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(_told(error)))
        await page.goto((origin or pages.friend) + path)
        return Chat(page)

    yield begin
    for context in contexts:
        await context.close()
    assert errors == []


def _told(error: Error | ConsoleMessage) -> str:
    return str(error)
