"""The HTTP application with an echo for an assistant: routes, limits, tokens, handoffs, errors."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from bot.app import create_app
from bot.channels.services import SHOP
from bot.config import BotSettings, CustomerTokenSettings, LimitSettings, ServerSettings, TimeoutSettings
from knowledge.models import Order, OrderStatus
from tests.fakes import FakeShop

HOOK = "/webhooks/rest/webhook"
KEY = b"shared with the shop"
Client = TestClient[web.Request, web.Application]
SETTINGS = BotSettings(
    limits=LimitSettings(conversation_per_minute=5, address_per_minute=200), timeouts=TimeoutSettings(turn_s=0.2),
    customer_token=CustomerTokenSettings(key=SecretStr(KEY.decode())))


@pytest.fixture
async def shop() -> FakeShop:
    return FakeShop(SETTINGS, everything=("tracker", "orders", "handoffs"), nothing=())


@pytest.fixture
async def client(shop: FakeShop) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_app(shop))) as opened:
        yield opened


def key(name: str = "everything") -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


async def say(client: Client, message: Any, sender: Any = "u1", **metadata: Any) -> tuple[int, Any]:
    response = await client.post(HOOK, json={"sender": sender, "message": message, "metadata": metadata})
    return response.status, await response.json()


async def test_a_message_gets_rasas_answer_without_empty_keys(client: Client) -> None:
    assert await say(client, "hi") == (200, [{
        "recipient_id": "u1", "text": "heard: hi", "buttons": [{"title": "Yes", "payload": "/affirm"}],
        "custom": {"responses": ["utter_echo"], "requested_slot": "yes_no"}}])


async def test_a_pressed_button_arrives_as_a_payload(client: Client) -> None:
    _, answer = await say(client, "/affirm")
    assert answer[0]["text"] == "heard: payload /affirm"


async def test_the_same_message_id_is_one_message_per_conversation(client: Client, shop: FakeShop) -> None:
    first, again = await say(client, "a", message_id="m1"), await say(client, "changed", message_id="m1")
    other = await say(client, "b", sender="u2", message_id="m1")
    assert first == again
    assert other[1][0]["text"] == "heard: b"
    tracker = await shop.store.load("u1")
    assert tracker is not None and tracker.turns == 1


@pytest.mark.parametrize(("body", "status", "detail"), [
    (b"{", 400, "not valid JSON"), (b"\xff\xfe", 400, "not valid JSON"), (b"[" * 100_000, 400, "not valid JSON"),
    (b"[]", 422, "JSON object"), (b'{"message":"hi"}', 422, "'sender' is missing"),
    (b'{"sender":"","message":"hi"}', 422, "'sender' must not be empty"),
    (b'{"sender":"u1"}', 422, "'message' is missing"), (b'{"sender":"u1","message":["x"]}', 422, "must be a text"),
    (b'{"sender":"u1","message":"hi","metadata":[1]}', 422, "'metadata'"),
    (b'{"sender":"u1","message":"hi","metadata":{"page":{"x":NaN}}}', 400, "not valid JSON"),
    (b'{"sender":"u1","message":"hi","metadata":{"page":{"x":1e999}}}', 422, "'metadata.page' must hold no infinite"),
    (b'{"sender":"u1","message":"hi","metadata":{"page":' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}}", 422, "at most 20"),
    (b'{"sender":"u1","message":"hi","metadata":{"page":{"x":"' + b"x" * 20_000 + b'"}}}', 422, "at most 20000 bytes"),
    (json.dumps({"sender": "u1", "message": "x" * 4001}).encode(), 422, "at most 4000"),
    (json.dumps({"sender": "u1", "message": "x" * 1_100_000}).encode(), 413, "1000000"),
])
async def test_a_wrong_request_gets_a_problem_that_says_what_is_wrong(
        client: Client, body: bytes, status: int, detail: str) -> None:
    response = await client.post(HOOK, data=io.BytesIO(body))
    assert response.status == status
    assert response.content_type == "application/problem+json"
    problem = await response.json()
    assert problem["status"] == status and detail in problem["detail"]


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07\x1b[31m", "\ud83d", "😀" * 500, "مرحبا", "a\u202eb",
                                  "'; DROP TABLE x; --"])
async def test_odd_characters_are_only_characters(client: Client, shop: FakeShop, text: str) -> None:
    response = await client.post(HOOK, data=json.dumps({"sender": "u1", "message": text}))
    assert response.status == 200
    tracker = await shop.store.load("u1")
    assert tracker is not None and tracker.last_user is not None
    assert not {"\x00", "\x1b", "\ud83d"} & set(tracker.last_user.text)


async def test_an_unforeseen_error_tells_the_caller_an_id_and_nothing_else(client: Client) -> None:
    status, problem = await say(client, "crash")
    assert status == 500 and len(problem["error_id"]) == 12
    assert "inner details" not in json.dumps(problem)


async def test_a_turn_that_takes_too_long_is_apologised_for_and_ends_anyway(client: Client, shop: FakeShop) -> None:
    shop.inbox.slow_s = 0.3
    status, answer = await say(client, "slow", message_id="m1")
    assert status == 200 and answer[0]["custom"]["responses"] == ["utter_turn_timeout"]
    await asyncio.sleep(0.2)
    assert (await say(client, "slow", message_id="m1"))[1][0]["text"] == "heard: slow"


async def test_a_streamed_answer_is_deltas_and_then_the_message(client: Client) -> None:
    response = await client.post(HOOK + "?stream=true", json={"sender": "u1", "message": "one two"})
    lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert response.content_type == "application/x-ndjson"
    assert [line["type"] for line in lines] == ["delta", "delta", "delta", "message"]
    assert lines[-1]["text"] == "heard: one two"


async def test_a_client_of_rasas_shows_a_streamed_answer_once(client: Client) -> None:
    """It takes each line for a message and shows these fields, as `rasa shell` does; the rest it does not know."""
    response = await client.post(HOOK + "?stream=true", json={"sender": "u1", "message": "one two"})
    lines = [json.loads(line) async for line in response.content if line]
    shown = [{k: line[k] for k in ("text", "buttons", "image", "attachment", "elements", "quick_replies", "custom")
              if k in line} for line in lines]
    plain = await (await client.post(HOOK, json={"sender": "u2", "message": "one two"})).json()
    assert [s for s in shown if s] == [{k: v for k, v in m.items() if k != "recipient_id"} for m in plain]
    assert {line["recipient_id"] for line in lines} == {"u1"}
    assert "".join(line.get("delta", "") for line in lines) == plain[0]["text"]


async def test_an_error_in_a_stream_travels_in_the_stream(client: Client) -> None:
    response = await client.post(HOOK + "?stream=true", json={"sender": "u1", "message": "crash"})
    line = json.loads(await response.text())
    assert line["type"] == "error" and line["status"] == 500


def jwt(claims: dict[str, Any], head: dict[str, Any] | None = None, secret: bytes = KEY) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (head or {"alg": "HS256"}, claims)]
    mac = base64.urlsafe_b64encode(hmac.digest(secret, b".".join(parts), "sha256")).rstrip(b"=")
    return b".".join([*parts, mac]).decode()


GOOD = {"sub": "C7", "aud": "shopclerk", "exp": time.time() + 7200}


@pytest.mark.parametrize("token", [
    jwt(GOOD), jwt(GOOD | {"aud": ["x", "shopclerk"]}), "C7." + hmac.new(KEY, b"C7", hashlib.sha256).hexdigest()])
async def test_a_good_token_signs_the_customer_in(client: Client, token: str) -> None:
    assert (await say(client, "hi", customer_token=token))[1][0]["text"] == "heard: hi (C7)"


@pytest.mark.parametrize("token", [
    jwt(GOOD, secret=b"another"), jwt(GOOD, {"alg": "none"}), jwt(GOOD, {"alg": "HS512"}), jwt(GOOD | {"exp": 1}),
    jwt({k: v for k, v in GOOD.items() if k != "exp"}), jwt(GOOD | {"aud": "else"}), jwt(GOOD | {"exp": True}),
    jwt(GOOD | {"nbf": time.time() + 3600}), jwt({"aud": "shopclerk", "exp": GOOD["exp"]}), jwt(GOOD)[:-2], "C7",
    "C7." + "0" * 64, "a.b.c", "..", 7, "é.é.é", "x" * 5000])
async def test_a_bad_token_is_refused_and_nothing_is_heard(client: Client, shop: FakeShop, token: Any) -> None:
    status, problem = await say(client, "hi", customer_token=token)
    assert status == 401 and problem["field"] == "metadata.customer_token"
    assert await shop.store.load("u1") is None


async def test_no_token_is_believed_by_a_shop_without_a_key() -> None:
    async with TestClient(TestServer(create_app(FakeShop()))) as client:
        unkeyed = "C7." + hmac.new(b"", b"C7", hashlib.sha256).hexdigest()
        assert (await say(client, "hi", customer_token=unkeyed))[0] == 401


async def test_too_many_messages_in_a_conversation_must_wait(client: Client) -> None:
    answers = [await say(client, str(n)) for n in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    response = await client.post(HOOK, json={"sender": "u1", "message": "x"})
    assert int(response.headers["Retry-After"]) >= 1
    assert (await say(client, "hi", sender="u2"))[0] == 200


async def test_a_forged_forwarded_address_does_not_help() -> None:
    settings = BotSettings(limits=LimitSettings(address_per_minute=2))
    async with TestClient(TestServer(create_app(FakeShop(settings)))) as client:
        seen = [(await client.get("/docs", headers={"X-Forwarded-For": f"10.0.0.{n}"})).status for n in range(3)]
        assert seen == [200, 200, 429]
        assert (await client.get("/healthz")).status == 200


async def test_behind_a_trusted_proxy_its_callers_are_told_apart() -> None:
    settings = BotSettings(limits=LimitSettings(address_per_minute=1),
                           server=ServerSettings(trusted_proxies=("127.0.0.0/8",)))
    async with TestClient(TestServer(create_app(FakeShop(settings)))) as client:
        forged = [f"10.9.9.{n}, 10.0.0.1" for n in range(2)]
        assert [(await client.get("/docs", headers={"X-Forwarded-For": f})).status for f in forged] == [200, 429]
        assert (await client.get("/docs", headers={"X-Forwarded-For": "10.0.0.2"})).status == 200


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/conversations/u1/tracker"), ("GET", "/api/v1/orders/W1"), ("GET", "/api/v1/handoffs"),
    ("POST", "/api/v1/conversations/u1/reply"), ("POST", "/api/v1/conversations/u1/close"),
    ("POST", "/api/v1/conversations/u1/handback")])
async def test_the_backends_routes_need_a_key_with_their_scope(client: Client, method: str, path: str) -> None:
    async with client.request(method, path) as nobody, client.request(method, path, headers=key("nothing")) as other, \
            client.request(method, path, headers=key("unknown")) as unknown:
        assert (nobody.status, other.status, unknown.status) == (401, 403, 401)


async def test_the_tracker_is_rasas(client: Client) -> None:
    await say(client, "flow")
    response = await client.get("/conversations/u1/tracker", headers={"X-API-Key": "everything"})
    tracker = await response.json()
    assert tracker["sender_id"] == "u1"
    assert tracker["slots"] == {"requested_slot": "reason", "order_number": "#W1", "customer_id": None}
    assert tracker["active_loop"] == {"name": "cancel_order"}
    assert tracker["latest_message"]["text"] == "flow" and tracker["latest_message"]["intent"]["name"] == "echo"
    assert [e["event"] for e in tracker["events"]] == [
        "action", "session_started", "user", "bot", "flow_started", "slot", "slot"]
    short = await (await client.get("/conversations/u1/tracker?include_events=NONE", headers=key())).json()
    assert short["events"] == []
    new = await (await client.get("/conversations/never/tracker", headers=key())).json()
    assert new["sender_id"] == "never" and new["slots"]["requested_slot"] is None


async def test_an_order_is_told_in_the_native_format(client: Client, shop: FakeShop) -> None:
    await shop.book.save(Order("O1", "#W5918442", "C7", OrderStatus.PENDING, ()))
    response = await client.get("/api/v1/orders/w5918442", headers=key())
    assert (await response.json())["status"] == "pending"
    assert (await client.get("/api/v1/orders/W1", headers=key())).status == 404


async def test_a_person_takes_over_speaks_and_hands_back(client: Client, shop: FakeShop) -> None:
    await say(client, "human")
    waiting = (await (await client.get("/api/v1/handoffs", headers=key())).json())["handoffs"]
    assert [(w["conversation_id"], w["mode"], w["reason"]) for w in waiting] == [("u1", "queued", "customer_asked")]
    assert [line["sender"] for line in waiting[0]["transcript"]] == ["customer", "assistant"]
    said = {"text": "Mia here", "agent": "Mia"}
    reply = await client.post("/api/v1/conversations/u1/reply", json=said, headers=key())
    assert reply.status == 200
    _, answer = await say(client, "hello?")
    assert [(m["text"], m["custom"]["sender"]) for m in answer] == [("Mia here", "agent")]
    assert await say(client, "still there?") == (200, [])
    assert (await client.post("/api/v1/conversations/u1/handback", headers=key())).status == 200
    _, answer = await say(client, "thanks")
    assert answer[0]["custom"]["responses"] == ["utter_handoff_ended"] and answer[1]["text"] == "heard: thanks"
    assert (await client.post("/api/v1/conversations/u1/close", headers=key())).status == 409
    assert (await client.post("/api/v1/conversations/nobody/close", headers=key())).status == 404


async def test_closing_leaves_no_request_open(client: Client, shop: FakeShop) -> None:
    await say(client, "flow")
    await say(client, "human")
    await client.post("/api/v1/conversations/u1/close", headers=key())
    tracker = await shop.store.load("u1")
    assert tracker is not None and tracker.mode == "bot" and not tracker.stack


async def test_nobody_comes_so_the_bot_says_it_is_back(client: Client, shop: FakeShop) -> None:
    await say(client, "human")
    assert await shop.handoffs.expire() == 0
    shop.clock.time += 601
    assert await shop.handoffs.expire() == 1
    _, answer = await say(client, "well")
    assert [m["custom"]["responses"] for m in answer] == [["utter_handoff_timeout"], ["utter_echo"]]


async def test_the_chat_page_reads_its_own_conversation_only(client: Client) -> None:
    begun = await (await client.post("/api/v1/conversations")).json()
    await say(client, "hi", sender=begun["conversation_id"])
    path = f"/api/v1/conversations/{begun['conversation_id']}/messages"
    read = await (await client.get(path, headers=key(begun["token"]))).json()
    assert [(m["from"], m["text"]) for m in read["messages"]] == [("customer", "hi"), ("assistant", "heard: hi")]
    assert read["mode"] == "bot" and read["seq"] == 3
    later = await (await client.get(f"{path}?after=3", headers=key(begun["token"]))).json()
    assert later["messages"] == []
    assert (await client.get(path)).status == 401
    assert (await client.get("/api/v1/conversations/u1/messages", headers=key(begun["token"]))).status == 401


@pytest.mark.parametrize("path", ["/", "/docs", "/web/docs.js", "/web/docs.css", "/web/icon.svg"])
async def test_the_pages_need_nothing_from_elsewhere(client: Client, path: str) -> None:
    response = await client.get(path)
    assert response.status == 200
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    text = (await response.text()).replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in text and 'src="https' not in text


async def test_no_file_outside_the_pages_is_served(client: Client) -> None:
    for path in ("/web/..%2fapp.py", "/web/nothing.js", "/nowhere"):
        response = await client.get(path)
        assert response.status == 404 and response.content_type == "application/problem+json"


async def test_health_readiness_and_metrics(client: Client) -> None:
    await say(client, "hi")
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 200
    text = await (await client.get("/metrics")).text()
    assert 'shopclerk_turns_total{channel="rest",outcome="answered"} 1' in text
    assert 'shopclerk_turn_seconds_bucket{channel="rest",le="+Inf"} 1' in text
    assert 'route="/webhooks/rest/webhook",status="200"' in text


async def test_other_sites_may_not_call_unless_they_are_named(client: Client) -> None:
    response = await client.get("/healthz", headers={"Origin": "https://shop.example"})
    assert "Access-Control-Allow-Origin" not in response.headers
    settings = BotSettings(server=ServerSettings(cors_origins=("https://shop.example",)))
    async with TestClient(TestServer(create_app(FakeShop(settings)))) as named:
        hook = await named.options(HOOK, headers={"Origin": "https://shop.example"})
        assert hook.status == 204 and hook.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        wrong = await named.post(HOOK, data=b"{", headers={"Origin": "https://shop.example"})
        assert wrong.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        evil = await named.get("/", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in evil.headers


async def test_stopping_waits_for_the_turn_under_way(shop: FakeShop) -> None:
    shop.inbox.slow_s = 0.15
    server = TestServer(create_app(shop))
    async with TestClient(server) as client:
        turn = asyncio.create_task(say(client, "slow"))
        await asyncio.sleep(0.05)
        await server.app.shutdown()
        assert (await client.get("/readyz")).status == 503
        assert (await turn)[1][0]["text"] == "heard: slow"
    assert server.app[SHOP] is shop
