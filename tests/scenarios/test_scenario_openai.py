"""The shop's assistant as an OpenAI model: the official client, the real application, real orders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import openai
import pytest_asyncio

from tests.scenarios.books import CANCELLED, PENDING, Books
from tests.scenarios.conftest import TOKEN_KEY
from tests.scenarios.web import Web, signed

Begin = Callable[..., Web]


@pytest_asyncio.fixture(loop_scope="session")
async def model(web: Begin) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=str(web().client.make_url("/v1")), api_key="x", max_retries=0) as client:
        yield client


async def said(model: openai.AsyncOpenAI, text: str, user: str = "agent-1", **headers: str) -> str:
    answer = await model.chat.completions.create(
        model="shopclerk", messages=[{"role": "user", "content": text}], user=user, extra_headers=headers)
    return answer.choices[0].message.content or ""


async def test_products_are_told_in_words_and_as_cards(model: openai.AsyncOpenAI, books: Books) -> None:
    answer = await model.chat.completions.create(
        model="shopclerk", messages=[{"role": "user", "content": "tents for two under $400"}])
    extra = (answer.model_extra or {})["shopclerk"]["messages"]
    cards = [c for m in extra for c in m.get("custom", {}).get("cards", ()) if c["kind"] == "product"]
    assert cards and all(c["data"]["id"] in books.products for c in cards)
    text = answer.choices[0].message.content or ""
    assert all(books.products[c["data"]["id"]].title in text for c in cards)


async def test_a_signed_in_customer_cancels_after_a_yes(model: openai.AsyncOpenAI, books: Books, web: Begin) -> None:
    order = books.first(PENDING, books.alone)
    token = {"X-Customer-Token": signed(order.customer_id, TOKEN_KEY)}
    asked = await said(model, f"cancel {order.number}, no longer needed", **token)
    assert order.number in asked and "[Yes" in asked
    assert (await web().order(order.number))["status"] == PENDING
    await said(model, "yes", **token)
    assert (await web().order(order.number))["status"] == CANCELLED


async def test_the_words_of_a_stream_are_the_words_of_the_answer(model: openai.AsyncOpenAI) -> None:
    question = [{"role": "user", "content": "what does express shipping cost?"}]
    whole = await model.chat.completions.create(model="m", messages=question)       # type: ignore[call-overload]
    stream = await model.chat.completions.create(model="m", messages=question, stream=True)  # type: ignore[call-overload]
    chunks = [chunk async for chunk in stream]
    written = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert written == whole.choices[0].message.content and "[1]" in written
