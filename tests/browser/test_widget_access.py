"""For everybody: keyboard, screen reader, contrast, zoom, reduced motion, forced colours (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.chat import SOON, Chat
from tests.browser.conftest import Site, Visit
from tests.browser.test_widget_page import CARDS
from tests.browser.test_widget_talk import conversation_of

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SAMPLES: list[dict[str, Any]] = [
    {
        "text": "Two of them [1]\n• one\n• two",
        "seq": 901,
        "at": 1.7e9,
        "cards": [
            {
                "kind": "product",
                "title": f"Lamp {n}",
                "data": {"price": "$10.00", "brand": "Norda", "url": "/lamp", "in_stock": n == 1},
            }
            for n in (1, 2, 3)
        ],
        "sources": [
            {"number": 1, "id": "a", "title": "Returns", "kind": "policy", "quote": "Within 30 days", "url": "/r"}
        ],
    },
    {
        "text": "",
        "cards": [
            {
                "kind": "order",
                "title": "#W1",
                "data": {
                    "status": "shipped",
                    "placed": "1 May",
                    "total": "$10.00",
                    "lines": [{"title": "Lamp", "price": "$10.00", "quantity": 2, "options": {"color": "red"}}],
                    "address": "1 Street",
                },
            }
        ],
    },
    {
        "text": "Please check:\n\n• x\n\nShall I?",
        "buttons": [{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}],
        "cards": [
            {
                "kind": "confirmation",
                "title": "#W1",
                "data": {
                    "operations": [
                        {
                            "kind": "cancel_order",
                            "order_number": "#W1",
                            "changes": [{"label": "Status", "before": "pending", "after": "cancelled"}],
                            "money": [
                                {"direction": "refund", "amount": "$10.00", "method": "visa", "timing": "in 5 days"}
                            ],
                        }
                    ]
                },
            }
        ],
    },
    {
        "text": "",
        "cards": [
            {"kind": "compare", "title": "Lamps", "data": {"columns": ["", "A", "B"], "rows": [["Watts", "5", "7"]]}},
            {"kind": "case", "title": "C-1", "data": {"topic": "broken"}},
        ],
    },
    {"text": "Which one?", "buttons": [{"title": "The red one", "payload": "/pick 1"}]},
    {"text": "I am Ana.", "from": "agent", "agent": "Ana"},
    {"text": "Thanks", "from": "customer"},
]


async def with_everything(chat: Chat, site: Site) -> None:
    """Every kind of message the widget can show."""
    await chat.open()
    await chat.ask("How long do returns take?")
    await chat.page.evaluate(CARDS, {"base": site.url, "items": SAMPLES})
    await chat.page.evaluate("window.host.querySelectorAll('details').forEach((fold) => { fold.open = true; })")


# --- what a machine can check ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(visit: Visit, site: Site, scheme: Any) -> None:
    chat = await visit(color_scheme=scheme, reduced_motion="reduce", body="<main><h1>A shop</h1></main>")
    await with_everything(chat, site)
    for step in ("messages", "menu", "question", "rating"):
        if step == "menu":
            await chat.button("More options").click()
        elif step == "question":
            await chat.button("End the conversation").click()
        elif step == "rating":
            await chat.button("End it").click()
        found = await Axe().run(
            chat.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        )
        wrong = [
            (rule["id"], node["html"], node["failureSummary"])
            for rule in found.response["violations"]
            for node in rule["nodes"]
        ]
        assert wrong == [], step


CONTRAST = """() => {
    const root = document.querySelector("shopclerk-chat").shadowRoot;
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
        paint.clearRect(0, 0, 1, 1); paint.fillStyle = color; paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data].map((value, i) => (i === 3 ? value / 255 : value));
    };
    const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
    const light = (color) => color.slice(0, 3).map((value) => value / 255)
        .map((value) => (value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4))
        .reduce((sum, value, i) => sum + value * [.2126, .7152, .0722][i], 0);
    const ground = (node) => {
        if (!(node instanceof Element)) return [255, 255, 255, 1];
        const own = rgba(getComputedStyle(node).backgroundColor);
        return own[3] === 1 ? own : over(own, ground(node.parentNode));
    };
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || node.closest(".hidden, :disabled")) continue;
        if (!node.checkVisibility({ visibilityProperty: true })) continue;
        const back = ground(node);
        const [a, b] = [light(over(rgba(getComputedStyle(node).color), back)), light(back)].sort((x, y) => y - x);
        found.push([(a + .05) / (b + .05), walker.currentNode.data.trim().slice(0, 30), node.className]);
    }
    return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_stand_out(visit: Visit, site: Site, scheme: Any) -> None:
    chat = await visit(color_scheme=scheme, reduced_motion="reduce")
    await chat.open()
    starting = await chat.page.evaluate(CONTRAST)
    await with_everything_open(chat, site)
    measured = [*starting, *await chat.page.evaluate(CONTRAST)]
    assert len(measured) > 60
    assert [m for m in measured if m[0] < 4.5] == []


