"""Outgoing webhooks, received by a real server: signed, sent again until taken, never lost."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.config import WebhookSettings
from bot.stores import database
from bot.stores.schema import webhook_outbox
from bot.webhooks import RETRY_AFTER_S, WebhookOutbox, sign, signing_key
from knowledge.db import async_url
from knowledge.errors import ConfigError
from tests.fakes import FakeClock

KEY = b"k" * 32
SECRET = SecretStr("whsec_" + base64.b64encode(KEY).decode())


@dataclass
class Backend:
    """The shop's side: says yes unless `status` says otherwise, and keeps what it took."""

    status: int = 204
    taken: list[tuple[dict[str, str], str]] = field(default_factory=list)
    url: str = ""
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.called.set()
        self.taken.append(({k.lower(): v for k, v in request.headers.items()}, await request.text()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    backend, app = Backend(), web.Application()
    app.router.add_post("/hook", backend.take)
    async with TestServer(app) as server:
        backend.url = str(server.make_url("/hook"))
        yield backend


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = database.open_engine(async_url(f"sqlite:///{tmp_path}/shop.db"))
    await database.upgrade(opened)
    yield opened
    await opened.dispose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def outbox_of(engine: AsyncEngine, url: str, clock: FakeClock) -> WebhookOutbox:
    return WebhookOutbox(engine, WebhookSettings(url=url, secret=SECRET, timeout_s=1), clock)


async def state(engine: AsyncEngine) -> list[tuple[str, int]]:
    async with engine.connect() as connection:
        rows = (await connection.execute(select(webhook_outbox.c.state, webhook_outbox.c.attempts))).all()
    return [(row.state, row.attempts) for row in rows]


async def test_an_announcement_is_signed_as_standard_webhooks_says(
        engine: AsyncEngine, backend: Backend, clock: FakeClock) -> None:
    outbox = outbox_of(engine, backend.url, clock)
    await outbox.announce("order.updated", {"number": "#W1"}, "op1")
    async with aiohttp.ClientSession() as session:
        assert await outbox.send_due(session) == 1
        assert await outbox.send_due(session) == 0
    (headers, body), = backend.taken
    assert json.loads(body) == {"type": "order.updated", "timestamp": "2023-11-14T22:13:20Z", "data": {"number": "#W1"}}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    expected = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}" and headers["webhook-timestamp"] == "1700000000"
    assert await state(engine) == [("delivered", 1)]


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_what_is_not_taken_is_sent_again_under_the_same_id(
        engine: AsyncEngine, backend: Backend, clock: FakeClock, status: int) -> None:
    outbox = outbox_of(engine, backend.url, clock)
    backend.status = status
    await outbox.announce("case.opened", {}, "K1")
    async with aiohttp.ClientSession() as session:
        assert [await outbox.send_due(session), await outbox.send_due(session)] == [1, 0]
        backend.status, clock.time = 200, clock.time + RETRY_AFTER_S[0]
        assert await outbox.send_due(session) == 1
    assert len({headers["webhook-id"] for headers, _ in backend.taken}) == 1
    assert await state(engine) == [("delivered", 2)]


async def test_a_backend_that_is_away_is_given_up_after_the_last_attempt(engine: AsyncEngine, clock: FakeClock) -> None:
    outbox = outbox_of(engine, "http://127.0.0.1:9/hook", clock)
    await outbox.announce("handoff.requested", {}, "h1")
    async with aiohttp.ClientSession() as session:
        for wait in (*RETRY_AFTER_S, 1e9):
            assert await outbox.send_due(session) == 1
            clock.time += wait
        assert await outbox.send_due(session) == 0
    assert await state(engine) == [("given_up", len(RETRY_AFTER_S) + 1)]


async def test_two_processes_do_not_send_the_same_twice(
        engine: AsyncEngine, backend: Backend, clock: FakeClock) -> None:
    one, two = outbox_of(engine, backend.url, clock), outbox_of(engine, backend.url, clock)
    for n in range(5):
        await one.announce("order.updated", {"n": n}, str(n))
    async with aiohttp.ClientSession() as session:
        assert sum(await asyncio.gather(one.send_due(session), two.send_due(session))) == 5
    assert len(backend.taken) == 5


async def test_the_sender_wakes_up_for_news(engine: AsyncEngine, backend: Backend, clock: FakeClock) -> None:
    outbox = outbox_of(engine, backend.url, clock)
    task = asyncio.create_task(outbox.run())
    await outbox.announce("order.updated", {}, "op1")
    async with asyncio.timeout(2):
        await backend.called.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_happened_once_is_announced_once(engine: AsyncEngine, clock: FakeClock) -> None:
    outbox = outbox_of(engine, "https://shop.example/hook", clock)
    assert [await outbox.announce("case.opened", {}, key) for key in ("K1", "K1", "K2")] == [True, False, True]
    assert await state(engine) == [("waiting", 0)] * 2


@pytest.mark.parametrize(("url", "secret", "named"), [
    ("https://shop.example", None, "webhook.secret"), ("https://shop.example", "short", "webhook.secret"),
    ("https://shop.example", "whsec_c2hvcnQ=", "webhook.secret"), ("ftp://shop.example", SECRET, "webhook.url")])
async def test_a_wrong_setting_is_named(
        engine: AsyncEngine, clock: FakeClock, url: str, secret: str | SecretStr | None, named: str) -> None:
    settings = WebhookSettings(url=url, secret=SecretStr(secret) if isinstance(secret, str) else secret)
    with pytest.raises(ConfigError, match=named):
        WebhookOutbox(engine, settings, clock)


def test_the_signature_is_the_one_of_the_specifications_example():
    settings = WebhookSettings(secret=SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    signature = sign(signing_key(settings), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
