"""Customers who do not give up: each sends an event again until it is acknowledged, and notes every frame it was shown.

Four doors of the same shop: the widget's socket, its event stream, its plain answer, and Rasa's REST channel.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from tests.contracts.widget_client import FRAMES

Frame = dict[str, Any]
API = "/api/v1/conversations"
GONE = (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError)
PATIENCE_S = 2.0  # for the first attempt, then twice as long each time: who only repeats faster brings a server down
MOST_PATIENCE_S = 30.0
AGAIN_S = 0.2  # until the next try where nobody answers


@dataclass
class Sent:
    """What the customers of a run have to tell, all doors together."""

    attempts: int = 0
    refused: int = 0  # 503, 429, or the error frame that means the same
    retry_after_missing: int = 0


class Door(Protocol):
    conversation_id: str
    channel: str

    async def deliver(self, client_id: str, text: str) -> None:
        """Returns when the event is acknowledged."""
        ...

    def message_id(self, client_id: str) -> str:
        """The event's id in the inbox."""
        ...

    async def close(self) -> None: ...


class Refused(AssertionError):
    """The server says that the request is wrong: the fault is ours, or its."""


@dataclass
class RestDoor:
    """`POST /webhooks/rest/webhook`; its 2xx is the acknowledgement."""

    session: aiohttp.ClientSession
    url: str
    conversation_id: str
    sent: Sent
    patience_s: float = PATIENCE_S
    replies: dict[str, list[Any]] = field(default_factory=dict)
    channel: str = "rest"

    async def deliver(self, client_id: str, text: str) -> None:
        await _until_acknowledged(self, client_id, text)

    async def once(self, client_id: str, text: str, patience_s: float = 0.0) -> bool:
        """One attempt; whether it was acknowledged."""
        body = {"sender": self.conversation_id, "message": text, "metadata": {"message_id": client_id}}
        answer = await _post(self.session, f"{self.url}/webhooks/rest/webhook", body, {}, self.sent,
                             patience_s or self.patience_s)
        if answer is not None:
            self.replies.setdefault(client_id, []).append(json.loads(answer))
        return answer is not None

    def message_id(self, client_id: str) -> str:
        return f"{self.conversation_id}/{client_id}"

    async def close(self) -> None:
        pass


@dataclass
class PostedDoor:
    """`POST …/messages`, answered by one document, or with `stream` by events of which one is the acknowledgement."""

    session: aiohttp.ClientSession
    url: str
    conversation_id: str
    token: str
    sent: Sent
    stream: bool = False
    patience_s: float = PATIENCE_S
    seen: dict[int, Frame] = field(default_factory=dict)
    channel: str = "widget"

    async def deliver(self, client_id: str, text: str) -> None:
        await _until_acknowledged(self, client_id, text)

    async def once(self, client_id: str, text: str, patience_s: float = 0.0) -> bool:
        """One attempt; whether it was acknowledged."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Accept": "text/event-stream"} if self.stream else {})
        answer = await _post(self.session, f"{self.url}{API}/{self.conversation_id}/messages",
                             {"client_id": client_id, "text": text}, headers, self.sent,
                             patience_s or self.patience_s)
        if answer is None:
            return False
        frames = events_of(answer) if self.stream else json.loads(answer)["messages"]
        self.seen |= {frame["seq"]: frame for frame in frames if "seq" in frame and "from" in frame}
        refusals = [frame for frame in frames if frame.get("type") == "error"]
        self.sent.refused += len(refusals)
        return not self.stream or any(f["type"] == "ack" and f["client_id"] == client_id for f in frames)

    def message_id(self, client_id: str) -> str:
        return f"{self.conversation_id}/{client_id}"

    async def close(self) -> None:
        pass


async def _until_acknowledged(door: RestDoor | PostedDoor, client_id: str, text: str) -> None:
    patience = door.patience_s
    while not await door.once(client_id, text, patience):
        await asyncio.sleep(AGAIN_S * random.uniform(0.5, 1.5))
        patience = min(2 * patience, MOST_PATIENCE_S)


async def _post(session: aiohttp.ClientSession, url: str, body: Any, headers: dict[str, str], sent: Sent,
                patience_s: float) -> str | None:
    """The answer's text; None where it is to be tried again. Raises Refused for what trying again cannot mend."""
    sent.attempts += 1
    try:
        async with session.post(url, json=body, headers=headers,
                                timeout=aiohttp.ClientTimeout(total=patience_s)) as response:
            text = await response.text()
            if response.status in (429, 503):
                sent.refused += 1
                sent.retry_after_missing += "Retry-After" not in response.headers
            elif 400 <= response.status < 500:
                raise Refused(f"{response.status}: {text[:300]}")
            return text if response.status < 300 else None
    except GONE:
        return None


