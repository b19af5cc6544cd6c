"""OpenAI's chat completions: the assistant as a model. It converts; the inbox does the rest.

The conversation's memory is the assistant's own, named by `user`: of the messages sent, the last one of the user is the
turn. Without `user` each call is a conversation of its own. `Idempotency-Key` makes a call that is repeated safe.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.channels.access import CHAT
from bot.channels.answering import answer, signed_in
from bot.channels.fields import clean
from bot.channels.limits import check_rate
from bot.channels.openai_schemas import MODEL, ChatRequest, Completion, Models
from bot.channels.openai_schemas import Model as ModelCard
from bot.channels.operations import JSON, Operations, body_of
from bot.channels.problem import Problem, as_problem, openai_error
from bot.channels.rasa import message_to_rasa
from bot.channels.services import BY_CONVERSATION, SHOP
from bot.domain.message import InboundMessage, OutboundMessage

CHARS_PER_TOKEN = 4
IDEMPOTENCY, CUSTOMER = "Idempotency-Key", "X-Customer-Token"
SINCE = 1_764_000_000                      # `created` of the model's card: a date, any date
Json = dict[str, Any]
routes = Operations("chat")


@routes.get("/v1/models", "List the models: there is one", CHAT, answer=Models)
async def models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [_card()]})


@routes.get("/v1/models/{model}", "Look at the model", CHAT, answer=ModelCard, problems=(404,))
async def model(request: web.Request) -> web.Response:
    if request.match_info["model"] != MODEL:
        raise Problem(404, f"there is one model here, '{MODEL}'")
    return web.json_response(_card())


@routes.post("/v1/chat/completions", "The assistant as a model (OpenAI's chat completions)", CHAT, body=ChatRequest,
             problems=(503,), answers={200: {JSON: Completion, "text/event-stream": "chunks, then [DONE]"}},
             description=f"`{IDEMPOTENCY}`: the same key again gets the same reply. `{CUSTOMER}` signs a customer in.")
async def completions(request: web.Request) -> web.StreamResponse:
    body, settings = body_of(request, ChatRequest), request.app[SHOP].settings
    message = to_inbound(body, request.headers.get(IDEMPOTENCY, ""), settings.limits.message_chars)
    customer = signed_in(request.headers.get(CUSTOMER), settings, CUSTOMER)
    message = replace(message, customer_id=customer) if customer else message
    check_rate(request.app[BY_CONVERSATION], message.conversation_id, "conversation")
    writer = _Writer(body, message)
    if body.stream:
        return await _stream(request, message, writer)
    replies = await answer(request.app, message)
    return web.json_response(writer.completion(replies))


def to_inbound(body: ChatRequest, key: str, limit: int) -> InboundMessage:
    """The turn that a list of messages asks for. Raises a 422 problem where there is none."""
    place, said = next(((i, m) for i, m in reversed(list(enumerate(body.messages))) if m.role == "user"), (0, None))
    if said is None:
        raise Problem(422, "'messages' needs a message with the role 'user'", kind="invalid-field", field="messages")
    text = said.text
    if len(text) > limit:
        raise Problem(422, f"'messages.{place}.content' has {len(text)} characters; at most {limit} are allowed",
                      kind="invalid-field", field=f"messages.{place}.content")
    conversation = body.user or f"chat-{_conversation_of(key)}"
    return InboundMessage(conversation, clean(text), channel="openai", payload=text if text.startswith("/") else None,
                          message_id=f"{conversation}/{clean(key)[:200]}" if key else "")


def _conversation_of(key: str) -> str:
    """A call without `user` that is repeated must find its own conversation again."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32] if key else secrets.token_urlsafe(18)


async def _stream(request: web.Request, message: InboundMessage, writer: _Writer) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8",
                                           "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    listening = True

    async def send(data: Json | str) -> None:
        nonlocal listening
        try:
            if listening:
                await response.write(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode())
        except ConnectionError:
            listening = False               # the reader left; the turn still has to be finished and kept

    written = ""

    async def on_delta(text: str) -> None:
        nonlocal written
        if text:
            written += text
            await send(writer.chunk({"content": text}))

    await send(writer.chunk({"role": "assistant", "content": ""}))
    try:
        replies = await answer(request.app, message, on_delta)
        if rest := _unwritten(written, replies):
            await send(writer.chunk({"content": rest}))
        await send(writer.chunk({}, finish="stop") | {"shopclerk": _extra(replies, message)})
        if writer.wants_usage:
            await send(writer.last(replies))
    except Exception as error:              # the status line is out: the error travels in the stream
        await send(openai_error(as_problem(error, "/v1/chat/completions")))
    await send("[DONE]")
    return response


class _Writer:
    """The answers to one request, as a whole or in chunks."""

    def __init__(self, body: ChatRequest, message: InboundMessage) -> None:
        self._head: Json = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()),
                            "model": body.model}
        self._message = message
        self.wants_usage = bool(body.stream_options and body.stream_options.include_usage)

    def completion(self, replies: Sequence[OutboundMessage]) -> Json:
        return self._head | {"object": "chat.completion", "choices": [{
            "index": 0, "message": {"role": "assistant", "content": as_text(replies), "refusal": None},
            "finish_reason": "stop", "logprobs": None}],
            "usage": self._usage(replies), "shopclerk": _extra(replies, self._message)}

    def chunk(self, delta: Json, finish: str | None = None) -> Json:
        usage: Json = {"usage": None} if self.wants_usage else {}
        return self._head | {"object": "chat.completion.chunk", "choices": [{
            "index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]} | usage

    def last(self, replies: Sequence[OutboundMessage]) -> Json:
        return self._head | {"object": "chat.completion.chunk", "choices": [], "usage": self._usage(replies)}

    def _usage(self, replies: Sequence[OutboundMessage]) -> Json:
        read, wrote = _tokens(self._message.text), _tokens(as_text(replies))
        return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}


def as_text(replies: Sequence[OutboundMessage]) -> str:
    """What is said first, because that is what was streamed; then cards, sources and choices, a line each."""
    said = [reply.text for reply in replies if reply.text]
    beside = [line for reply in replies for line in _beside(reply)]
    return "\n\n".join([*said, *(["\n".join(beside)] if beside else [])])


def _beside(reply: OutboundMessage) -> list[str]:
    lines = [f"- {card.title}" for card in reply.cards if card.title and card.title not in reply.text]
    lines += [f"[{s.number}] {s.title}" + (f" {s.url}" if s.url else "") for s in reply.sources]
    return lines + ([" · ".join(f"[{button.title}]" for button in reply.buttons)] if reply.buttons else [])


def _unwritten(written: str, replies: Sequence[OutboundMessage]) -> str:
    """What the deltas did not carry: the whole reply, or what stands behind its texts."""
    whole = as_text(replies)
    if whole.startswith(written):
        return whole[len(written):]
    beside = as_text([OutboundMessage("", r.buttons, r.cards, r.sources) for r in replies])
    return f"\n\n{beside}" if beside else ""


def _extra(replies: Sequence[OutboundMessage], message: InboundMessage) -> Json:
    """What a text cannot carry, for clients that know us."""
    return {"conversation_id": message.conversation_id,
            "messages": [message_to_rasa(reply, message.conversation_id) for reply in replies]}


def _tokens(text: str) -> int:
    return (len(text) + CHARS_PER_TOKEN - 1) // CHARS_PER_TOKEN


def _card() -> Json:
    return {"id": MODEL, "object": "model", "created": SINCE, "owned_by": "shopclerk"}
