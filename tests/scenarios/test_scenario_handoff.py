"""Customers who want a person: queued, taken over, answered, handed back, closed; and the one nobody came for."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.tracker import Mode
from knowledge.models import MethodKind, OrderStatus
from tests.fakes import FakeClock
from tests.scenarios.books import CANCELLED, PENDING, Books
from tests.scenarios.talk import Talk
from tests.scenarios.web import Web

SignIn = Callable[..., Talk]
Begin = Callable[..., Web]
CARD, PAYPAL = MethodKind.CREDIT_CARD, MethodKind.PAYPAL


async def test_from_bot_to_agent_and_back(web: Begin) -> None:
    talk = web()
    await talk.say("can i speak to a real human please")
    waiting = (await talk.get("/api/v1/handoffs"))["handoffs"]
    assert [w["conversation_id"] for w in waiting] == [talk.sender]
    assert waiting[0]["reason"] and "human" in str(waiting[0]["transcript"])
    assert await talk.say("hello? anybody there?") == []
    await talk.act("reply", text="Hi, Nora here. What happened?", agent="Nora")
    said = await talk.say("my zip broke")
    assert [(r["text"], r["custom"]["sender"]) for r in said] == [("Hi, Nora here. What happened?", "agent")]
    await talk.act("reply", text="A new one is on its way.", agent="Nora")
    await talk.act("handback")
    said = await talk.say("great. do you have bike lights?")
    assert [r["custom"].get("sender", "assistant") for r in said][:2] == ["agent", "assistant"]
    assert "light" in talk.text.lower()
    assert (await talk.get("/api/v1/handoffs"))["handoffs"] == []


async def test_the_bot_says_it_only_when_it_is_so(talk: Talk) -> None:
    await talk.say("agent!!!")
    assert (await talk.tracker()).mode is Mode.QUEUED
    assert await talk.say("?") == ()


async def test_no_handoff_without_being_asked(signed_in: SignIn, books: Books) -> None:
    talk = signed_in(books.owner(books.first(PENDING, books.alone)))
    for text in ("do you have tents", "whats the capital of france", "cancel my order"):
        await talk.say(text)
        assert (await talk.tracker()).mode is Mode.BOT
        assert "utter_handoff" not in talk.responses


async def test_nothing_is_written_while_a_person_holds_it(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = web(books.owner(order))
    await talk.say(f"cancel {order.number}, no longer needed")
    assert talk.asked == "confirmation"
    await talk.say("wait. i want to talk to a person")
    await talk.act("reply", text="Yes?", agent="Nora")
    await talk.say("yes")
    assert (await talk.order(order.number))["status"] == "pending"


async def test_the_request_goes_on_after_the_person(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk = web(books.owner(order))
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("let me talk to a human first")
    await talk.act("reply", text="It is safe to cancel.", agent="Nora")
    await talk.act("handback")
    await talk.say(f"ok then cancel {order.number}, i dont need it any more")
    if talk.asked == "confirmation":
        await talk.say("yes")
    assert (await talk.order(order.number))["status"] == "cancelled"


async def test_closing_leaves_nothing_open(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = web(books.owner(order))
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("human please")
    await talk.act("reply", text="I changed it for you.", agent="Nora")
    await talk.act("close")
    await talk.say("yes")
    assert (await talk.order(order.number))["status"] == "pending"
    assert (await talk.tracker())["stack"] == []


async def test_nobody_came(talk: Talk, clock: FakeClock, books: Books) -> None:
    await talk.say("i want to speak to someone")
    clock.time += talk.shop.settings.timeouts.handoff_s - 5
    assert await talk.say("still waiting") == ()
    clock.time += 10
    await talk.say("do you have sleeping bags?")
    assert "utter_handoff_timeout" in talk.responses
    assert talk.products
    assert (await talk.tracker()).mode is Mode.BOT


async def test_nobody_came_and_the_customer_is_told_unasked(web: Begin, talk: Talk, clock: FakeClock) -> None:
    """Swept in the background: the news waits in the conversation for a client that comes back."""
    client = web()
    await client.say("person please")
    clock.time += talk.shop.settings.timeouts.handoff_s + 1
    assert await talk.shop.handoffs.expire() == 1
    said = await client.say("hello?")
    assert any("utter_handoff_timeout" in r["custom"].get("responses", ()) for r in said)


async def test_an_agent_who_fell_silent(web: Begin, clock: FakeClock, talk: Talk) -> None:
    client = web()
    await client.say("operator")
    await client.act("reply", text="One moment.", agent="Nora")
    clock.time += talk.shop.settings.timeouts.agent_idle_s + 1
    said = await client.say("are you still there? do you sell bike lights")
    assert "light" in said[-1]["text"].lower()


async def test_nobody_can_reply_uninvited(web: Begin) -> None:
    talk = web()
    await talk.say("hi")
    await talk.act("reply", 409, text="Buy now!", agent="Nora")


async def test_a_summary_for_the_person(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = web(books.owner(order))
    await talk.say(f"cancel {order.number}, ordered by mistake")
    await talk.say("yes")
    await talk.say("and now i want to talk to somebody about a job")
    await talk.say("a person please")
    waiting = (await talk.get("/api/v1/handoffs"))["handoffs"][0]
    assert books.owner(order).id in str(waiting) and order.number in str(waiting["summary"])
    assert (await talk.order(order.number))["status"] == OrderStatus.CANCELLED == CANCELLED
