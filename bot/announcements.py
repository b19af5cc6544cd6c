"""Turns what happened in the shop (accepted order writes, handoffs, cases) into outgoing webhooks.

It follows what is stored anyway, so nothing is announced that was not kept, and what happened while no server ran is
announced later. A shop that names its webhook for the first time is told only of what happens from then on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.config import WebhookSettings
from bot.handoffs import Handoffs
from bot.observer import Spans
from bot.ports import Clock
from bot.stores.schema import cases, webhook_cursors
from bot.webhooks import WebhookOutbox
from knowledge.orders.outbox import OrderEvents

EVERY_S = 1.0
OVERLAP_S = 60.0                           # cases are read again so far back: clocks of processes differ
PAGE = 100
log = logging.getLogger("shopclerk.announcements")


class Announcements:
    """One feed per kind of thing; each remembers how far it got, and announcing twice is harmless."""

    def __init__(self, engine: AsyncEngine, events: OrderEvents, handoffs: Handoffs, outbox: WebhookOutbox,
                 clock: Clock) -> None:
        self._engine, self._events, self._handoffs, self._outbox = engine, events, handoffs, outbox
        self._clock = clock
        self._feeds = (self._orders, self._cases, self._handed_over)

    async def begin(self) -> None:
        """Feeds never followed before start at what happens from now on."""
        if await self._position("orders") is None:
            await self._begin_at("orders", await self._last_order_event())
        for feed in ("cases", "handoffs"):
            if await self._position(feed) is None:
                await self._begin_at(feed, self._clock.now())

    async def follow(self) -> None:
        """Announce what is new, for ever."""
        while True:
            for feed in self._feeds:
                await _tolerant(feed)
            await asyncio.sleep(EVERY_S)

    async def once(self) -> None:
        """One round over all feeds."""
        for feed in self._feeds:
            await feed()

    async def _orders(self) -> None:
        while found := await self._events.after(int(await self._position("orders") or 0), PAGE):
            for event in found:
                await self._outbox.announce(event.kind, dict(event.data), f"order:{event.operation_id}:{event.kind}")
            await self._move("orders", found[-1].seq)

    async def _cases(self) -> None:
        since = (await self._position("cases") or 0.0) - OVERLAP_S
        async with self._engine.connect() as connection:
            query = select(cases).where(cases.c.opened_at > since).order_by(cases.c.opened_at)
            rows = [dict(row) for row in (await connection.execute(query)).mappings()]
        begun = await self._position("cases:begun") or 0.0
        for row in rows:
            if row["opened_at"] >= begun:
                data = row | {"opened_at": _time(row["opened_at"]), "due_at": _time(row["due_at"])}
                await self._outbox.announce("case.opened", data, f"case:{row['number']}")
        if rows:
            await self._move("cases", rows[-1]["opened_at"])

    async def _handed_over(self) -> None:
        begun = await self._position("handoffs") or 0.0
        for waiting in await self._handoffs.waiting():
            tracker = waiting.tracker
            if waiting.asked_at >= begun:
                await self._outbox.announce("handoff.requested", {
                    "conversation_id": tracker.conversation_id, "reason": waiting.reason, "summary": waiting.summary,
                    "customer_id": tracker.customer_id, "channel": tracker.channel, "locale": tracker.locale,
                    "at": _time(waiting.asked_at)}, f"handoff:{tracker.conversation_id}:{waiting.asked_at}")

    async def _last_order_event(self) -> int:
        last = 0
        while page := await self._events.after(last, 1000):
            last = page[-1].seq
        return last

    async def _position(self, feed: str) -> float | None:
        query = select(webhook_cursors.c.position).where(webhook_cursors.c.feed == feed)
        async with self._engine.connect() as connection:
            position: float | None = (await connection.execute(query)).scalar_one_or_none()
        return position

    async def _begin_at(self, feed: str, position: float) -> None:
        names = [feed, f"{feed}:begun"]
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(webhook_cursors), [{"feed": n, "position": position} for n in names])
        except IntegrityError:
            log.debug("another process has begun the feed '%s'", feed)

    async def _move(self, feed: str, position: float) -> None:
        """Forwards only: another process may be further."""
        ahead = (webhook_cursors.c.feed == feed) & (webhook_cursors.c.position < position)
        async with self._engine.begin() as connection:
            await connection.execute(update(webhook_cursors).where(ahead).values(position=position))


async def _tolerant(feed: Callable[[], Awaitable[None]]) -> None:
    try:
        await feed()
    except Exception:       # a database that is away for a while must not end the announcements for good
        log.exception("nothing could be announced")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


@asynccontextmanager
async def announcing(engine: AsyncEngine, events: OrderEvents, handoffs: Handoffs, settings: WebhookSettings,
                     clock: Clock, spans: Spans | None = None) -> AsyncIterator[None]:
    """Announce as long as the context lasts, where the shop named a webhook. Raises ConfigError for a wrong one."""
    if not settings.url:
        yield
        return
    outbox = WebhookOutbox(engine, settings, clock, spans)
    announcements = Announcements(engine, events, handoffs, outbox, clock)
    await announcements.begin()
    tasks = [asyncio.create_task(outbox.run()), asyncio.create_task(announcements.follow())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
