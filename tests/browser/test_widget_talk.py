"""A customer talks with the assistant through the widget: words, cards, buttons, sources."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import expect

from knowledge.models import Order, OrderStatus
from tests.browser.chat import SOON, Chat
from tests.browser.conftest import Site, Visit


async def conversation_of(chat: Chat) -> str:
    """The id the browser keeps."""
    kept = await chat.page.evaluate(
        "() => JSON.parse(Object.entries(localStorage).find(([key]) => key.endsWith(' conversation'))[1])"
    )
    return str(kept["conversation_id"])


async def order_of(site: Site, status: OrderStatus, lines: int = 1) -> Order:
    """An order that nobody else in these tests touches."""
    async for order in site.shop.book.all_orders():  # type: ignore[attr-defined]
        if order.status == status and len(order.lines) == lines and order.id not in _TAKEN:
            _TAKEN.add(order.id)
            return order  # type: ignore[no-any-return]
    raise LookupError(f"no {status.value} order left")


_TAKEN: set[str] = set()


async def test_a_question_is_answered(visit: Visit) -> None:
    chat = await (await visit()).open()
    answer = await chat.ask("How many days do I have to return something?")
    await expect(answer.locator(".bubble")).to_contain_text(re.compile(r"\w+ \w+"))
    await expect(chat.row("customer").locator(".state")).to_have_text("Sent")
    await expect(chat.field).to_be_focused()
    await expect(chat.field).to_have_value("")


async def test_a_starter_is_one_press_away(visit: Visit) -> None:
    chat = await (await visit()).open()
    await chat.button("Where is my order?").click()
    await expect(chat.row("customer")).to_contain_text("Where is my order?")
    await expect(chat.row("assistant")).to_have_count(1, timeout=SOON)
    await expect(chat.button("I want to return something")).to_be_hidden()


async def test_found_products_are_a_carousel_for_finger_keyboard_and_mouse(visit: Visit) -> None:
    chat = await (await visit()).open()
    answer = await chat.ask("Show me jackets")
    carousel = answer.get_by_role("group", name="Products")
    cards = carousel.get_by_role("article")
    assert await cards.count() > 1
    await expect(cards.first).to_contain_text(re.compile(r"\$\d"))
    assert "1. " not in await answer.locator(".bubble").first.inner_text()  # what the cards show is not said twice
    row = carousel.get_by_role("list")
    previous, following = carousel.get_by_role("button", name="Previous"), carousel.get_by_role("button", name="Next")
    await expect(previous).to_be_disabled()
    await following.click()
    await expect(previous).to_be_enabled(timeout=SOON)
    await row.focus()
    await row.press("ArrowLeft")
    await expect(previous).to_be_disabled(timeout=SOON)


async def test_an_order_shows_how_far_it_is(visit: Visit, site: Site) -> None:
    order = await order_of(site, OrderStatus.SHIPPED)
    chat = await (await visit(data={"customer_token": site.token(order.customer_id)})).open()
    card = (await chat.ask(f"Where is my order {order.number}?")).locator(".card.order")
    await expect(card).to_contain_text(order.number)
    await expect(card.locator('[aria-current="step"]')).to_have_text("On its way")
    await expect(card.locator(".track .done")).to_have_count(3)
    await expect(card).to_contain_text(order.lines[0].title)


async def test_a_confirmation_takes_one_answer(visit: Visit, site: Site) -> None:
    order = await order_of(site, OrderStatus.PENDING)
    chat = await (await visit(data={"customer_token": site.token(order.customer_id)})).open()
    await chat.ask(f"Please cancel order {order.number}, I ordered it by mistake")
    card = chat.host.locator(".card.confirmation")
    await expect(card).to_contain_text(order.number, timeout=SOON)
    await expect(card.locator("s").first).to_have_text("pending")
    await expect(card).to_contain_text("You get back")
    yes, no = card.get_by_role("button").nth(0), card.get_by_role("button").nth(1)
    said = await chat.row("assistant").count()
    await yes.click()
    await expect(chat.row("assistant").nth(said)).to_contain_text(re.compile("cancel", re.I), timeout=SOON)
    for button in (yes, no):
        await expect(button).to_be_disabled()
    await expect(yes).to_have_class(re.compile("chosen"))
    await expect(no).not_to_have_class(re.compile("chosen"))
    stored = await site.shop.book.order_by_number(order.number)
    assert stored is not None and stored.status == OrderStatus.CANCELLED
    await chat.reload()  # and what was chosen is still to be seen
    await expect(card.get_by_role("button").nth(0)).to_have_class(re.compile("chosen"), timeout=SOON)
    await expect(card.get_by_role("button").nth(0)).to_be_disabled()


async def test_a_reply_in_writing_is_seen_but_read_out_once(visit: Visit, site: Site) -> None:
    """Pieces stand outside the live region; the whole message replaces them inside it."""
    chat = await (await visit()).open()
    await chat.ask("Hello")
    conversation_id = await conversation_of(chat)
    await chat.page.evaluate("""() => {
        window.announced = [];
        const log = document.querySelector("shopclerk-chat").shadowRoot.querySelector('[role="log"]');
        new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) =>
            window.announced.push(node.textContent)))).observe(log, { childList: true, subtree: true });
    }""")
    site.shop.feed.passing(conversation_id, {"type": "typing", "from": "assistant"})
    await expect(chat.draft).to_have_class(re.compile("dots"))
    for piece in ("Let me ", "look that ", "up."):
        site.shop.feed.passing(conversation_id, {"type": "delta", "text": piece})
    await expect(chat.draft).to_have_text("Let me look that up.")
    await expect(chat.draft).to_have_attribute("aria-hidden", "true")
    assert await chat.page.evaluate("announced") == []
    await chat.ask("What is your return policy?")
    await expect(chat.draft).to_be_hidden()
    assert not [text for text in await chat.page.evaluate("announced") if "Let me" in text]
    await expect(chat.log).to_have_attribute("aria-live", "polite")


async def test_a_source_opens_from_its_mark(visit: Visit) -> None:
    chat = await (await visit()).open()
    answer = await chat.ask("how long do returns take?")
    sources = answer.locator("details")
    await expect(sources).not_to_have_attribute("open", "")
    mark = answer.get_by_role("button", name="Source 1")
    await mark.click()
    await expect(sources).to_have_attribute("open", "")
    await expect(sources.locator("li").first).to_be_focused()
    assert (await sources.locator("q").first.inner_text()).strip()


async def test_where_the_customer_is_goes_along(visit: Visit) -> None:
    """Address and title by themselves, the product from the shop's own schema.org data, the cart as the shop says."""
    product = {"@context": "https://schema.org", "@graph": [{"@type": "Product", "productID": "P7", "name": "Lamp"}]}
    chat = await visit(head=f'<script type="application/ld+json">{json.dumps(product)}</script>')
    sent: list[str] = []
    chat.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    await chat.open()
    await chat.page.evaluate("shopclerk.setPage({ cart: [{ product_id: 'P1', variant_id: 'V1', quantity: 2 }] })")
    await chat.ask("Hello there")
    page = next(frame["page"] for frame in map(json.loads, sent) if frame["type"] == "message")
    assert page["url"] == chat.page.url and page["title"] == "A shop"
    assert page["product_id"] == "P7"
    assert page["cart"] == [{"product_id": "P1", "variant_id": "V1", "quantity": 2}]


@pytest.mark.parametrize("hostile", ["<img src=x onerror=window.broken=1>", "<script>window.broken=1</script>"])
async def test_what_a_customer_writes_is_text(visit: Visit, hostile: str) -> None:
    chat = await (await visit()).open()
    await chat.ask(hostile)
    await expect(chat.row("customer").locator(".bubble")).to_have_text(hostile)
    await chat.reload()
    await expect(chat.row("customer").locator(".bubble")).to_have_text(hostile, timeout=SOON)
    assert await chat.page.evaluate("window.broken") is None