async def with_everything_open(chat: Chat, site: Site) -> None:
    await chat.ask("Hello")
    await chat.page.evaluate(CARDS, {"base": site.url, "items": SAMPLES})
    await chat.page.evaluate("window.host.querySelectorAll('details').forEach((fold) => { fold.open = true; })")


async def test_everything_pressed_is_large_enough(visit: Visit, site: Site) -> None:
    """24 px at least (2.5.8); what matters most 44."""
    chat = await visit()
    await with_everything(chat, site)
    sizes = await chat.page.evaluate("""() => [...document.querySelector("shopclerk-chat").shadowRoot
        .querySelectorAll("button, summary, input, textarea")]
        .filter((node) => node.checkVisibility({ visibilityProperty: true }))
        .map((node) => [node.className || node.localName, node.offsetWidth, node.offsetHeight])""")
    assert len(sizes) > 10
    assert [size for size in sizes if min(size[1:]) < 24] == []
    large = [
        size
        for size in sizes
        if size[0] in ("launcher", "send", "human", "reply", "primary", "secondary", "round") and size[0] != "round"
    ]
    assert large and [size for size in large if min(size[1:]) < 44] == []


# --- keyboard ---------------------------------------------------------------------------------------------------------


async def test_all_of_it_by_keyboard_alone(visit: Visit) -> None:
    chat = await visit(body='<h1>A shop</h1><a href="#" id="before">Before</a>')
    await expect(chat.launcher).to_be_visible(timeout=SOON)
    keyboard = chat.page.keyboard
    await chat.page.locator("#before").focus()
    await keyboard.press("Tab")
    assert await chat.focus() == "Open the chat"
    await keyboard.press("Enter")
    await expect(chat.field).to_be_focused(timeout=SOON)
    await keyboard.type("How long do returns take?")
    await keyboard.press("Shift+Enter")
    await keyboard.type("Really?")
    assert await chat.field.input_value() == "How long do returns take?\nReally?"
    await keyboard.press("Enter")
    await expect(chat.row("assistant")).to_have_count(1, timeout=SOON)
    names = []
    for _ in range(14):
        await keyboard.press("Shift+Tab")
        names.append(await chat.focus())
        if names[-1] == "More options":
            break
    assert (
        names[0].startswith("Not helpful") and "Source 1" in names and names[-2:] == ["Close the chat", "More options"]
    )
    await keyboard.press("Enter")
    assert await chat.focus() == "New conversation"
    await keyboard.press("ArrowDown")
    await keyboard.press("ArrowDown")
    assert await chat.focus() == "Show times"
    await keyboard.press("Escape")
    assert await chat.focus() == "More options"
    await expect(chat.panel).to_be_visible()
    await keyboard.press("Escape")
    await expect(chat.panel).to_be_hidden()
    assert await chat.focus() == "Open the chat"


async def test_the_focus_is_seen(visit: Visit) -> None:
    chat = await visit()
    await chat.open()
    for _ in range(8):
        await chat.page.keyboard.press("Tab")
        outline = await chat.page.evaluate("""() => {
            const node = document.querySelector("shopclerk-chat").shadowRoot.activeElement;
            return node ? parseFloat(getComputedStyle(node).outlineWidth) * (getComputedStyle(node).outlineStyle !== "none") : 2;
        }""")
        assert outline >= 2


async def test_on_a_phone_it_is_a_dialog_that_keeps_the_focus(visit: Visit) -> None:
    chat = await visit(body='<a href="#">In the page</a>', reduced_motion="reduce", **PHONE)
    await chat.launcher.click()
    await expect(chat.panel).to_be_visible(timeout=SOON)
    await expect(chat.panel).to_have_attribute("aria-modal", "true")
    box = await chat.panel.bounding_box()
    assert box is not None
    assert {side: round(value) for side, value in box.items()} == {"x": 0, "y": 0, "width": 390, "height": 844}
    for step in ("Tab", "Shift+Tab"):
        for _ in range(15):
            await chat.page.keyboard.press(step)
            assert await chat.focus() not in ("", "In the page", "Open the chat")
    await chat.page.keyboard.press("Escape")
    assert await chat.focus() == "Open the chat"


