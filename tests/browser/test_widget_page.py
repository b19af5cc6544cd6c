"""The widget in other shops' pages: hostile styles, foreign origins, the page's own scripts, themes and texts."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.browser.chat import SOON, Chat
from tests.browser.conftest import Pages, Site, Visit
from tests.browser.test_widget_talk import conversation_of

HOSTILE = """<style>
    html { font-size: 40px; }
    body { transform: translateX(30px) scale(.5); filter: sepia(1); direction: rtl; font: 60px fantasy; color: red; }
    body > * { display: none !important; visibility: hidden !important; opacity: 0 !important; }
    body * { all: unset !important; pointer-events: none !important; z-index: -1 !important; color: red !important;
        position: static !important; font-size: 90px !important; transform: rotate(9deg) !important; }
    shopclerk-chat { display: none !important; width: 9000px !important; animation: spin 1s infinite !important; }
    .wall { all: revert !important; position: fixed !important; inset: 0 !important; z-index: 2147483647 !important;
        display: block !important; visibility: visible !important; opacity: .3 !important; background: lime !important; }
    button, div, p, section { border: 20px solid red !important; text-transform: uppercase !important; }
</style>"""


async def box(chat: Chat, selector: str) -> dict[str, float]:
    """Where it stands once nothing moves any more: the panel rises into its place."""
    await chat.page.evaluate("""() => Promise.allSettled(
        document.querySelector("shopclerk-chat").shadowRoot.getAnimations()
            .filter((moving) => moving.effect.getTiming().iterations !== Infinity)
            .map((moving) => moving.finished))""")
    found = await chat.host.locator(selector).bounding_box()
    assert found is not None
    return dict(found)


async def looks(chat: Chat) -> list[str]:
    """What a hostile style would change, of a few parts."""
    return list(
        await chat.page.evaluate("""() => {
        const root = document.querySelector("shopclerk-chat").shadowRoot;
        const names = ["color", "fontSize", "fontFamily", "direction", "textTransform", "opacity", "visibility",
            "borderTopWidth", "pointerEvents"];
        return [".launcher", ".head h2", ".greeting", ".starter", ".send"].flatMap((selector) => {
            const style = getComputedStyle(root.querySelector(selector));
            return names.map((name) => `${selector} ${name} ${style[name]}`);
        });
    }""")
    )


@pytest.mark.parametrize("inline", ["", "display:none!important;opacity:0!important"])
async def test_no_style_of_the_page_reaches_the_widget(visit: Visit, inline: str) -> None:
    plain, hostile = (
        await (await visit()).open(),
        await visit(head=HOSTILE, body='<div class="wall"></div><h1>Mine</h1>'),
    )
    if inline:
        await hostile.page.evaluate(
            "(css) => document.querySelector('shopclerk-chat').setAttribute('style', css)", inline
        )
    await hostile.open()  # a real click: nothing lies over the launcher
    for selector in (".launcher", ".panel", ".send"):
        assert await box(plain, selector) == await box(hostile, selector)
    assert await looks(plain) == await looks(hostile)
    await hostile.ask("Hello")


async def test_a_page_that_reads_from_the_right_changes_nothing(visit: Visit) -> None:
    chat = await (await visit(html=None, body='<script>document.documentElement.dir = "rtl"</script><h1>A</h1>')).open()
    plain = await (await visit()).open()
    assert await looks(plain) == await looks(chat)


async def test_texts_of_a_language_from_the_right_turn_the_widget(visit: Visit) -> None:
    chat = await visit()
    texts = json.dumps({"dir": "rtl", "greeting": "مرحبا"})
    await chat.page.evaluate(
        """(texts) => {
        document.querySelector("shopclerk-chat").remove();
        const chat = document.createElement("shopclerk-chat");
        chat.dataset.texts = texts;
        document.body.append(chat);
    }""",
        texts,
    )
    await chat.open()
    await expect(chat.host.locator(".greeting")).to_have_text("مرحبا")
    send, field = await box(chat, ".send"), await box(chat, "#field")
    assert send["x"] < field["x"]


async def test_the_shop_says_it_in_its_own_words(visit: Visit, pages: Pages) -> None:
    pages.html["/words.json"] = json.dumps(
        {"greeting": "Ahoy!", "starters": ["Where be my parcel?"], "title": "Harbour"}
    )
    chat = await (await visit(data={"texts": "/words.json"})).open()
    await expect(chat.host.locator(".greeting")).to_have_text("Ahoy!")
    await expect(chat.host.get_by_role("heading", name="Harbour")).to_be_visible()
    await expect(chat.host.locator(".starter")).to_have_text(["Where be my parcel?"])


async def test_the_page_s_language_chooses_the_words(visit: Visit) -> None:
    chat = await visit(lang="zh-CN")
    await chat.launcher.click()
    await expect(chat.host.get_by_role("textbox")).to_be_visible(timeout=SOON)
    assert await chat.host.locator(".greeting").inner_text() != "Hello, how can we help?"


async def test_an_origin_the_shop_did_not_name_is_told_so_and_keeps_what_is_written(visit: Visit, pages: Pages) -> None:
    chat = await visit(origin=pages.stranger)
    warnings: list[str] = []
    chat.page.on("console", lambda message: warnings.append(message.text))
    await chat.open()
    await chat.say("Anybody there?")
    await expect(chat.banner).to_contain_text("cannot be reached", timeout=SOON)
    await expect(chat.row("customer")).to_have_attribute("data-state", "waiting")
    for _ in range(3):
        await chat.button("Try now").click()
    await expect(chat.banner).to_be_visible()
    assert any("server.cors_origins" in text and pages.stranger in text for text in warnings), warnings


async def test_a_page_with_a_strict_content_policy_can_have_it(visit: Visit, site: Site) -> None:
    bot = f"{site.url} {site.url.replace('http', 'ws')}"
    policy = f"default-src 'none'; script-src {site.url}; connect-src {bot}; img-src {site.url}; "
    policy += "require-trusted-types-for 'script'"
    chat = await visit(head=f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    await (await chat.open()).ask("Hello")


async def test_nothing_moves_and_little_is_loaded_until_it_is_opened(visit: Visit, site: Site) -> None:
    before = site.answers.copy()
    chat = await visit(body='<h1>A shop</h1><p id="end">End</p>')
    await expect(chat.launcher).to_be_visible(timeout=SOON)
    loaded = {path for path, count in site.answers.items() if count > before[path]}
    assert loaded == {"/widget.js", "/web/widget/dom.js", "/web/widget/launcher.css", "/web/widget/texts/en.json"}
    height = await chat.page.evaluate("document.documentElement.scrollHeight")
    place = await chat.page.locator("#end").bounding_box()
    await chat.open()
    assert await chat.page.evaluate("document.documentElement.scrollHeight") == height
    assert await chat.page.locator("#end").bounding_box() == place


async def test_a_page_s_script_can_steer_it_and_hears_of_it(visit: Visit) -> None:
    chat = await visit()
    await chat.page.evaluate("""() => {
        window.heard = [];
        for (const name of ["open", "close", "message", "conversation"])
            document.addEventListener(`shopclerk:${name}`, (event) => window.heard.push([name, event.detail.from ?? ""]));
    }""")
    await chat.page.evaluate("customElements.whenDefined('shopclerk-chat').then(() => shopclerk.open())")
    await expect(chat.field).to_be_visible(timeout=SOON)
    await chat.page.evaluate("shopclerk.send('Do you sell lamps?')")
    await expect(chat.row("assistant")).to_have_count(1, timeout=SOON)
    await chat.page.evaluate("shopclerk.close()")
    await expect(chat.field).to_be_hidden()
    heard = await chat.page.evaluate("heard")
    assert [name for name, _ in heard] == ["open", "message", "conversation", "message", "close"]
    assert [who for name, who in heard if name == "message"] == ["customer", "assistant"]


async def test_short_cuts_of_the_page_do_not_fire_while_somebody_writes(visit: Visit) -> None:
    chat = await visit(body="<script>window.keys = 0; addEventListener('keydown', () => window.keys++)</script>")
    await chat.open()
    await chat.field.press_sequentially("/search")
    assert await chat.page.evaluate("keys") == 0


async def test_another_customer_begins_another_conversation(visit: Visit, site: Site) -> None:
    customers = [c async for c in site.shop.book.all_customers()][:2]  # type: ignore[attr-defined]
    chat = await (await visit()).open()
    await chat.ask("Hello")
    guest = await conversation_of(chat)
    await chat.page.evaluate("(token) => shopclerk.identify(token)", site.token(customers[0].id))
    await expect(chat.log.locator(".row")).to_have_count(0, timeout=SOON)
    await chat.ask("Hello again")
    first = await conversation_of(chat)
    tracker = await site.shop.store.load(first)
    assert first != guest and tracker is not None and tracker.customer_id == customers[0].id
    await chat.reload()  # the page says only later who this is
    await chat.page.evaluate("(token) => shopclerk.identify(token)", site.token(customers[1].id))
    await expect(chat.log.locator(".row")).to_have_count(0, timeout=SOON)
    await chat.ask("Hello once more")
    assert await conversation_of(chat) not in (guest, first)
    await chat.page.evaluate("shopclerk.identify(null)")
    await expect(chat.log.locator(".row")).to_have_count(0, timeout=SOON)


async def test_a_forged_token_makes_a_guest(visit: Visit, site: Site) -> None:
    chat = await visit(data={"customer_token": "C1.0000"})
    await chat.open()
    await chat.say("Hello")
    await expect(chat.host.locator(".notice")).to_contain_text("as a guest", timeout=SOON)
    await expect(chat.row("assistant")).to_have_count(1, timeout=SOON)
    tracker = await site.shop.store.load(await conversation_of(chat))
    assert tracker is not None and tracker.customer_id is None


CARDS = """async ({ base, items }) => {
    const { messageElement } = await import(`${base}/web/widget/message.js`);
    const host = document.querySelector("shopclerk-chat");
    const t = Object.assign((key) => key, { language: "en", has: () => false });
    const acts = { rated: () => null };
    host.shadowRoot.querySelector(".log").append(...items.map(
        (item) => messageElement({ text: "", from: "assistant", ...item }, acts, { t, host })));
    window.host = host.shadowRoot;
}"""


async def test_what_a_shop_or_agent_wrote_is_text_and_only_known_places_are_linked(
    visit: Visit, site: Site, pages: Pages
) -> None:
    """Titles, quotes, changes and names full of HTML; addresses that are no web pages; pictures from anywhere."""
    evil = "<img src=x onerror=window.broken=1>"
    picture = "https://tracker.example/pixel.gif"
    cards = [
        {
            "kind": "product",
            "title": evil,
            "data": {"url": "javascript:window.broken=1", "image": picture, "price": evil, "brand": evil},
        },
        {
            "kind": "order",
            "title": evil,
            "data": {
                "status": evil,
                "lines": [{"title": evil, "price": evil, "options": {evil: evil}}],
                "address": evil,
            },
        },
        {
            "kind": "confirmation",
            "title": evil,
            "data": {
                "operations": [
                    {
                        "kind": evil,
                        "changes": [{"label": evil, "before": evil, "after": evil}],
                        "money": [{"direction": "refund", "amount": evil, "method": evil}],
                    }
                ],
                "totals": evil,
            },
        },
        {"kind": "case", "title": evil, "data": {"what": evil}},
        {"kind": "compare", "title": evil, "data": {"columns": ["", evil], "rows": [[evil, evil]]}},
        {"kind": evil, "title": evil, "data": None},
    ]
    item = {
        "text": f"{evil} [1] javascript:alert(1) https://other.example/page",
        "cards": cards,
        "image": picture,
        "buttons": [{"title": evil, "payload": "/affirm"}],
        "sources": [
            {
                "number": 1,
                "id": "1",
                "title": evil,
                "kind": "x",
                "quote": evil,
                "url": "data:text/html,<script>1</script>",
            }
        ],
    }
    chat = await (await visit()).open()
    outside: list[str] = []
    chat.page.on("request", lambda request: outside.append(request.url) if "example" in request.url else None)
    await chat.page.evaluate(CARDS, {"base": site.url, "items": [item, {**item, "from": "agent", "agent": evil}]})
    assert await chat.page.evaluate("window.host.querySelectorAll('.log script, .log [onerror]').length") == 0
    assert await chat.page.evaluate("window.host.querySelectorAll('.log img').length") == 0
    links = await chat.page.evaluate(
        "[...window.host.querySelectorAll('.log a')].map((a) => [a.href, a.target, a.rel])"
    )
    assert {tuple(link) for link in links} == {("https://other.example/page", "_blank", "noopener noreferrer")}
    assert await chat.page.evaluate("window.broken") is None and outside == []


async def test_pictures_and_links_of_the_shop_itself_are_shown(visit: Visit, site: Site, pages: Pages) -> None:
    pages.html["/lamp.svg"] = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0h4v4H0z"/></svg>'
    cards = [
        {"kind": "product", "title": "Lamp", "data": {"image": "/lamp.svg", "url": "/products/lamp"}},
        {
            "kind": "product",
            "title": "Lamp 2",
            "data": {"image": f"{site.url}/web/icon.svg", "url": "https://elsewhere.example/"},
        },
    ]
    chat = await (await visit()).open()
    await chat.page.evaluate(CARDS, {"base": site.url, "items": [{"text": "Two lamps", "cards": cards}]})
    shown = await chat.page.evaluate("[...window.host.querySelectorAll('.product img')].map((image) => image.src)")
    assert shown == [f"{pages.friend}/lamp.svg", f"{site.url}/web/icon.svg"]
    links = await chat.page.evaluate("[...window.host.querySelectorAll('.product a')].map((a) => [a.href, a.target])")
    assert links == [[f"{pages.friend}/products/lamp", ""], ["https://elsewhere.example/", "_blank"]]


async def test_the_shop_s_colours_and_places(visit: Visit) -> None:
    chat = await visit(
        head="<style>:root { --shopclerk-accent: rgb(120, 0, 60); --shopclerk-offset-x: 40px; --shopclerk-font: serif; }</style>",
        data={"position": "left", "theme": "light"},
        color_scheme="dark",
    )
    await chat.open()
    launcher = chat.launcher
    assert await launcher.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(120, 0, 60)"
    assert (await box(chat, ".launcher"))["x"] == 40
    assert await chat.panel.evaluate("node => getComputedStyle(node).fontFamily") == "serif"
    assert await chat.panel.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
