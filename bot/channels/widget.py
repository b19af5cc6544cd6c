"""The widget's interface: begin a conversation, read it, say something, look on live, rate it.

WebSocket where it gets through (`bot.channels.widget_socket`), server-sent events where it does not, plain JSON for the rest.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.channels import visitor, widget_socket
from bot.channels.access import FIRST_FRAME, HOLDER, PUBLIC
from bot.channels.connection import Connection
from bot.channels.event_stream import EVENT_STREAM, open_stream, wants_stream
from bot.channels.frames import inbox_id, line_json, message_frames
from bot.channels.limits import check_rate
from bot.channels.operations import JSON, Operations, body_of, query_of
from bot.channels.problem import Problem, as_problem
from bot.channels.schemas import After, Begin, Begun, Feedback, Said, WidgetMessage
from bot.channels.services import BY_CONVERSATION, OPEN, SECRET, SHOP
from bot.channels.tokens import conversation_token
from bot.channels.widget_socket import error_frame
from bot.domain.message import InboundMessage
from bot.handoffs import lines, recent

ID = "/api/v1/conversations/{id}"
_LIVE = "The widget's frames as server-sent events: the id is a message's seq, from which a reader resumes."
routes = Operations("widget")


@routes.post("/api/v1/conversations", "Begin a conversation", PUBLIC, body=Begin, body_required=False, answer=Begun,
             status=201, problems=(429,))
async def begin(request: web.Request) -> web.Response:
    """An id nobody can guess, and the token that opens it. Nothing is kept before the first message."""
    conversation_id = secrets.token_urlsafe(18)
    token = conversation_token(request.app[SECRET], conversation_id)
    return web.json_response({"conversation_id": conversation_id, "token": token}, status=201)


@routes.get(f"{ID}/messages", "What was said, or what is being said", HOLDER, query=After,
            answers={200: {JSON: Said, EVENT_STREAM: _LIVE}}, problems=(429,))
async def messages(request: web.Request) -> web.StreamResponse:
    """The newest thousand events' messages; with `Accept: text/event-stream` everything live from there on."""
    conversation_id, store = request.match_info["id"], request.app[SHOP].store
    check_rate(request.app[BY_CONVERSATION], f"read:{conversation_id}", "conversation")
    if wants_stream(request):
        return await _look_on(request, conversation_id)
    found = await store.load(conversation_id)
    if found is None:
        return web.json_response({"messages": [], "seq": 0, "mode": "bot"})
    after = query_of(request, After).after
    said = [line for line in lines(await recent(store, found)) if line.seq > after]
    return web.json_response({"messages": [line_json(line, conversation_id) for line in said], "seq": found.seq,
                              "mode": found.mode.value})


@routes.post(f"{ID}/messages", "Say something", HOLDER, body=WidgetMessage,
             answers={200: {JSON: Said, EVENT_STREAM: _LIVE}}, problems=(429, 503, 504))
async def say(request: web.Request) -> web.StreamResponse:
    """The turn's frames as they come, or its messages when it is done. The same client_id is the same message."""
    conversation_id, sent = request.match_info["id"], body_of(request, WidgetMessage)
    message = visitor.inbound(conversation_id, sent, visitor.customer(request.app, sent.customer_token), None)
    if wants_stream(request):
        return await _streamed_turn(request, message, sent.client_id)
    return web.json_response(await _whole_turn(request, message))


@routes.get(f"{ID}/socket", "The conversation, live (WebSocket)", FIRST_FRAME,
            answers={101: {}}, problems=(400, 403, 503))
async def live(request: web.Request) -> web.StreamResponse:
    """Frames as in docs/widget-protocol.md; the first one is `{"type": "hello", "token", "after"}`."""
    check_origin(request)
    if len(request.app[OPEN]) >= request.app[SHOP].settings.limits.sockets:
        raise Problem(503, "too many open connections: try again in a moment", kind="overloaded",
                      headers={"Retry-After": "10"})
    if not web.WebSocketResponse().can_prepare(request):
        raise Problem(400, "this address speaks WebSocket only: an Upgrade header is needed")
    return await widget_socket.serve(request, request.match_info["id"])


@routes.post(f"{ID}/feedback", "Rate a message or the conversation", HOLDER, body=Feedback, status=204,
             problems=(404, 429))
