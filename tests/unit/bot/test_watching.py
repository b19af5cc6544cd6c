"""Around every request: ids, problem documents, access lines, metrics; and keys' own limit."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.app import create_app
from bot.channels import body
from bot.config import BotSettings, LimitSettings
from bot.logs import JsonLines
from tests.fakes import FakeShop

HOOK = "/webhooks/rest/webhook"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    settings = BotSettings(limits=LimitSettings(key_per_minute=3, conversation_per_minute=4))
    async with TestClient(TestServer(create_app(FakeShop(settings, one=("orders",), two=("orders",))))) as opened:
        yield opened


async def said(client: Client, headers: dict[str, str] | None = None, message: str = "hi") -> Any:
    return await client.post(HOOK, json={"sender": "u1", "message": message}, headers=headers)


# --- request ids ------------------------------------------------------------------------------------------------------

async def test_a_request_gets_an_id_and_a_good_one_is_kept(client: Client) -> None:
    first, second = await said(client), await said(client)
    assert len({first.headers["X-Request-Id"], second.headers["X-Request-Id"]}) == 2
    assert (await said(client, {"X-Request-Id": "shop-7/a.b"})).headers["X-Request-Id"] == "shop-7/a.b"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é", '"><script>', "a{b}"])
async def test_a_bad_id_is_replaced(client: Client, given: str) -> None:
    kept = (await said(client, {"X-Request-Id": given})).headers["X-Request-Id"]
    assert kept != given and len(kept) == 32


async def test_streams_and_problems_carry_the_id_too(client: Client) -> None:
    stream = await client.post(f"{HOOK}?stream=true", json={"sender": "u1", "message": "crash"},
                               headers={"X-Request-Id": "r1"})
    line = json.loads(await stream.text())
    assert stream.headers["X-Request-Id"] == "r1" == line["request_id"]
    problem = await (await client.get("/nowhere", headers={"X-Request-Id": "r2"})).json()
    assert problem["request_id"] == "r2"


# --- problem documents ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("method", "path", "headers", "sent", "status"), [
    ("GET", "/nowhere", {}, None, 404), ("DELETE", HOOK, {}, None, 405), ("GET", HOOK, {}, None, 405),
    ("POST", HOOK, {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
    ("POST", HOOK, {"Content-Type": "application/xml"}, b"<a/>", 415),
    ("POST", HOOK, {}, b'{"sender":"u1","message":"' + b"x" * 1_100_000 + b'"}', 413),
    ("GET", "/api/v1/orders/W1", {}, None, 401), ("GET", "/api/v1/orders/W1", {"X-API-Key": "one"}, None, 404)])
async def test_every_error_is_a_problem_document(
        client: Client, method: str, path: str, headers: dict[str, str], sent: bytes | None, status: int) -> None:
    data = io.BytesIO(sent) if sent is not None else None
    async with client.request(method, path, headers=headers, data=data) as response:
        problem = await response.json()
        assert (response.status, response.content_type) == (status, "application/problem+json")
        assert problem["status"] == status and problem["type"] and problem["title"] and problem["detail"]
        assert ("Allow" in response.headers) == (status == 405)
        assert ("WWW-Authenticate" in response.headers) == (status == 401)


async def test_several_mistakes_are_all_told_with_their_fields(client: Client) -> None:
    wrong = {"message": ["x"], "metadata": {"locale": "x" * 36}}
    problem = await (await client.post(HOOK, json=wrong)).json()
    assert problem["type"] == "urn:problem-type:shopclerk:invalid-field"
    assert {e["field"] for e in problem["errors"]} == {"sender", "message", "metadata.locale"}
    assert problem["field"] == problem["errors"][0]["field"]


async def test_what_was_sent_is_not_in_the_answer(client: Client) -> None:
    answer = await client.post(HOOK, json={"sender": {"secret": "ana@example.com"}, "message": "hi"})
    assert answer.status == 422 and "ana@" not in await answer.text()


async def test_a_body_that_never_comes_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "READ_S", 0.05)
    assert client.server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    writer.write(b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 408 " in head.splitlines()[0] and b"application/problem+json" in head
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain",
                                  "application/cloudevents+json", ""])
async def test_json_under_the_names_callers_give_it_is_read(client: Client, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    raw = io.BytesIO(b'{"sender":"u1","message":"hi"}')
    assert (await client.post(HOOK, data=raw, headers=headers)).status == 200


# --- limits -----------------------------------------------------------------------------------------------------------

async def test_a_key_may_ask_so_often_and_another_is_not_held_up(client: Client) -> None:
    answers = [await client.get("/api/v1/orders/W1", headers={"X-API-Key": "one"}) for _ in range(4)]
    assert [a.status for a in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert (await answers[-1].json())["type"].endswith(":rate-limited")
    assert (await client.get("/api/v1/orders/W1", headers={"X-API-Key": "two"})).status == 404


# --- the log and the metrics ------------------------------------------------------------------------------------------

async def test_the_access_line_names_the_route_and_the_key_but_not_the_path(
        client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "shopclerk.access"):
        await client.get("/api/v1/orders/W5918442", headers={"X-API-Key": "one", "X-Request-Id": "r9"})
        await client.get("/healthz")
    assert len(caplog.records) == 1, "nobody wants to read probes"
    line = json.loads(JsonLines().format(caplog.records[0]))
    assert (line["route"], line["status"], line["key"]) == ("/api/v1/orders/{number}", 404, "one")
    assert "W5918442" not in json.dumps(line)


async def test_requests_turns_and_stages_are_counted(client: Client) -> None:
    await said(client)
    await client.get("/nowhere")
    text = await (await client.get("/metrics")).text()
    for line in ('shopclerk_turns_total{channel="rest",outcome="answered"} 1.0',
                 'shopclerk_turn_seconds_bucket{channel="rest",le="+Inf"} 1.0',
                 'shopclerk_http_requests_total{route="/webhooks/rest/webhook",status="200"} 1.0',
                 'shopclerk_http_requests_total{route="none",status="404"} 1.0',
                 'shopclerk_rungs_total{rung="embedded",stage="understand"} 0.0',
                 'shopclerk_gate_drops_total{reason="value"} 0.0',
                 'shopclerk_queue_length{queue="turns"} 0.0'):
        assert line in text


async def test_two_applications_count_for_themselves(client: Client) -> None:
    await said(client)
    async with TestClient(TestServer(create_app(FakeShop()))) as other:
        assert 'channel="rest"' not in await (await other.get("/metrics")).text()
