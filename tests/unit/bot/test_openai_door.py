"""OpenAI's official client against the application: whole, streamed, sync, async, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import create_app
from bot.channels.openai import as_text
from bot.config import BotSettings, CustomerTokenSettings, LimitSettings, OpenAiSettings
from bot.domain.message import Button, Card, OutboundMessage, Source
from tests.fakes import FakeShop
from tests.scenarios.web import signed

HELLO: Any = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello there"}]
HEARD = "heard: hello there\n\n[Yes]"


@pytest.fixture
async def shop() -> FakeShop:
    return FakeShop(BotSettings(customer_token=CustomerTokenSettings(key="shared")), sck_chat=("chat",), sck_other=())


@pytest.fixture
async def url(shop: FakeShop) -> AsyncIterator[str]:
    async with TestServer(create_app(shop)) as server:
        yield str(server.make_url("/v1"))


def client(url: str, key: str = "any word") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0)


async def complete(url: str, key: str = "any word", messages: Any = HELLO, **more: Any) -> Any:
    async with client(url, key) as asking:
        return await asking.chat.completions.create(model="shopclerk", messages=messages, **more)


async def test_a_whole_answer(url: str) -> None:
    answer = await complete(url, user="u1")
    assert answer.choices[0].message.content == HEARD
    assert (answer.choices[0].finish_reason, answer.object, answer.model) == ("stop", "chat.completion", "shopclerk")
    assert answer.id.startswith("chatcmpl-")
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 7, 10)
    extra = answer.model_extra["shopclerk"]
    assert extra["conversation_id"] == "u1" and extra["messages"][0]["buttons"][0]["payload"] == "/affirm"


def test_the_synchronous_client_streams_the_same_words(shop: FakeShop) -> None:
    async def run() -> list[Any]:
        async with TestServer(create_app(shop)) as server:
            return await asyncio.to_thread(ask, str(server.make_url("/v1")))

    def ask(url: str) -> list[Any]:
        with openai.OpenAI(base_url=url, api_key="x", max_retries=0) as asking:
            return list(asking.chat.completions.create(
                model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}))

    chunks = asyncio.run(run())
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == HEARD
    assert len([c for c in chunks if c.choices and c.choices[0].delta.content]) > 2, "in pieces"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 10 and not chunks[-1].choices
    assert len({c.id for c in chunks}) == 1


async def test_user_names_the_conversation_and_without_it_each_call_is_its_own(url: str, shop: FakeShop) -> None:
    for _ in range(2):
        await complete(url, user="u1")
    first, second = await complete(url), await complete(url)
    tracker = await shop.store.load("u1")
    assert tracker is not None and tracker.turns == 2
    assert first.model_extra["shopclerk"]["conversation_id"] != second.model_extra["shopclerk"]["conversation_id"]


@pytest.mark.parametrize("user", [{}, {"user": "u1"}])
async def test_an_idempotency_key_makes_a_repeated_call_safe(url: str, shop: FakeShop, user: dict[str, str]) -> None:
    answers = [await complete(url, extra_headers={"Idempotency-Key": "k1"}, **user) for _ in range(2)]
    names = {a.model_extra["shopclerk"]["conversation_id"] for a in answers}
    assert len(names) == 1
    tracker = await shop.store.load(names.pop())
    assert tracker is not None and tracker.turns == 1
    assert answers[0].choices == answers[1].choices


async def test_the_last_message_of_the_user_is_the_turn(url: str) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {"url": "data:,"}},
             {"type": "text", "text": "two"}]
    said: Any = [{"role": "user", "content": "before"}, {"role": "user", "content": parts},
                 {"role": "assistant", "content": "…"}]
    assert (await complete(url, messages=said)).choices[0].message.content.startswith("heard: one\ntwo")
    button = await complete(url, messages=[{"role": "user", "content": "/affirm"}])
    assert button.choices[0].message.content.startswith("heard: payload /affirm")


async def test_a_customer_is_signed_in_by_a_header_and_a_forged_one_is_not(url: str) -> None:
    good = await complete(url, extra_headers={"X-Customer-Token": signed("C7", "shared")})
    assert "(C7)" in good.choices[0].message.content
    with pytest.raises(openai.AuthenticationError) as refused:
        await complete(url, extra_headers={"X-Customer-Token": "C7." + "0" * 64})
    assert refused.value.body["param"] == "X-Customer-Token"


@pytest.mark.parametrize(("messages", "param"), [
    ([], "messages"), ([{"role": "system", "content": "x"}], "messages"),
    ([{"role": "user", "content": "x" * 4001}], "messages.0.content"), ([{"role": "user", "content": 7}], None)])
async def test_errors_have_openais_shape(url: str, messages: Any, param: str | None) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await complete(url, messages=messages)
    error: Any = refused.value.body
    assert error["type"] == "invalid_request_error" and error["message"]
    assert (error["param"] or "").startswith(param or "messages.0.content")


async def test_nothing_here_is_said_in_openais_shape_too(url: str) -> None:
    async with client(url) as asking:
        with pytest.raises(openai.NotFoundError) as missing:
            await asking.models.retrieve("gpt-4o")
        assert missing.value.body["type"] == "not_found_error"
        assert [m.id async for m in asking.models.list()] == ["shopclerk"]
        assert (await asking.models.retrieve("shopclerk")).owned_by == "shopclerk"
        with pytest.raises(openai.NotFoundError):
            await asking.embeddings.create(model="x", input="y")


async def test_a_failure_inside_a_stream_reaches_the_client_as_an_error(url: str) -> None:
    async with client(url) as asking:
        stream = await asking.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "crash"}], stream=True)
        with pytest.raises(openai.APIError, match="something went wrong on our side"):
            async for _ in stream:
                pass
    with pytest.raises(openai.InternalServerError):
        await complete(url, messages=[{"role": "user", "content": "crash"}])


async def test_too_many_calls_must_wait() -> None:
    shop = FakeShop(BotSettings(limits=LimitSettings(conversation_per_minute=1)))
    async with TestServer(create_app(shop)) as server:
        url = str(server.make_url("/v1"))
        await complete(url, user="busy")
        with pytest.raises(openai.RateLimitError) as refused:
            await complete(url, user="busy")
        assert int(refused.value.response.headers["retry-after"]) >= 1
        assert (await complete(url, user="another")).choices


async def test_an_open_door_takes_any_word_but_no_key_without_its_scope(url: str) -> None:
    assert (await complete(url, key="sck_chat")).choices
    with pytest.raises(openai.PermissionDeniedError):
        await complete(url, key="sck_other")
    with pytest.raises(openai.AuthenticationError):
        await complete(url, key="sck_unknown")


async def test_a_shop_that_wants_keys_lets_nobody_else_in() -> None:
    shop = FakeShop(BotSettings(openai=OpenAiSettings(key_required=True)), sck_chat=("chat",), sck_other=())
    async with TestServer(create_app(shop)) as server:
        url = str(server.make_url("/v1"))
        assert (await complete(url, key="sck_chat")).choices
        with pytest.raises(openai.PermissionDeniedError):
            await complete(url, key="sck_other")
        with pytest.raises(openai.AuthenticationError):
            await complete(url, key="any word")


async def test_while_a_person_holds_the_conversation_the_answer_is_empty(url: str) -> None:
    await complete(url, messages=[{"role": "user", "content": "human"}], user="u1")
    answer = await complete(url, user="u1")
    assert answer.choices[0].message.content == "" and answer.model_extra["shopclerk"]["messages"] == []


def test_what_a_text_cannot_show_stands_below_it() -> None:
    replies = [OutboundMessage("Two fit. [1]", cards=(Card("product", "Trail Runner 3"), Card("product", "Two fit.")),
                               sources=(Source(1, "d1", "Sizes", "document", url="https://shop.example/sizes"),)),
               OutboundMessage("Shall I?", buttons=(Button("Yes", "/affirm"), Button("No", "/deny")))]
    assert as_text(replies) == ("Two fit. [1]\n\nShall I?\n\n- Trail Runner 3\n[1] Sizes https://shop.example/sizes\n"
                                "[Yes] · [No]")


async def test_the_stream_is_server_sent_events_that_end_with_done(shop: FakeShop) -> None:
    async with TestServer(create_app(shop)) as server:
        import aiohttp

        body = {"model": "m", "messages": HELLO, "stream": True}
        async with aiohttp.ClientSession() as session, session.post(
                server.make_url("/v1/chat/completions"), json=body) as answer:
            assert answer.content_type == "text/event-stream"
            events = (await answer.text()).split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""] and all(e.startswith("data: ") for e in events[:-1])
    assert all(json.loads(e[6:])["object"] == "chat.completion.chunk" for e in events[:-2])
    assert isinstance(server.app, web.Application)
