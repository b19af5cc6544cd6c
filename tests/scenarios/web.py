"""A customer's client and the shop's backend over HTTP, against the real application. It knows routes and JSON."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.app import create_app
from bot.bootstrap import Shop
from tests.scenarios.talk import tell

HOOK = "/webhooks/rest/webhook"


@dataclass(slots=True)
class Web:
    """`say` is what a Rasa REST client does; the rest needs the shop's API key."""

    client: TestClient[web.Request, web.Application]
    key: str
    sender: str = "web-1"
    metadata: dict[str, Any] | None = None
    replies: list[dict[str, Any]] | None = None

    async def say(self, text: str, status: int = 200, **metadata: Any) -> list[dict[str, Any]]:
        body = {"sender": self.sender, "message": text, "metadata": (self.metadata or {}) | metadata}
        response = await self.client.post(HOOK, json=body)
        found = await response.json()
        assert response.status == status, found
        if status == 200:
            self.replies = found
            tell(self.sender, text, [(r["custom"].get("sender", "assistant"), r["text"]) for r in found], self.asked)
        return list(found) if isinstance(found, list) else [found]

    async def stream(self, text: str) -> list[dict[str, Any]]:
        """The lines of a streamed reply."""
        response = await self.client.post(f"{HOOK}?stream=true", json={
            "sender": self.sender, "message": text, "metadata": self.metadata or {}})
        assert response.status == 200
        return [json.loads(line) for line in (await response.text()).splitlines()]

    @property
    def asked(self) -> str:
        return str(self.replies[-1]["custom"].get("requested_slot", "")) if self.replies else ""

    @property
    def text(self) -> str:
        return "\n".join(r["text"] for r in self.replies or ())

    async def get(self, path: str, status: int = 200) -> Any:
        response = await self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})
        assert response.status == status, await response.text()
        return await response.json()

    async def post(self, path: str, status: int = 200, **body: Any) -> Any:
        response = await self.client.post(path, json=body, headers={"Authorization": f"Bearer {self.key}"})
        assert response.status == status, await response.text()
        return await response.json()

    async def order(self, number: str) -> dict[str, Any]:
        """In the native format, read live."""
        found: dict[str, Any] = await self.get(f"/api/v1/orders/{number.removeprefix('#')}")
        return found

    async def tracker(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/conversations/{self.sender}/tracker")
        return found

    async def act(self, what: str, status: int = 200, **body: Any) -> Any:
        """What a person of the shop does with this conversation: reply, close, handback."""
        return await self.post(f"/api/v1/conversations/{self.sender}/{what}", status, **body)


@asynccontextmanager
async def served(shop: Shop, token_key: str) -> AsyncIterator[Any]:
    """The shop behind its HTTP application: `begin(customer, sender)` gives a client, signed in where one is named."""
    _, key = await shop.keys.create(["tracker", "orders", "handoffs"], "tests")
    async with TestClient(TestServer(create_app(shop))) as client:
        def begin(customer: Any = None, sender: str = "web-1") -> Web:
            token = {"customer_token": signed(customer.id, token_key)} if customer is not None else {}
            return Web(client, key, sender, token)
        yield begin


def signed(customer_id: str, key: str) -> str:
    """As the shop's own site vouches for a customer: id and HMAC-SHA256."""
    return f"{customer_id}.{hmac.new(key.encode(), customer_id.encode(), hashlib.sha256).hexdigest()}"