async def feedback(request: web.Request) -> web.Response:
    """A thumb (`seq`, `rating`) or a score of one to five, with a comment or without."""
    conversation_id, sent = request.match_info["id"], body_of(request, Feedback)
    check_rate(request.app[BY_CONVERSATION], f"read:{conversation_id}", "conversation")
    given = request.app[SHOP].feedback
    if sent.seq is not None and sent.rating is not None and sent.score is None:
        await given.rate_message(conversation_id, sent.seq, sent.rating, sent.comment)
    elif sent.score is not None and sent.seq is None and sent.rating is None:
        await given.rate_conversation(conversation_id, sent.score, sent.comment)
    else:
        raise Problem(422, "send either 'seq' and 'rating', or 'score'")
    return web.Response(status=204)


def check_origin(request: web.Request) -> None:
    """Browsers let any page open a WebSocket, so the server looks: our own pages and those the shop named (403)."""
    origin = request.headers.get("Origin")
    if origin is None or urlsplit(origin).netloc == request.host:
        return
    if origin not in request.app[SHOP].settings.server.cors_origins:
        raise Problem(403, "this origin may not connect: the shop names its own in server.cors_origins")


# --- server-sent events ----------------------------------------------------------------------------------------------

async def _look_on(request: web.Request, conversation_id: str) -> web.StreamResponse:
    """Everything live until the reader leaves or the server stops."""
    after = request.headers.get("Last-Event-ID", "")
    response, carrier = await open_stream(request)
    over = asyncio.Event()

    async def end(code: int, reason: str) -> None:
        await carrier.close(code, reason)
        over.set()

    connection = Connection(conversation_id, request.app[SHOP].store, carrier, end)
    leave = _listen(request.app, connection)
    try:
        await connection.resume(int(after) if after.isdecimal() and len(after) < 16 else query_of(request, After).after)
        await over.wait()       # a reader that left is noticed when the next heartbeat cannot be sent
    finally:
        leave()
    return response


async def _streamed_turn(request: web.Request, message: InboundMessage, client_id: str) -> web.StreamResponse:
    """The frames of one turn; a reader that leaves stops nothing."""
    store = request.app[SHOP].store
    tracker = await store.load(message.conversation_id)
    response, carrier = await open_stream(request)
    connection = Connection(message.conversation_id, store, carrier, carrier.close)
    connection.seq = tracker.seq if tracker else 0
    connection.mode = tracker.mode.value if tracker else connection.mode
    leave = _listen(request.app, connection)
    acknowledged = False

    async def kept() -> None:
        nonlocal acknowledged
        acknowledged = True
        connection.send({"type": "ack", "client_id": client_id})

    try:
        connection.send({"type": "typing", "from": "assistant"})
        known = await store.answered(message.channel, message.message_id)
        await visitor.say(request.app, message, kept)
        if not acknowledged:
            await kept()
        if known is not None:
            await _again(connection, message, store)
    except TimeoutError:
        connection.send({"type": "typing", "from": "assistant"})    # it goes on: the reply is in the history then
    except Exception as failure:        # the status line is out: the problem travels in the stream
        connection.send(error_frame(as_problem(failure, request.path), client_id))
    finally:
        await connection.flushed()
        leave()
    with suppress(ConnectionError):         # the reader left; the turn was finished all the same
        await response.write_eof()
    return response


async def _again(connection: Connection, message: InboundMessage, store: Any) -> None:
    """A message that was answered before: its frames once more, from the history."""
    tracker = await store.load(message.conversation_id)
    history = message_frames(await recent(store, tracker), message.conversation_id) if tracker else []
    client_id = message.message_id.removeprefix(inbox_id(message.conversation_id, "-")[:-1])
    said = next((place for place, frame in enumerate(history) if frame.get("client_id") == client_id), None)
    if said is None:
        return
    answers = takewhile(lambda frame: frame["from"] != "customer", history[said + 1:])
    for frame in (history[said], *answers):
        connection.send(frame)


async def _whole_turn(request: web.Request, message: InboundMessage) -> dict[str, Any]:
    store = request.app[SHOP].store
    before = await store.load(message.conversation_id)

    async def kept() -> None:
        pass        # the answer itself says so

    try:
        await visitor.say(request.app, message, kept)
    except TimeoutError:
        raise Problem(504, "the reply takes longer than expected: it will be in the conversation") from None
    after = await store.load(message.conversation_id)
    assert after is not None
    news = [line for line in lines(await recent(store, after)) if line.seq > (before.seq if before else 0)]
    return {"messages": [line_json(line, message.conversation_id) for line in news], "seq": after.seq,
            "mode": after.mode.value}


def _listen(app: web.Application, connection: Connection) -> Callable[[], None]:
    leave = app[SHOP].feed.subscribe(connection.conversation_id, connection)
    app[OPEN].add(connection)

    def stop() -> None:
        leave()
        app[OPEN].discard(connection)
        connection.stop()
    return stop
