"""Role × route: every route of the application, called by everybody there is. A new route must be put in here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.app import create_app
from bot.channels.access import Caller
from bot.channels.operations import operation_of
from bot.channels.tokens import conversation_token
from bot.config import BotSettings, OpenAiSettings
from bot.stores.keys import SCOPES
from tests.fakes import FakeShop

SECRET, MINE, OTHER = b"s" * 32, "mine", "other"
WIDGET = "/api/v1/conversations/{id}"
OPEN = {("GET", path) for path in (
    "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/", "/web/{name}", "/widget.js", "/web/widget/{name}",
    "/web/widget/texts/{name}", "/webhooks/rest/")} | {
        ("POST", "/webhooks/rest/webhook"), ("POST", "/api/v1/conversations")}
HOLDERS = {("GET", f"{WIDGET}/messages"), ("POST", f"{WIDGET}/messages"), ("POST", f"{WIDGET}/feedback")}
KEYS = {
    ("GET", "/conversations/{sender}/tracker"): "tracker", ("GET", "/api/v1/orders/{number}"): "orders",
    ("GET", "/api/v1/handoffs"): "handoffs", ("POST", f"{WIDGET}/reply"): "handoffs",
    ("POST", f"{WIDGET}/close"): "handoffs", ("POST", f"{WIDGET}/handback"): "handoffs",
    ("POST", "/v1/chat/completions"): "chat", ("GET", "/v1/models"): "chat", ("GET", "/v1/models/{model}"): "chat"}
SOCKET = {("GET", f"{WIDGET}/socket")}


@pytest.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    scopes = {name: (name,) for name in SCOPES}
    shop = FakeShop(BotSettings(openai=OpenAiSettings(key_required=True)), nothing=(), **scopes)
    async with TestClient(TestServer(create_app(shop, SECRET))) as opened:
        yield opened


def routes() -> dict[tuple[str, str], Caller]:
    """What each route of the application declares."""
    found = {}
    for route in create_app(FakeShop()).router.routes():
        if route.resource is not None and route.method != "HEAD":
            operation = operation_of(route.handler)
            assert operation is not None, f"{route.method} {route.resource.canonical} says nothing about its callers"
            found[route.method, route.resource.canonical] = operation.access.caller
    return found


def test_the_matrix_is_whole_and_the_declarations_agree_with_it() -> None:
    wanted = {**dict.fromkeys(OPEN, Caller.ANYBODY), **dict.fromkeys(HOLDERS, Caller.HOLDER),
              **dict.fromkeys(KEYS, Caller.KEY), **dict.fromkeys(SOCKET, Caller.FIRST_FRAME)}
    wanted |= {route: Caller.KEY_WHERE_WANTED for route, scope in KEYS.items() if scope == "chat"}
    assert routes() == wanted


async def status(client: TestClient[web.Request, web.Application], route: tuple[str, str], text: str = "") -> int:
    method, path = route
    path = path.replace("{id}", MINE).replace("{sender}", "u1").replace("{", "").replace("}", "")
    headers = {"Authorization": f"Bearer {text}"} if text else {}
    async with client.request(method, path, headers=headers) as response:
        return response.status


@pytest.mark.parametrize("route", sorted(OPEN), ids=" ".join)
async def test_everybody_may(client: TestClient[web.Request, web.Application], route: tuple[str, str]) -> None:
    assert await status(client, route) not in (401, 403)


@pytest.mark.parametrize("route", sorted(KEYS), ids=" ".join)
async def test_only_a_key_with_the_scope_may(
        client: TestClient[web.Request, web.Application], route: tuple[str, str]) -> None:
    token = conversation_token(SECRET, MINE)
    strangers = [await status(client, route, text) for text in ("", "unknown", token)]
    others = [await status(client, route, scope) for scope in ("nothing", *SCOPES) if scope != KEYS[route]]
    assert set(strangers) == {401} and set(others) == {403}
    assert await status(client, route, KEYS[route]) not in (401, 403)


@pytest.mark.parametrize("route", sorted(HOLDERS), ids=" ".join)
async def test_only_the_holder_of_the_conversations_token_may(
        client: TestClient[web.Request, web.Application], route: tuple[str, str]) -> None:
    wrong = ["", conversation_token(SECRET, OTHER), conversation_token(b"x" * 32, MINE), *SCOPES]
    assert {await status(client, route, text) for text in wrong} == {401}
    assert await status(client, route, conversation_token(SECRET, MINE)) not in (401, 403)


async def test_a_socket_without_a_token_in_its_first_frame_is_closed(
        client: TestClient[web.Request, web.Application]) -> None:
    for text in ("", "wrong", conversation_token(SECRET, OTHER)):
        async with client.ws_connect(f"/api/v1/conversations/{MINE}/socket") as socket:
            await socket.send_json({"type": "hello", "token": text})
            while not (message := await socket.receive()).type.name.startswith("CLOS"):
                assert message.json()["type"] == "error"
            assert socket.close_code == 4401
