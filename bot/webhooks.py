"""Outgoing webhooks (Standard Webhooks): order writes, handoffs and cases, announced to the shop's backend.

An announcement is stored before it is sent, so it outlives a restart; it is sent at least once, under an id that stays
the same, in no promised order. Who announces what is the caller's matter.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import aiohttp
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.config import WebhookSettings
from bot.observer import Spans
from bot.ports import Clock
from bot.stores.schema import webhook_outbox as outbox
from knowledge.errors import ConfigError

RETRY_AFTER_S = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)     # then it is given up
BATCH = 20
POLL_S = 2.0
LEASE_S = 60.0                             # nobody else tries an announcement that one process is sending
PREFIX = "whsec_"
log = logging.getLogger("shopclerk.webhooks")


def signing_key(settings: WebhookSettings) -> bytes:
    """The bytes of the secret. Raises ConfigError when it is missing or not in Standard Webhooks' form."""
    text = settings.secret.get_secret_value() if settings.secret else ""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ConfigError(f"setting 'webhook.secret': write '{PREFIX}' and 24 to 64 random bytes in base64")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: str) -> str:
    """The `webhook-signature` header."""
    mac = hmac.digest(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256)
    return "v1," + base64.b64encode(mac).decode()


class WebhookOutbox:
    """Stores announcements and sends them. `run` is a task of the process's owner; several processes may run it."""

    def __init__(self, engine: AsyncEngine, settings: WebhookSettings, clock: Clock,
                 spans: Spans | None = None) -> None:
        if not settings.url.startswith(("http://", "https://")):
            raise ConfigError("setting 'webhook.url': write an address that begins with https://")
        self._engine, self._settings, self._clock, self._key = engine, settings, clock, signing_key(settings)
        self._spans = spans
        self._news = asyncio.Event()

    async def announce(self, kind: str, data: Mapping[str, Any], key: str) -> bool:
        """Store what happened for sending, once per `key`; False when it was announced before."""
        now = self._clock.now()
        at = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
        body = json.dumps({"type": kind, "timestamp": at, "data": data}, separators=(",", ":"))
        row = {"id": "msg_" + hashlib.sha256(key.encode()).hexdigest()[:32], "body": body, "created_at": now,
               "attempts": 0, "next_at": now, "state": "waiting", "last_error": ""}
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(outbox).values(row))
        except IntegrityError:
            return False
        self._news.set()
        return True

    async def run(self) -> None:
        """Send what is due, for ever."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._news.clear()
                try:
                    busy = await self.send_due(session)
                except Exception:           # a database that is away for a while must not end the sending for good
                    log.exception("webhooks could not be sent")
                    busy = 0
                if not busy:
                    await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._news.wait()
        except TimeoutError:
            pass

    async def send_due(self, session: aiohttp.ClientSession) -> int:
        """One round; how many were tried."""
        due = (outbox.c.state == "waiting") & (outbox.c.next_at <= self._clock.now())
        query = select(outbox.c.id, outbox.c.body, outbox.c.attempts, outbox.c.next_at).where(due)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(outbox.c.next_at).limit(BATCH))).all()
        taken = [row for row in rows if await self._take(row.id, row.next_at)]
        await asyncio.gather(*(self._deliver(session, row.id, row.body, row.attempts + 1) for row in taken))
        return len(taken)

    async def _take(self, message_id: str, next_at: float) -> bool:
        """False when another process is sending it already."""
        free = (outbox.c.id == message_id) & (outbox.c.next_at == next_at) & (outbox.c.state == "waiting")
        lease = self._clock.now() + max(LEASE_S, 2 * self._settings.timeout_s)
        return await self._write(free, next_at=lease) == 1

    async def _deliver(self, session: aiohttp.ClientSession, message_id: str, body: str, attempt: int) -> None:
        with self._spans.span("webhook") if self._spans else nullcontext():
            error = await self._post(session, message_id, body)
        values: dict[str, Any] = {"attempts": attempt, "last_error": error[:500], "state": "delivered"}
        if error and attempt > len(RETRY_AFTER_S):
            values["state"] = "given_up"
            log.error("webhook %s given up after %d attempts: %s", message_id, attempt, error)
        elif error:
            wait = RETRY_AFTER_S[attempt - 1]
            values |= {"state": "waiting", "next_at": self._clock.now() + wait}
            log.warning("webhook %s not taken (%s), again in %d s", message_id, error, wait)
        await self._write(outbox.c.id == message_id, **values)

    async def _post(self, session: aiohttp.ClientSession, message_id: str, body: str) -> str:
        """"" when the shop took it, else why not."""
        timestamp = int(self._clock.now())
        headers = {"Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(timestamp),
                   "webhook-signature": sign(self._key, message_id, timestamp, body)}
        if self._spans:
            self._spans.carry(headers)
        try:
            async with session.post(self._settings.url, data=body, headers=headers, allow_redirects=False) as answer:
                return "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"{type(error).__name__}: {error}"

    async def _write(self, which: Any, **values: Any) -> int:
        async with self._engine.begin() as connection:
            return (await connection.execute(update(outbox).where(which).values(**values))).rowcount
