"""Around the answers: a person takes over, thumbs, the rating at the end, the transcript, unread messages."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from playwright.async_api import Route, expect

from bot.domain import events as ev
from tests.browser.chat import SOON, Chat
from tests.browser.conftest import Site, Visit
from tests.browser.test_widget_talk import conversation_of

Rating = TypeVar("Rating", ev.MessageRated, ev.ConversationRated)


async def with_a_person(chat: Chat) -> str:
    await chat.open()
    await chat.button("Talk to a person").click()
    await expect(chat.status).to_have_text("Waiting for a person …", timeout=SOON)
    return await conversation_of(chat)


async def test_a_person_is_one_press_away_and_known_by_name(visit: Visit, site: Site) -> None:
    chat = await visit()
    conversation_id = await with_a_person(chat)
    await expect(chat.row("customer")).to_contain_text("Talk to a person")
    await expect(chat.host.locator(".notice")).to_contain_text("queue")
    await site.shop.handoffs.reply(conversation_id, "Hello, this is Ana. <b>How</b> can I help?", "Ana")
    await expect(chat.row("agent")).to_contain_text("Hello, this is Ana. <b>How</b> can I help?", timeout=SOON)
    await expect(chat.row("agent").locator(".who")).to_contain_text("Ana")
    await expect(chat.status).to_have_text("You are talking with Ana")
    await expect(chat.host.locator(".notice").last).to_have_text("Ana has joined the conversation.")
    site.shop.feed.passing(conversation_id, {"type": "typing", "from": "agent"})
    await expect(chat.host.get_by_role("status")).to_have_text("Ana is writing")
    await site.shop.handoffs.handback(conversation_id)
    await expect(chat.status).to_have_text("Digital assistant", timeout=SOON)
    await expect(chat.host.locator(".notice").last).to_have_text("The digital assistant is answering again.")


async def test_what_comes_while_it_is_closed_is_counted(visit: Visit, site: Site) -> None:
    chat = await visit()
    conversation_id = await with_a_person(chat)
    await chat.button("Close the chat").first.click()
    await expect(chat.badge).to_be_hidden()
    for words in ("One moment.", "Here I am."):
        await site.shop.handoffs.reply(conversation_id, words, "Ana")
    await expect(chat.badge).to_have_text("2", timeout=SOON)
    await expect(chat.launcher).to_have_accessible_name("Open the chat, 2 unread messages")
    await chat.page.reload()  # another page of the shop: still unread
    await expect(chat.badge).to_have_text("2", timeout=SOON)
    await chat.open()
    await expect(chat.badge).to_be_hidden()
    await chat.page.reload()
    await expect(chat.field).to_be_visible(timeout=SOON)
    await chat.launcher.click()
    await expect(chat.badge).to_be_hidden()


async def kept(site: Site, conversation_id: str, kind: type[Rating]) -> list[Rating]:
    """What the customer thought, as the store has it."""
    return [
        stamped.event for stamped in await site.shop.store.events(conversation_id) if isinstance(stamped.event, kind)
    ]


async def test_a_thumb_with_a_comment(visit: Visit, site: Site) -> None:
    chat = await (await visit()).open()
    answer = await chat.ask("How long do returns take?")
    await answer.get_by_role("button", name="Not helpful").click()
    await expect(answer.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    await answer.get_by_role("textbox").fill("Too long")
    await answer.get_by_role("textbox").press("Enter")
    await expect(answer.get_by_role("textbox")).to_have_count(0)
    given = await kept(site, await conversation_of(chat), ev.MessageRated)
    assert [(rated.rating, rated.comment) for rated in given] == [("down", ""), ("down", "Too long")]
    await chat.reload()
    await expect(chat.row("assistant").last.get_by_role("button", name="Not helpful")).to_have_attribute(
        "aria-pressed", "true", timeout=SOON
    )


async def test_the_end_asks_how_it_was(visit: Visit, site: Site) -> None:
    chat = await (await visit()).open()
    await chat.ask("Hello")
    conversation_id = await conversation_of(chat)
    await chat.menu("End the conversation")
    await chat.button("Keep it").click()  # not yet
    await expect(chat.row("assistant")).to_have_count(1)
    await chat.menu("End the conversation")
    await chat.button("End it").click()
    await expect(chat.host.locator(".sheet").get_by_role("button", name="Send")).to_be_disabled()
    await chat.host.get_by_role("radio", name="Very good").check(force=True)
    await chat.host.get_by_role("textbox", name="Anything you want").fill("Quick!")
    await chat.host.locator(".sheet").get_by_role("button", name="Send").click()
    await expect(chat.field).to_be_hidden(timeout=SOON)
    given = await kept(site, conversation_id, ev.ConversationRated)
    assert [(rated.score, rated.comment) for rated in given] == [(5, "Quick!")]
    await chat.open()
    await expect(chat.host.locator(".greeting")).to_be_visible()
    await expect(chat.log.locator(".row")).to_have_count(0)


async def test_a_new_conversation_is_asked_for_when_one_runs(visit: Visit) -> None:
    chat = await (await visit()).open()
    await chat.menu("New conversation")  # none runs: nothing to ask
    await expect(chat.host.locator(".sheet")).to_have_count(0)
    await chat.ask("Hello")
    await chat.menu("New conversation")
    await expect(chat.host.get_by_role("heading", name="Start a new conversation?")).to_be_focused()
    await chat.page.keyboard.press("Escape")
    await expect(chat.row("assistant")).to_have_count(1)
    await chat.menu("New conversation")
    await chat.button("Start new").click()
    await chat.button("Skip").click()
    await expect(chat.log.locator(".row")).to_have_count(0)
    await expect(chat.field).to_be_focused()


async def test_the_transcript_is_a_text_file(visit: Visit, tmp_path: Path) -> None:
    chat = await (await visit(data={"shop_name": "Lamps & Co"})).open()
    await chat.ask("How long do returns take?")
    async with chat.page.expect_download() as downloading:
        await chat.menu("Download the transcript")
    download = await downloading.value
    await download.save_as(tmp_path / "said.txt")
    said = (tmp_path / "said.txt").read_text()
    assert download.suggested_filename.endswith(".txt") and said.startswith("Conversation with Lamps & Co")
    assert "You:\nHow long do returns take?" in said and "Assistant:\n" in said and "[1] " in said


async def test_times_are_shown_when_wanted(visit: Visit) -> None:
    chat = await (await visit()).open()
    answer = await chat.ask("Hello")
    await chat.page.mouse.move(5, 5)
    await expect(answer.locator("time")).to_be_hidden()
    await chat.menu("Show times")
    await expect(answer.locator("time")).to_be_visible()


async def test_feedback_that_cannot_be_sent_is_said_and_not_shown_as_given(visit: Visit) -> None:
    chat = await (await visit()).open()
    answer = await chat.ask("Hello")

    async def refuse(route: Route) -> None:
        await route.abort()

    await chat.page.route("**/feedback", refuse)
    await answer.get_by_role("button", name="Helpful", exact=True).click()
    await expect(chat.host.locator(".notice")).to_contain_text("could not be sent")
    await expect(answer.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "false")