async def test_on_a_desk_it_lets_the_focus_go(visit: Visit) -> None:
    chat = await (await visit(body='<a href="#">In the page</a>')).open()
    await expect(chat.panel).not_to_have_attribute("aria-modal", "true")
    left = False
    for _ in range(15):
        await chat.page.keyboard.press("Tab")
        left = left or await chat.focus() == ""
    assert left


# --- screen readers ---------------------------------------------------------------------------------------------------


async def test_a_screen_reader_is_told_names_and_news_but_no_history(visit: Visit, site: Site) -> None:
    chat = await (await visit(data={"shop_name": "Lamps & Co"})).open()
    await expect(chat.host.get_by_role("dialog", name="Lamps & Co")).to_be_visible()
    await expect(chat.host.get_by_role("log", name="Messages")).to_be_attached()
    answer = await chat.ask("Hello")
    assert (await answer.inner_text()).startswith("Assistant:") or "Assistant: " in await answer.locator(
        ".hidden"
    ).first.inner_text()
    await chat.page.add_init_script("""window.busy = []; addEventListener("DOMContentLoaded", () => setInterval(() => {
        const log = document.querySelector("shopclerk-chat")?.shadowRoot.querySelector('[role="log"]');
        if (log) window.busy.push([log.getAttribute("aria-busy"), log.children.length]);
    }, 1))""")
    await chat.reload()
    await expect(chat.row("assistant")).to_have_count(1, timeout=SOON)
    await expect(chat.log).to_have_attribute("aria-busy", "false")
    busy = await chat.page.evaluate("busy")
    filling = next(entry for entry in busy if entry[1])
    assert filling[0] == "true" or busy.index(filling) > 0
    site.shop.feed.passing(await conversation_of(chat), {"type": "typing", "from": "assistant"})
    await expect(chat.host.get_by_role("status")).to_have_text("The assistant is writing")


# --- how people look at it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(320, 256), (320, 640), (640, 360)])
async def test_zoomed_to_four_hundred_per_cent_nothing_is_cut_off(
    visit: Visit, site: Site, size: tuple[int, int]
) -> None:
    chat = await visit(viewport={"width": size[0], "height": size[1]})
    await with_everything(chat, site)
    wide = await chat.page.evaluate("""() => [...document.querySelector("shopclerk-chat").shadowRoot.querySelectorAll(".panel *")]
        .filter((node) => node.checkVisibility() && !node.closest(".cards, .wide, .hidden, svg"))
        .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 || node.getBoundingClientRect().left < -1)
        .map((node) => node.className)""")
    assert wide == []
    for part in (chat.field, chat.button("Talk to a person"), chat.button("More options")):
        await expect(part).to_be_in_viewport()
    scroll = await chat.host.locator(".scroll").bounding_box()
    assert scroll is not None and scroll["height"] >= 60


async def test_who_wants_no_motion_gets_none(visit: Visit, site: Site) -> None:
    chat = await visit(reduced_motion="reduce")
    await with_everything(chat, site)
    moving = await chat.page.evaluate("""() => [...document.querySelector("shopclerk-chat").shadowRoot.querySelectorAll("*")]
        .filter((node) => getComputedStyle(node).animationName !== "none" || getComputedStyle(node).transitionDuration !== "0s")
        .map((node) => node.className)""")
    assert moving == []


async def test_forced_colours_keep_the_outlines(visit: Visit) -> None:
    chat = await visit(forced_colors="active")
    await chat.open()
    await chat.ask("Hello")
    for part in (".panel", ".bubble", ".send"):
        width = await chat.host.locator(part).first.evaluate("node => getComputedStyle(node).borderTopWidth")
        assert width == "1px", part


async def test_the_reader_s_own_text_size_counts(visit: Visit) -> None:
    """The page's own size does not, however large (see the hostile page)."""
    chat = await (await visit(head="<style>html { font-size: 40px }</style>")).open()
    size = await chat.panel.evaluate("node => getComputedStyle(node).fontSize")
    assert size == "15px"
    assert re.fullmatch(r"\d+(\.\d+)?px", size)