def events_of(text: str) -> list[Frame]:
    """The whole events of a stream; one that broke off in the middle does not count."""
    found = []
    for block in text.split("\n\n")[:-1]:
        data = next((line[6:] for line in block.splitlines() if line.startswith("data: ")), None)
        if data is not None:
            found.append(json.loads(data))
    return found


@dataclass
class SocketDoor:
    """The widget's socket: comes back with the last seq it saw, and says again what was not acknowledged."""

    session: aiohttp.ClientSession
    url: str
    conversation_id: str
    token: str
    sent: Sent
    patience_s: float = PATIENCE_S
    seen: dict[int, Frame] = field(default_factory=dict)
    doubles: list[int] = field(default_factory=list)  # seqs shown again although they were asked to be left out
    resyncs: int = 0
    connections: int = 0
    close_codes: list[int | None] = field(default_factory=list)
    channel: str = "widget"
    _pending: dict[str, tuple[Frame, asyncio.Future[None]]] = field(default_factory=dict)
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _living: asyncio.Task[None] | None = None
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    position: int = 0  # the conversation's seq as the server last told it

    @property
    def after(self) -> int:
        return max(self.seen, default=0)

    def message_id(self, client_id: str) -> str:
        return f"{self.conversation_id}/{client_id}"

    async def deliver(self, client_id: str, text: str) -> None:
        frame = {"type": "message", "client_id": client_id, "text": text}
        done = asyncio.get_running_loop().create_future()
        self._pending[client_id] = frame, done
        self.open()
        patience = self.patience_s
        while not done.done():
            await self._send(frame)
            await asyncio.wait({done}, timeout=patience)
            patience = min(2 * patience, MOST_PATIENCE_S)

    def open(self) -> None:
        if self._living is None:
            self._living = asyncio.create_task(self._live())

    async def caught_up(self, seq: int, within_s: float = 30.0) -> None:
        """Until the server has told everything up to this event. Raises TimeoutError."""
        self.open()
        async with asyncio.timeout(within_s):
            while self.position < seq:
                self._ready.clear()
                await self._ready.wait()

    async def close(self) -> None:
        if self._living is not None:
            self._living.cancel()
            await asyncio.gather(self._living, return_exceptions=True)
            self._living = None

    async def _send(self, frame: Frame) -> None:
        if self._socket is None:
            return
        self.sent.attempts += 1
        try:
            await self._socket.send_str(json.dumps(frame))
        except (*GONE, RuntimeError):
            self._socket = None

    async def _live(self) -> None:
        while True:
            with suppress(*GONE):
                await self._visit()
            self._socket = None
            await asyncio.sleep(AGAIN_S * random.uniform(0.1, 1.0))

    async def _visit(self) -> None:
        """One connection, from its hello to its end."""
        address = f"{self.url}{API}/{self.conversation_id}/socket"
        async with self.session.ws_connect(address, timeout=aiohttp.ClientWSTimeout(ws_close=1.0)) as socket:
            self.connections += 1
            await socket.send_str(json.dumps({"type": "hello", "token": self.token, "after": self.after}))
            async for frame in _frames(socket):
                await self._heard(socket, frame)
            self.close_codes.append(socket.close_code)

    async def _heard(self, socket: aiohttp.ClientWebSocketResponse, frame: Frame) -> None:
        assert frame["type"] in FRAMES, frame
        match frame["type"]:
            case "message":
                if frame["seq"] <= self.after:
                    self.doubles.append(frame["seq"])
                self.seen[frame["seq"]] = frame
            case "ack":
                _, done = self._pending.pop(frame["client_id"], ({}, None))
                if done is not None and not done.done():
                    done.set_result(None)
            case "ready":
                self.position = max(self.position, frame["seq"])
                self._ready.set()
                if self._socket is not socket:
                    self._socket = socket
                    for waiting, _ in list(self._pending.values()):
                        await self._send(waiting)
            case "resync":
                self.resyncs += 1
                await self._fetch()
            case "error":
                self.sent.refused += frame["code"] in ("overloaded", "rate_limited")

    async def _fetch(self) -> None:
        """After a resync: the history, from which the socket goes on."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.get(f"{self.url}{API}/{self.conversation_id}/messages", headers=headers) as response:
            said = await response.json()
        self.seen |= {line["seq"]: {"type": "message"} | line for line in said["messages"]}


async def _frames(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Frame]:
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            return
        yield json.loads(message.data)


async def begin(session: aiohttp.ClientSession, url: str) -> tuple[str, str]:
    """A new conversation's id and token; tried until there is one."""
    while True:
        try:
            async with session.post(f"{url}{API}") as response:
                if response.status == 201:
                    begun = await response.json()
                    return begun["conversation_id"], begun["token"]
        except GONE:
            pass
        await asyncio.sleep(AGAIN_S)
