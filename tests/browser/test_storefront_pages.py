"""Every page of the storefront on a desk and on a phone, by day and by night: whole, readable, and still."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.larkfell import DESKTOP, PHONE, Enter, be, enter, storefront

__all__ = ["enter", "storefront"]
PAGES = ["/", "/departments/shoes", "/departments/jackets/rain-jackets?color=moss&stock=1", "/offers",
         "/search?q=warm+sleeping+bag", "/search?q=zzzz", "/products/torvane-squall-rain-jacket",
         "/products/emberlund-handmill-30-coffee-grinder", "/cart", "/checkout", "/help", "/help/returns", "/sign-in",
         "/no/such/page"]
OWN = ["/account", "/account/orders/W5918442", "/account/orders/W5733108", "/cart"]

# contrast of every text with the nearest painted ground behind it; text over pictures is looked at by people
CONTRAST = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (node) => { for (; node; node = node.parentElement) {
    const [r, g, b, a = 1] = parse(getComputedStyle(node).backgroundColor);
    if (a > .95) return [r, g, b]; }
    return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), poor = [];
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement, style = getComputedStyle(node);
    const apart = ".hero, .hidden, .skip, :disabled, script, .without";
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest(apart)) continue;
    const [one, two] = [light(parse(style.color)), light(ground(node))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if ((one + .05) / (two + .05) >= (large ? 3 : 4.5)) continue;
    poor.push(`${walker.currentNode.data.trim().slice(0, 30)} ${style.color} on ${ground(node)}`);
  }
  return poor;
}"""
SHIFT = """() => new Promise((done) => { let sum = 0;
  new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; })
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum))); })"""


async def look(page: Page, width: int) -> None:
    assert await page.locator("h1").count() == 1
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out at the side"
    assert await page.locator("img:not([alt])").count() == 0
    for image in await page.locator("main img").all():
        await image.scroll_into_view_if_needed()
    await page.wait_for_function("[...document.images].every((i) => !i.checkVisibility() || (i.complete && i.naturalWidth > 0))")
    assert await page.evaluate(CONTRAST) == []
    assert await page.evaluate(SHIFT) < 0.02
    nameless = await page.evaluate(
        "[...document.querySelectorAll('a, button, input:not([type=hidden]), select')]"
        ".filter((n) => n.checkVisibility() && !n.ariaHidden &&"
        " !(n.innerText.trim() || n.ariaLabel || n.labels?.length || n.querySelector('[aria-label]'))).map((n) => n.outerHTML)")
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_on_a_desk(enter: Enter, path: str, scheme: str) -> None:
    await look(await enter(path, color_scheme=scheme), DESKTOP["width"])


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_on_a_phone(enter: Enter, path: str) -> None:
    await look(await enter(path, viewport=PHONE, is_mobile=True, has_touch=True), PHONE["width"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "phone"])
async def test_ones_own_pages(enter: Enter, viewport: dict[str, int], scheme: str) -> None:
    page = await enter("/products/torvane-squall-rain-jacket", viewport=viewport, color_scheme=scheme)
    await page.get_by_role("button", name="Add to cart").click()
    await page.get_by_text("Added:").wait_for()
    await be(page, "Maya")
    for path in OWN:
        await page.goto(path)
        await look(page, viewport["width"])


async def test_the_way_by_keyboard(enter: Enter) -> None:
    page = await enter("/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
    menu = page.locator("summary", has_text="Outdoors")
    await menu.focus()
    await page.keyboard.press("Enter")
    link = page.locator("header").get_by_role("link", name="Camping")
    assert await link.is_visible()
    await page.keyboard.press("Escape")
    assert not await link.is_visible()
    assert await menu.evaluate("(node) => node === document.activeElement")


async def test_the_policy_of_a_page_allows_no_foreign_code(enter: Enter, storefront: str) -> None:
    page = await enter("/")
    answer = await page.request.get(storefront + "/")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy and "*" not in policy
    assert await page.locator("[style], style, script:not([src])").count() == 0


async def test_words_from_the_address_are_only_words(enter: Enter) -> None:
    page = await enter("/search?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E&brand=%22%3E%3Cb%3E")
    assert "<img src=x" in await page.locator("h1").inner_text()
    assert await page.locator("main img[src=x], main b b").count() == 0
