"""Lines that drop, servers that stop, tabs and reloads: nothing is lost, nothing comes twice, nothing changes places."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bot.channels import visitor
from bot.channels.problem import Problem
from bot.domain.message import InboundMessage
from tests.browser.chat import SOON, Chat
from tests.browser.conftest import Site, Visit
from tests.browser.test_widget_talk import conversation_of

QUESTIONS = ("Do you sell lamps?", "How long do returns take?", "Hello", "Show me jackets", "Do you ship abroad?")


async def stored(site: Site, chat: Chat) -> list[str]:
    """What was said, from the store itself, by who said it."""
    from bot.handoffs import lines

    events = await site.shop.store.events(await conversation_of(chat))
    return [f"{line.sender}: {line.text}" for line in lines(list(events))]


async def said_by_customer(chat: Chat) -> list[str]:
    return [text.removeprefix("customer: ") for text in await chat.texts() if text.startswith("customer: ")]


async def expect_whole(site: Site, chat: Chat, wanted: list[str]) -> None:
    """Every message once, in order, answered, here and in the store (which keeps a burst as lines of one message)."""
    await expect(chat.row("customer").last).to_contain_text(wanted[-1], timeout=SOON)
    await expect(chat.host.locator('.row.customer:not([data-state="sent"])')).to_have_count(0, timeout=SOON)
    await expect(chat.log.locator(".row").last).to_have_class("row assistant last", timeout=SOON)
    assert "\n".join(await said_by_customer(chat)) == "\n".join(wanted)
    kept = await stored(site, chat)
    assert "\n".join(t.removeprefix("customer: ") for t in kept if t.startswith("customer: ")) == "\n".join(wanted)
    assert await chat.row("assistant").count() == len([text for text in kept if text.startswith("assistant: ")])


async def test_a_server_that_restarts_is_hardly_noticed(visit: Visit, site: Site) -> None:
    chat = await (await visit()).open()
    await chat.ask(QUESTIONS[0])
    await site.stop()
    await chat.say(QUESTIONS[1])
    await expect(chat.row("customer").last).to_have_attribute("data-state", "waiting")
    await expect(chat.banner).to_be_visible(timeout=SOON)
    await site.start()
    await expect(chat.banner).to_be_hidden(timeout=SOON)
    await expect_whole(site, chat, list(QUESTIONS[:2]))


async def test_a_line_cut_at_random_points_loses_nothing(visit: Visit, site: Site) -> None:
    """In the middle of frames, too: acknowledgements and replies get lost on the way and come again."""
    chance = random.Random(7)
    chat = await (await visit()).open()
    wanted = []
    for turn in range(8):
        text = f"{turn}: {QUESTIONS[turn % len(QUESTIONS)]}"
        wanted.append(text)
        site.wire.cut_after = chance.randrange(0, 1500)
        await chat.say(text)
        await expect(chat.row("customer").filter(has_text=text)).to_have_attribute("data-state", "sent", timeout=SOON)
    site.wire.cut_after = None
    await expect_whole(site, chat, wanted)


async def test_what_is_written_offline_goes_out_in_order_even_after_a_reload(visit: Visit, site: Site) -> None:
    chat = await (await visit()).open()
    await chat.ask("Hello")
    site.wire.down()
    for text in QUESTIONS[:3]:
        await chat.say(f"Offline. {text}")
    await expect(chat.host.locator('[data-state="waiting"]')).to_have_count(3)
    keys = await chat.page.evaluate("() => Object.keys(localStorage).filter((key) => key.includes(' unsent '))")
    assert len(keys) == 3
    site.wire.up()
    await chat.reload()  # sooner than any pause ends: what is kept has to be enough
    await expect_whole(site, chat, ["Hello", *(f"Offline. {text}" for text in QUESTIONS[:3])])
    assert await chat.page.evaluate("() => Object.keys(localStorage).filter((key) => key.includes(' unsent '))") == []


async def test_trying_now_need_not_wait_for_the_pause(visit: Visit, site: Site) -> None:
    chat = await (await visit()).open()
    await chat.ask("Hello")
    site.wire.down()
    await chat.say(QUESTIONS[1])
    await expect(chat.button("Try now")).to_be_visible(timeout=SOON)
    site.wire.up()
    await chat.button("Try now").click()
    await expect(chat.row("customer").last).to_have_attribute("data-state", "sent", timeout=SOON)


async def test_where_no_websocket_gets_through_the_chat_streams_events(visit: Visit, site: Site) -> None:
    site.wire.sockets = False
    chat = await (await visit()).open()
    await chat.say(QUESTIONS[0])
    await expect(chat.row("assistant")).to_have_count(1, timeout=SOON)
    await chat.ask(QUESTIONS[1])
    await expect_whole(site, chat, list(QUESTIONS[:2]))
    conversation_id = await conversation_of(chat)
    site.shop.feed.passing(conversation_id, {"type": "delta", "text": "pushed"})
    await expect(chat.draft).to_have_text("pushed", timeout=SOON)
    site.wire.cut()  # and comes back, with whatever gets through then
    await chat.ask(QUESTIONS[2])
    await expect_whole(site, chat, list(QUESTIONS[:3]))


async def test_tabs_of_one_browser_show_one_conversation(visit: Visit, site: Site) -> None:
    first = await (await visit()).open()
    await first.ask(QUESTIONS[0])
    second = await visit(context=first.page.context)
    await second.open()
    await expect(second.row("assistant")).to_have_count(1, timeout=SOON)
    await second.ask(QUESTIONS[1])
    await expect_whole(site, first, list(QUESTIONS[:2]))
    await expect_whole(site, second, list(QUESTIONS[:2]))
    await first.menu("New conversation")
    await first.button("Start new").click()
    await first.button("Skip").click()
    await expect(second.log.locator(".row")).to_have_count(0, timeout=SOON)
    await second.ask("A fresh start")
    await expect(first.row("assistant")).to_have_count(1, timeout=SOON)
    assert await conversation_of(first) == await conversation_of(second)


async def test_a_reload_brings_the_history_back(visit: Visit, site: Site) -> None:
    chat = await (await visit()).open()
    for question in QUESTIONS[:3]:
        await chat.ask(question)
    before = await chat.texts()
    await chat.reload()
    await expect(chat.row("customer")).to_have_count(3, timeout=SOON)
    assert await chat.texts() == before
    await expect(chat.log.get_by_role("separator")).to_have_text("Today")
    await expect_whole(site, chat, list(QUESTIONS[:3]))


async def test_who_missed_too_much_fetches_the_conversation_anew(
    visit: Visit, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await (await visit()).open()
    await chat.ask("Hello")
    site.wire.down()
    missed = InboundMessage(await conversation_of(chat), QUESTIONS[1], "elsewhere-1", channel="widget")
    await site.shop.inbox.receive(missed)
    monkeypatch.setattr("bot.channels.connection.TOO_OLD", 0)  # what came meanwhile is too much already
    asked = site.asked("/messages")
    site.wire.up()
    await expect_whole(site, chat, ["Hello", QUESTIONS[1]])
    assert site.asked("/messages") > asked


async def test_a_server_silent_for_a_minute_is_taken_for_dead(visit: Visit, site: Site) -> None:
    chat = await visit()
    await chat.page.clock.install()
    await chat.page.reload()
    await chat.open()
    await chat.ask("Hello")
    upgrades = site.wire.upgrades
    await chat.page.clock.fast_forward(61_000)
    await chat.page.clock.fast_forward(2_000)
    async with asyncio.timeout(SOON / 1000):
        await site.wire.dialled(upgrades + 1)
    await chat.page.clock.resume()
    await chat.ask(QUESTIONS[1])


async def test_a_conversation_that_cannot_be_reached_any_more_is_replaced(visit: Visit, site: Site) -> None:
    """Its token proves nothing (the server's secret changed): what was not sent goes into a new one."""
    chat = await (await visit()).open()
    await chat.ask("Hello")
    before = await conversation_of(chat)
    await chat.page.evaluate("""() => {
        const key = Object.keys(localStorage).find((name) => name.endsWith(" conversation"));
        localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), token: "worth nothing" });
    }""")
    site.wire.cut()
    await expect(chat.host.locator(".notice")).to_contain_text("can no longer be reached", timeout=SOON)
    await chat.ask(QUESTIONS[1])
    assert await conversation_of(chat) != before
    assert await said_by_customer(chat) == [QUESTIONS[1]]


async def test_a_message_too_long_can_be_made_shorter(visit: Visit) -> None:
    chat = await (await visit()).open()
    await chat.ask("Hello")
    await chat.page.evaluate("shopclerk.send('x'.repeat(5000))")
    await expect(chat.row("customer").last).to_contain_text("Too long to be sent", timeout=SOON)
    await chat.button("Edit").click()
    await expect(chat.row("customer")).to_have_count(1)
    await expect(chat.field).to_be_focused()
    assert len(await chat.field.input_value()) == 5000


async def test_a_message_without_an_answer_is_marked_and_tried_again(visit: Visit, site: Site) -> None:
    """The connection looks alive but swallows everything; after twenty seconds the customer may try again."""
    chat = await visit()
    await chat.page.clock.install()
    await chat.page.reload()
    await chat.open()
    await chat.ask("Hello")
    await _swallow(chat.page)
    await chat.say(QUESTIONS[1])
    await expect(chat.row("customer").last).to_have_attribute("data-state", "sending")
    await chat.page.clock.fast_forward(21_000)
    await expect(chat.row("customer").last).to_have_attribute("data-state", "failed")
    await chat.page.evaluate("() => { WebSocket.prototype.send = window.originalSend; }")
    await chat.page.clock.resume()
    await chat.button("Try again").click()
    await expect(chat.row("customer").last).to_have_attribute("data-state", "sent", timeout=SOON)
    await expect(chat.row("assistant")).to_have_count(2, timeout=SOON)


async def _swallow(page: Page) -> None:
    await page.evaluate("""() => {
        window.originalSend = WebSocket.prototype.send;
        WebSocket.prototype.send = () => {};
    }""")


@pytest.mark.parametrize("count", [3])
async def test_messages_in_a_hurry_keep_their_order(visit: Visit, site: Site, count: int) -> None:
    chat = await (await visit()).open()
    wanted = [f"Message {number}" for number in range(count)]
    for text in wanted:
        await chat.say(text)
    await expect(chat.row("assistant").first).to_be_visible(timeout=SOON)
    await expect(chat.host.locator('.row.customer:not([data-state="sent"])')).to_have_count(0, timeout=SOON)
    assert await said_by_customer(chat) == wanted


async def test_what_came_too_fast_goes_out_when_the_server_has_room(
    visit: Visit, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second message is refused once; it and the one after it wait, and keep their order."""
    chat = await (await visit()).open()
    await chat.ask("Hello")
    allowed, refusals = visitor.check_rate, [Problem(429, "too fast", headers={"Retry-After": "2"})]

    def check_rate(*about: Any) -> None:
        if refusals:
            raise refusals.pop()
        allowed(*about)

    monkeypatch.setattr(visitor, "check_rate", check_rate)
    await chat.say(QUESTIONS[0])
    await expect(chat.host.locator(".notice")).to_contain_text("goes out in 2 s", timeout=SOON)
    await chat.say(QUESTIONS[1])
    await expect_whole(site, chat, ["Hello", *QUESTIONS[:2]])
