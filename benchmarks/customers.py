"""Customers over a served shop's doors: say something, wait for the whole answer, note how long that took.

As cheap as a client can be, because it shares two cores with the server it measures.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from benchmarks.server_process import TOKEN_KEY

API = "/api/v1/conversations"
SETTLE_S = 0.03  # after an early acknowledgement: bubbles of one reply come together
WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn: milliseconds, the responses said, and what was asked for at its end."""

    ms: float
    responses: tuple[str, ...]
    asked: str


class Customer(Protocol):
    async def say(self, text: str) -> Answer:
        """Raises RuntimeError for a refusal."""
        ...

    async def leave(self) -> None: ...


Door = Callable[[aiohttp.ClientSession, str, str, str | None], "Customer"]
"""(session, the server's URL, a name nobody else has, whom the site has signed in) → a customer."""


@dataclass
class RestCustomer:
    """Rasa's REST channel; every message with an id, so that it is kept and answered once."""

    session: aiohttp.ClientSession
    url: str
    name: str
    customer_id: str | None
    _said: int = 0

    async def say(self, text: str) -> Answer:
        self._said += 1
        body = {"sender": self.name, "message": text, "metadata": {
            "message_id": str(self._said), "customer_token": signed(self.customer_id)}}
        began = time.perf_counter()
        async with self.session.post(f"{self.url}/webhooks/rest/webhook", json=body) as response:
            bubbles = await response.json()
            ms = (time.perf_counter() - began) * 1000
            if response.status != 200:
                raise RuntimeError(f"{response.status}: {bubbles}")
        return _answer(ms, [bubble.get("custom", {}) for bubble in bubbles])

    async def leave(self) -> None:
        pass


@dataclass
class SocketCustomer:
    """The widget's socket: a turn is over when it is acknowledged and its bubbles are there."""

    session: aiohttp.ClientSession
    url: str
    name: str
    customer_id: str | None
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _said: int = 0
    mode: str = field(default="bot")

    async def open(self, after: int = 0) -> aiohttp.ClientWebSocketResponse:
        async with self.session.post(f"{self.url}{API}") as response:
            begun = await response.json()
        return await self.enter(begun["conversation_id"], begun["token"], after)

    async def enter(self, conversation_id: str, token: str, after: int = 0) -> aiohttp.ClientWebSocketResponse:
        self._socket = await self.session.ws_connect(f"{self.url}{API}/{conversation_id}/socket", compress=0)
        hello = {"type": "hello", "token": token, "after": after, "customer_token": signed(self.customer_id)}
        await self._socket.send_str(json.dumps(hello))
        while (await self._frame())["type"] != "ready":
            pass
        return self._socket

    async def say(self, text: str) -> Answer:
        socket = self._socket or await self.open()
        self._said += 1
        client_id = f"{self.name}-{self._said}"
        began = time.perf_counter()
        await socket.send_str(json.dumps({"type": "message", "client_id": client_id, "text": text}))
        bubbles: list[dict[str, Any]] = []
        acknowledged, heard, late, ended = False, False, False, began
        while not (acknowledged and heard and (bubbles or self.mode != "bot")):
            frame = await self._frame()
            acknowledged = acknowledged or frame["type"] == "ack"
            heard = heard or (frame.get("client_id") == client_id and frame["type"] == "message")
            if heard and frame.get("from") == "assistant":
                bubbles.append(frame)
                late = acknowledged
            ended = time.perf_counter()
        if bubbles and late:
            bubbles += await self._rest_of_it()
        return _answer((ended - began) * 1000, [bubble.get("custom", {}) for bubble in bubbles])

    async def _rest_of_it(self) -> list[dict[str, Any]]:
        found = []
        try:
            async with asyncio.timeout(SETTLE_S):
                while True:
                    frame = await self._frame()
                    if frame["type"] == "message":
                        found.append(frame)
        except TimeoutError:
            return found

    async def _frame(self) -> dict[str, Any]:
        assert self._socket is not None
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise RuntimeError(f"the socket ended: {message.type.name} {message.data}")
        frame: dict[str, Any] = json.loads(message.data)
        if frame["type"] == "error":
            raise RuntimeError(frame["message"])
        if frame["type"] == "ready":
            self.mode = frame["mode"]
        return frame

    async def leave(self) -> None:
        if self._socket is not None:
            await self._socket.close()


DOORS: dict[str, Door] = {"socket": SocketCustomer, "rest": RestCustomer}


def signed(customer_id: str | None) -> str:
    """As the shop's site vouches for a customer; "" for nobody."""
    return f"{customer_id}.{hmac.new(TOKEN_KEY.encode(), customer_id.encode(), hashlib.sha256).hexdigest()}" \
        if customer_id else ""


def _answer(ms: float, customs: list[dict[str, Any]]) -> Answer:
    responses = tuple(name for custom in customs for name in custom.get("responses", ()))
    return Answer(ms, responses, str(customs[-1].get("requested_slot") or "") if customs else "")
