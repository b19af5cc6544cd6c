"""Replies that come while they are written, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.books import CANCELLED, PENDING, Books
from tests.scenarios.web import Web

Begin = Callable[..., Web]


@pytest.mark.xfail(strict=True, reason="the price of express shipping is wanted; who asks is asked first")
async def test_deltas_and_then_the_message(web: Begin) -> None:
    lines = await web().stream("how much is express shipping in the US?")
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "delta" and kinds[-1] == "message"
    assert kinds == sorted(kinds), "deltas first"
    written = "".join(line["delta"] for line in lines if line["type"] == "delta")
    final = "".join(line["text"] for line in lines if line["type"] == "message")
    assert "14.90" in written and "14.90" in final


async def test_a_card_and_its_yes_in_streams(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = web(books.owner(order))
    lines = await talk.stream(f"cancel {order.number}, no longer needed")
    cards = [c for line in lines for c in line.get("custom", {}).get("cards", ())]
    assert [c["kind"] for c in cards] == ["confirmation"]
    await talk.stream("yes")
    assert (await talk.order(order.number))["status"] == CANCELLED


async def test_nothing_is_streamed_while_a_person_holds_it(web: Begin) -> None:
    talk = web()
    await talk.stream("a human please")
    assert await talk.stream("hello?") == []
