"""Rasa's REST channel: `POST /webhooks/rest/webhook`, plain or streamed. It converts; the inbox does the rest."""

from __future__ import annotations

import json
import time
from typing import Any

from aiohttp import web

from bot.channels.body import identifier, read_object, text_field
from bot.channels.limits import check_rate
from bot.channels.problem import Problem, as_problem, problem_document
from bot.channels.rasa import message_to_rasa
from bot.channels.services import BY_CONVERSATION, METRICS, SHOP, TURNS, OpenShop
from bot.channels.tokens import BadToken, customer_of
from bot.config import BotSettings
from bot.domain.message import InboundMessage, OutboundMessage
from bot.handoffs import pushed_before, recent
from bot.ports import OnDelta
from bot.texts import say

PAGE_BYTES = 20_000
routes = web.RouteTableDef()


@routes.post("/webhooks/rest/webhook")
async def webhook(request: web.Request) -> web.StreamResponse:
    """One message in, the reply's bubbles out."""
    message = to_inbound(await read_object(request), request.app[SHOP].settings)
    check_rate(request.app[BY_CONVERSATION], message.conversation_id, "conversation")
    if request.query.get("stream", "").lower() in ("true", "1"):
        return await _stream(request, message)
    replies = await _turn(request.app, message)
    return web.json_response([message_to_rasa(reply, message.conversation_id) for reply in replies])


def to_inbound(body: dict[str, Any], settings: BotSettings) -> InboundMessage:
    """Rasa's JSON to a message. Raises a problem naming the field, or 401 for a token that proves nothing."""
    sender = identifier(body, "sender")
    text = text_field(body, "message", limit=settings.limits.message_chars)
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise Problem(422, "'metadata' must be a JSON object", field="metadata")
    message_id = identifier(metadata, "message_id", required=False)
    return InboundMessage(
        conversation_id=sender, text=text, channel="rest", customer_id=_customer(metadata, settings),
        # a client's id is unique within its conversation only; the inbox looks at (channel, id)
        message_id=f"{sender}/{message_id}" if message_id else "",
        locale=identifier(metadata, "locale", limit=35, required=False) or None,
        payload=text.strip() if text.startswith("/") else None, page=_page(metadata))


def _customer(metadata: dict[str, Any], settings: BotSettings) -> str | None:
    token = metadata.get("customer_token")
    if token is None or token == "":
        return None
    try:
        if not isinstance(token, str):
            raise BadToken("the customer token must be a text")
        return customer_of(token, settings.customer_token)
    except BadToken as error:
        raise Problem(401, str(error), field="metadata.customer_token") from None


def _page(metadata: dict[str, Any]) -> dict[str, Any]:
    """Where the customer is on the shop's site; a plain URL is fine too."""
    page = metadata.get("page") or {}
    if isinstance(page, str):
        page = {"url": page}
    if not isinstance(page, dict) or len(json.dumps(page)) > PAGE_BYTES:
        raise Problem(422, f"'metadata.page' must be a JSON object of at most {PAGE_BYTES} bytes",
                      field="metadata.page")
    return page


async def _turn(app: web.Application, message: InboundMessage,
                on_delta: OnDelta | None = None) -> list[OutboundMessage]:
    """The turn within its time limit, preceded by what a person said since the customer's last message."""
    shop, metrics, started = app[SHOP], app[METRICS], time.perf_counter()
    outcome = "answered"
    try:
        missed = await _missed(shop, message.conversation_id)
        replies = await app[TURNS].within(shop.inbox.receive(message, on_delta))
        outcome = "answered" if replies else "silent"
        return [*missed, *replies]
    except TimeoutError:
        outcome = "timeout"
        return [OutboundMessage(say("utter_turn_timeout", message.locale or shop.settings.locale),
                                custom={"responses": ["utter_turn_timeout"]})]
    except Exception:
        outcome = "failed"
        raise
    finally:
        metrics.count("shopclerk_turns_total", channel="rest", outcome=outcome)
        metrics.observe("shopclerk_turn_seconds", time.perf_counter() - started, channel="rest")


async def _missed(shop: OpenShop, conversation_id: str) -> list[OutboundMessage]:
    """A REST client cannot be called, so an agent's words come along with the next answer."""
    tracker = await shop.store.load(conversation_id)
    if tracker is None or not tracker.mode_since:       # never handed over: nothing to look for
        return []
    history = await recent(shop.store, tracker)
    return [OutboundMessage(line.text, sender=line.sender, custom=line.custom | {"pushed": True, "seq": line.seq})
            for line in pushed_before(history, tracker.seq)]


async def _stream(request: web.Request, message: InboundMessage) -> web.StreamResponse:
    """Newline-delimited JSON: `delta` lines while the reply is written, then its `message` lines."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store",
                                           "X-Accel-Buffering": "no"})
    await response.prepare(request)

    listening = True

    async def send(line: dict[str, Any]) -> None:
        nonlocal listening
        try:
            if listening:
                await response.write(json.dumps(line).encode() + b"\n")
        except ConnectionError:
            listening = False               # the reader left; the turn still has to be finished and kept

    async def on_delta(text: str) -> None:
        await send({"type": "delta", "text": text})

    try:
        for reply in await _turn(request.app, message, on_delta):
            await send({"type": "message"} | message_to_rasa(reply, message.conversation_id))
    except Exception as error:              # the status line is out: the problem travels in the stream
        problem = as_problem(error, request.path)
        await send(problem_document(problem) | {"type": "error"})
    listening = False
    return response
