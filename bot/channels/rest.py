"""Rasa's REST channel: `POST /webhooks/rest/webhook`, plain or streamed. It converts; the inbox does the rest."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.channels.access import PUBLIC
from bot.channels.answering import answer, signed_in
from bot.channels.limits import check_rate
from bot.channels.operations import JSON, Operations, body_of, query_of
from bot.channels.problem import as_problem, problem_document
from bot.channels.rasa import delta_to_rasa, message_to_rasa
from bot.channels.schemas import RasaMessage, RasaQuery, RasaReply, Status
from bot.channels.services import BY_CONVERSATION, SHOP
from bot.config import BotSettings
from bot.domain.message import InboundMessage

NDJSON = "application/x-ndjson"
routes = Operations("chat")


@routes.get("/webhooks/rest/", "Rasa's REST channel is there", PUBLIC, answer=Status)
async def health(_request: web.Request) -> web.Response:
    """As Rasa's own channel answers."""
    return web.json_response({"status": "ok"})


@routes.post("/webhooks/rest/webhook", "Say something (Rasa's REST channel)", PUBLIC, body=RasaMessage,
             query=RasaQuery, problems=(401, 503), answers={200: {
                 JSON: list[RasaReply], NDJSON: "one JSON object a line: deltas, then the reply's messages"}})
async def webhook(request: web.Request) -> web.StreamResponse:
    """One message in, the reply's bubbles out."""
    message = to_inbound(body_of(request, RasaMessage), request.app[SHOP].settings)
    check_rate(request.app[BY_CONVERSATION], message.conversation_id, "conversation")
    if query_of(request, RasaQuery).stream.lower() in ("true", "1"):
        return await _stream(request, message)
    replies = await answer(request.app, message)
    return web.json_response([message_to_rasa(reply, message.conversation_id) for reply in replies])


def to_inbound(said: RasaMessage, settings: BotSettings) -> InboundMessage:
    """Rasa's JSON to a message. Raises a 401 problem for a token that proves nothing."""
    metadata = said.metadata
    message_id = metadata.message_id if metadata else None
    return InboundMessage(
        conversation_id=said.sender, text=said.message, channel="rest",
        customer_id=signed_in(metadata.customer_token, settings, "metadata.customer_token") if metadata else None,
        # a client's id is unique within its conversation only; the inbox looks at (channel, id)
        message_id=f"{said.sender}/{message_id}" if message_id else "",
        locale=(metadata.locale if metadata else None) or None,
        payload=said.message.strip() if said.message.startswith("/") else None,
        page=(metadata.page if metadata else None) or {})


async def _stream(request: web.Request, message: InboundMessage) -> web.StreamResponse:
    """A JSON object a line: deltas while the reply is written, then its messages as Rasa streams them.

    A delta has no `text`, `buttons` or `custom`, so a client of Rasa's, which shows those, shows nothing twice.
    """
    response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-store",
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
        await send(delta_to_rasa(text, message.conversation_id))

    try:
        for reply in await answer(request.app, message, on_delta):
            await send({"type": "message"} | message_to_rasa(reply, message.conversation_id))
    except Exception as error:              # the status line is out: the problem travels in the stream
        told = problem_document(as_problem(error, "/webhooks/rest/webhook"))
        await send({"recipient_id": message.conversation_id} | told | {"type": "error", "problem": told["type"]})
    listening = False
    return response
