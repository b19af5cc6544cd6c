"""What happened in the shop reaches the webhook's outbox: once, in the shop's words, from the day it is asked for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.announcements import Announcements
from bot.config import WebhookSettings
from bot.domain.message import InboundMessage
from bot.stores import database
from bot.stores.schema import cases, webhook_outbox
from bot.webhooks import WebhookOutbox
from knowledge.db import async_url
from knowledge.orders.outbox import MemoryOrderEvents
from tests.fakes import FakeShop

SETTINGS = WebhookSettings(url="https://shop.example/hook", secret=SecretStr("whsec_" + "a" * 40))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = database.open_engine(async_url(f"sqlite:///{tmp_path}/shop.db"))
    await database.upgrade(opened)
    yield opened
    await opened.dispose()


def following(engine: AsyncEngine, events: MemoryOrderEvents, shop: FakeShop) -> Announcements:
    return Announcements(engine, events, shop.handoffs, WebhookOutbox(engine, SETTINGS, shop.clock), shop.clock)


async def announced(engine: AsyncEngine) -> list[tuple[str, Any]]:
    async with engine.connect() as connection:
        bodies = (await connection.execute(select(webhook_outbox.c.body))).scalars().all()
    return sorted((body["type"], body["data"]) for body in map(json.loads, bodies))


def case(number: str, at: float) -> dict[str, Any]:
    return {"number": number, "conversation_id": "c", "customer_id": "C7", "kind": "damaged", "facts": "broken",
            "remedy": "refund", "order_number": "#W1", "opened_at": at, "due_at": at + 172800, "status": "open"}


async def test_order_writes_are_announced_once_and_after_a_restart(engine: AsyncEngine) -> None:
    events, shop = MemoryOrderEvents(), FakeShop()
    await events.record("order.cancelled", {"number": "#W0"}, "op0")
    first = following(engine, events, shop)
    await first.begin()
    await events.record("order.cancelled", {"number": "#W1"}, "op1")
    await first.once()
    await events.record("order.items_changed", {"number": "#W2"}, "op2")
    second = following(engine, events, shop)
    await second.begin()
    await second.once()
    await first.once()
    assert await announced(engine) == [
        ("order.cancelled", {"number": "#W1"}), ("order.items_changed", {"number": "#W2"})]


async def test_handoffs_and_cases_are_announced_from_now_on(engine: AsyncEngine) -> None:
    shop = FakeShop()
    async with engine.begin() as connection:
        await connection.execute(insert(cases).values(case("K0", shop.clock.now() - 10)))
    await shop.inbox.receive(InboundMessage("early", "human"))
    shop.clock.time += 5
    follower = following(engine, MemoryOrderEvents(), shop)
    await follower.begin()
    shop.clock.time += 1
    await shop.inbox.receive(InboundMessage("late", "human"))
    async with engine.begin() as connection:
        await connection.execute(insert(cases).values(case("K1", shop.clock.now())))
    for _ in range(2):
        await follower.once()
    (opened, one), (requested, two) = await announced(engine)
    assert (opened, one["number"], one["opened_at"]) == ("case.opened", "K1", "2023-11-14T22:13:26Z")
    assert (requested, two["conversation_id"], two["reason"]) == ("handoff.requested", "late", "customer_asked")
