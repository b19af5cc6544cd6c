"""The widget's WebSocket: a hello that proves whose conversation it is, then messages in and frames out."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from aiohttp import WSMessage, WSMsgType, web
from pydantic import ValidationError

from bot.channels import visitor
from bot.channels.connection import GONE, TOO_SLOW, Connection
from bot.channels.fields import Locale, Seq
from bot.channels.frames import Frame, error, text_of
from bot.channels.operations import told
from bot.channels.problem import Problem, as_problem
from bot.channels.schemas import Body, WidgetMessage
from bot.channels.services import OPEN, SECRET, SHOP
from bot.channels.tokens import holds
from bot.domain.tracker import Mode

HELLO_S = 10.0
PING_S = 50.0               # a connection that does not answer is dropped
FRAME_BYTES = 64 * 1024
log = logging.getLogger("shopclerk.socket")


class Hello(Body):
    """The first frame."""

    token: str
    after: Seq = 0
    customer_token: Any = None
    locale: Locale | None = None


class Refused(Exception):
    """Close with this code; the message is for the client."""

    def __init__(self, close: int, code: str, message: str) -> None:
        super().__init__(message)
        self.close, self.code = close, code


class SocketCarrier:
    """A `Carrier` over a WebSocket."""

    __slots__ = ("_socket", "_transport")

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._socket, self._transport = socket, transport

    async def send(self, frame: Frame) -> None:
        await self._socket.send_str(text_of(frame))

    async def close(self, code: int, reason: str) -> None:
        """Who does not read would not read a goodbye either, and waiting for one would hold its memory."""
        if code in (TOO_SLOW, GONE) and self._transport is not None:
            self._transport.abort()
        else:
            await self._socket.close(code=code, message=reason.encode())


async def serve(request: web.Request, conversation_id: str) -> web.WebSocketResponse:
    """One socket from its hello to its end."""
    socket = web.WebSocketResponse(heartbeat=PING_S, compress=False, max_msg_size=FRAME_BYTES, timeout=5.0)
    await socket.prepare(request)
    try:
        hello, customer_id = await _hello(request, socket, conversation_id)
    except Refused as refusal:
        await socket.send_str(text_of(error(refusal.code, str(refusal))))
        await socket.close(code=refusal.close, message=str(refusal).encode()[:120])
        return socket
    visit = _Visit(request.app, socket, request.transport, conversation_id, customer_id, hello.locale)
    await visit.run(hello.after)
    return socket


async def _hello(request: web.Request, socket: web.WebSocketResponse, conversation_id: str) -> tuple[Hello, str | None]:
    try:
        frame = _read(await socket.receive(timeout=HELLO_S))
        if frame.get("type") != "hello":
            raise ValueError("the first frame must be a hello")
        hello = Hello.model_validate(frame)
    except (TimeoutError, ValueError) as wrong:  # pydantic's ValidationError is a ValueError
        raise Refused(4400, "bad_frame", f"the first frame must be {{type: hello, token, after}} "
                                         f"within {HELLO_S:.0f} s") from wrong
    if not holds(request.app[SECRET], conversation_id, hello.token):
        raise Refused(4401, "unauthorized", "this conversation's token is needed")
    try:
        return hello, visitor.customer(request.app, hello.customer_token)
    except Problem as problem:
        raise Refused(4403, "unauthorized", problem.detail) from None


def _read(message: WSMessage) -> dict[str, Any]:
    """A frame's JSON. Raises ValueError for what is none."""
    if message.type is not WSMsgType.TEXT:
        raise ValueError("frames are JSON texts")
    try:
        frame = json.loads(message.data)
    except RecursionError as wrong:
        raise ValueError("too deep") from wrong
    if not isinstance(frame, dict):
        raise ValueError("a frame is a JSON object")
    return frame


class _Visit:
    """An open socket. Turns run beside the reading, so a second message joins the burst of the first."""

    __slots__ = ("_app", "_connection", "_conversation_id", "_customer_id", "_locale", "_socket", "_turns")

    def __init__(self, app: web.Application, socket: web.WebSocketResponse, transport: asyncio.Transport | None,
                 conversation_id: str, customer_id: str | None, locale: str | None) -> None:
        self._app, self._socket, self._conversation_id = app, socket, conversation_id
        self._customer_id, self._locale = customer_id, locale
        carrier = SocketCarrier(socket, transport)
        self._connection = Connection(conversation_id, app[SHOP].store, carrier, carrier.close)
        self._turns: set[asyncio.Task[None]] = set()

    async def run(self, after: int) -> None:
        leave = self._app[SHOP].feed.subscribe(self._conversation_id, self._connection)
        self._app[OPEN].add(self._connection)
        try:
            await self._connection.resume(after)
            async for message in self._socket:
                self._heard(message)
        finally:
            leave()
            self._app[OPEN].discard(self._connection)
            self._connection.stop()

    def _heard(self, message: WSMessage) -> None:
        try:
            frame = _read(message)
            if frame.get("type") == "message":
                sent = WidgetMessage.model_validate(frame, context=visitor.reading_context(self._app))
                task = asyncio.create_task(self._said(sent))
                self._turns.add(task)
                task.add_done_callback(self._turns.discard)
            elif frame.get("type") not in ("hello", "typing"):
                raise ValueError("no such type of frame")
        except ValueError as wrong:
            self._connection.send(_what_is_wrong(message, wrong))

    async def _said(self, sent: WidgetMessage) -> None:
        """Acknowledged as soon as it cannot be lost any more; the reply comes by the feed."""
        acknowledged = False

        async def kept() -> None:
            nonlocal acknowledged
            acknowledged = True
            self._connection.send({"type": "ack", "client_id": sent.client_id})

        if self._connection.mode == Mode.BOT.value:
            self._app[SHOP].feed.passing(self._conversation_id, {"type": "typing", "from": "assistant"})
        message = visitor.inbound(self._conversation_id, sent, self._customer_id, self._locale)
        try:
            await visitor.say(self._app, message, kept)
            if not acknowledged:
                await kept()
        except TimeoutError:
            pass  # it goes on; where it was not kept, the client sends it again
        except Exception as failure:  # the border: the reader hears of it and may send the message again
            self._connection.send(error_frame(as_problem(failure, "socket"), sent.client_id))


def error_frame(problem: Problem, client_id: str) -> Frame:
    code = {429: "rate_limited", 503: "overloaded"}.get(problem.status, "failed")
    wait = problem.headers.get("Retry-After")
    return error(code, problem.detail, client_id, **({"retry_after": int(wait)} if wait else {}))


def _what_is_wrong(message: WSMessage, wrong: ValueError) -> Frame:
    if not isinstance(wrong, ValidationError):
        return error("bad_frame", str(wrong))
    first = wrong.errors(include_url=False, include_input=False)[0]
    where, client_id = ".".join(map(str, first["loc"])), json.loads(message.data).get("client_id")
    code = "too_long" if where == "text" and first["type"] == "value_error" else "bad_frame"
    return error(code, f"'{where}' {told(first)}", client_id if isinstance(client_id, str) else "")
