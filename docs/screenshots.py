"""Takes the README's screenshots from a running `shopclerk demo`: the storefront and the widget, desk, phone and dark.

    python docs/screenshots.py http://127.0.0.1:8080 [docs/img]

It needs Chromium and Playwright; `pngquant`, where installed, makes the pictures smaller.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, async_playwright

CHROMIUM = "/usr/bin/chromium"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
WAIT_MS = 30_000


class Shots:
    """Pages of one shop, photographed into `folder`."""

    def __init__(self, browser: Browser, shop: str, folder: Path) -> None:
        self.browser, self.shop, self.folder = browser, shop, folder

    async def page(self, path: str, **options: Any) -> Page:
        page = await (await self.browser.new_context(reduced_motion="reduce", **options)).new_page()
        await page.goto(self.shop + path)
        return page

    async def take(self, page: Page, name: str) -> None:
        await page.wait_for_load_state("networkidle")
        path = self.folder / f"{name}.png"
        await page.screenshot(path=path)
        await asyncio.to_thread(smaller, path)


def smaller(path: Path) -> None:
    if pngquant := shutil.which("pngquant"):
        subprocess.run([pngquant, "--force", "--skip-if-larger", "--quality", "70-95", "--output", path, path], check=False)
    print(f"{path}  {path.stat().st_size // 1000} kB")


def chat(page: Page) -> Locator:
    return page.locator("shopclerk-chat")


async def open_chat(page: Page) -> None:
    await chat(page).locator(".launcher").click()
    await chat(page).locator("#field").wait_for(timeout=WAIT_MS)


async def ask(page: Page, text: str) -> None:
    answers = chat(page).locator(".row.assistant")
    before = await answers.count()
    await chat(page).locator("#field").fill(text)
    await chat(page).locator("#field").press("Enter")
    await answers.nth(before).wait_for(timeout=WAIT_MS)
    await page.wait_for_function(
        """() => document.querySelector("shopclerk-chat").shadowRoot.querySelector(".draft").hidden"""
    )
    await page.mouse.move(5, 5)


async def sign_in(page: Page, shop: str) -> str:
    """As the first demo customer; the newest order's number."""
    await page.goto(f"{shop}/sign-in")
    await page.locator('form[action="/session"] button').first.click()
    await page.wait_for_url("**/account")
    return "#" + str(await page.locator('a[href^="/account/orders/"]').first.get_attribute("href")).rpartition("/")[
        2
    ].removeprefix("%23")


async def storefront(shots: Shots) -> None:
    for name, options in (("storefront-desk", DESK), ("storefront-phone", PHONE)):
        await shots.take(await shots.page("/", **options), name)


async def widget(shots: Shots) -> None:
    page = await shots.page("/", **DESK)
    await open_chat(page)
    await shots.take(page, "widget-desk")
    await ask(page, "Show me warm jackets under 200 dollars")
    await shots.take(page, "widget-products")
    dark = await shots.page("/", color_scheme="dark", **DESK)
    await open_chat(dark)
    await ask(dark, "How long do I have to return something?")
    await chat(dark).locator("summary").last.click()
    await shots.take(dark, "widget-dark")


async def orders(shots: Shots) -> None:
    for name, options in (("widget-order", DESK), ("widget-phone", PHONE)):
        page = await shots.page("/", **options)
        number = await sign_in(page, shots.shop)
        await open_chat(page)
        await ask(page, "Where is my latest order?")
        await shots.take(page, name)
        if name == "widget-order":
            await ask(page, f"Please cancel {number}, I no longer need it")
            await shots.take(page, "widget-confirmation")
    await ask(page, "I want to return something from my last delivered order")
    await shots.take(page, "widget-phone-return")


async def main(shop: str, folder: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        shots = Shots(browser, shop.rstrip("/"), folder)
        for scenes in (storefront, widget, orders):
            await scenes(shots)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "docs/img")))
