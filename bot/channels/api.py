"""Our own HTTP interface: trackers, orders and handoffs for the shop's backend, conversations for our chat page."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.channels.auth import check_holder, needs_scope
from bot.channels.body import identifier, read_object, text_field
from bot.channels.limits import check_rate
from bot.channels.problem import Problem
from bot.channels.rasa import empty_tracker, tracker_to_rasa
from bot.channels.services import BY_CONVERSATION, SECRET, SHOP
from bot.channels.tokens import conversation_token
from bot.domain import events as ev
from bot.domain.tracker import Tracker
from bot.handoffs import Line, Waiting, lines, recent
from bot.ports import TrackerStore
from knowledge.native import order_to

PAGE = 1000
HISTORY = 10_000                           # events of a tracker that are shown, newest ones
routes = web.RouteTableDef()


@routes.get("/conversations/{sender}/tracker")
@needs_scope("tracker")
async def tracker(request: web.Request) -> web.Response:
    """Rasa's tracker; `?include_events=NONE` leaves the events out."""
    sender, store = request.match_info["sender"], request.app[SHOP].store
    found = await store.load(sender)
    if found is None:
        return web.json_response(empty_tracker(sender))
    wanted = request.query.get("include_events", "").upper() != "NONE"
    return web.json_response(tracker_to_rasa(found, await _history(store, found) if wanted else ()))


async def _history(store: TrackerStore, tracker: Tracker) -> list[ev.Stamped]:
    found: list[ev.Stamped] = []
    after = max(0, tracker.seq - HISTORY)
    while page := await store.events(tracker.conversation_id, after=after, limit=PAGE):
        found += page
        after = page[-1].seq
    return found


@routes.get("/api/v1/orders/{number}")
@needs_scope("orders")
async def order(request: web.Request) -> web.Response:
    """The order in the native format, read live."""
    number = request.match_info["number"]
    found = await request.app[SHOP].book.order_by_number(number)
    if found is None:
        raise Problem(404, f"no order '{number}'")
    return web.json_response(order_to(found))


@routes.get("/api/v1/handoffs")
@needs_scope("handoffs")
async def handoffs(request: web.Request) -> web.Response:
    """Conversations that wait for a person or are with one, longest waiting first."""
    waiting = await request.app[SHOP].handoffs.waiting()
    return web.json_response({"handoffs": [_waiting_json(w) for w in waiting]})


@routes.post("/api/v1/conversations/{id}/reply")
@needs_scope("handoffs")
async def reply(request: web.Request) -> web.Response:
    """`{"text", "agent"}`: a person speaks; the first reply takes the conversation over."""
    body, shop = await read_object(request), request.app[SHOP]
    text = text_field(body, "text", limit=shop.settings.limits.message_chars)
    if not text.strip():
        raise Problem(422, "'text' must not be empty", field="text")
    agent = identifier(body, "agent", required=False) or "agent"
    return web.json_response({"seq": await shop.handoffs.reply(request.match_info["id"], text, agent)})


@routes.post("/api/v1/conversations/{id}/close")
@needs_scope("handoffs")
async def close(request: web.Request) -> web.Response:
    return web.json_response({"seq": await request.app[SHOP].handoffs.close(request.match_info["id"])})


@routes.post("/api/v1/conversations/{id}/handback")
@needs_scope("handoffs")
async def handback(request: web.Request) -> web.Response:
    return web.json_response({"seq": await request.app[SHOP].handoffs.handback(request.match_info["id"])})


@routes.post("/api/v1/conversations")
async def begin(request: web.Request) -> web.Response:
    """A new conversation for a chat page: an id nobody can guess, and the token that lets the page read it."""
    conversation_id = secrets.token_urlsafe(18)
    token = conversation_token(request.app[SECRET], conversation_id)
    return web.json_response({"conversation_id": conversation_id, "token": token}, status=201)


@routes.get("/api/v1/conversations/{id}/messages")
async def messages(request: web.Request) -> web.Response:
    """What was said after `?after=seq`, and who holds the conversation; for the holder of its token."""
    conversation_id, store = request.match_info["id"], request.app[SHOP].store
    check_holder(request, conversation_id)
    check_rate(request.app[BY_CONVERSATION], f"read:{conversation_id}", "conversation")
    found = await store.load(conversation_id)
    if found is None:
        return web.json_response({"messages": [], "seq": 0, "mode": "bot"})
    after = request.query.get("after", "0")
    if not after.isdecimal() or len(after) > 18:
        raise Problem(422, "'after' must be a number", field="after")
    said = [line for line in lines(await recent(store, found)) if line.seq > int(after)]
    return web.json_response({"messages": [_line_json(line) for line in said], "seq": found.seq,
                              "mode": found.mode.value})


def _line_json(line: Line) -> dict[str, Any]:
    return {"seq": line.seq, "at": line.at, "from": line.sender, "text": line.text} | dict(line.data)


def _waiting_json(waiting: Waiting) -> dict[str, Any]:
    tracker = waiting.tracker
    return {
        "conversation_id": tracker.conversation_id, "mode": tracker.mode.value,
        "reason": waiting.reason, "summary": waiting.summary,
        "since": datetime.fromtimestamp(tracker.mode_since, UTC).isoformat().replace("+00:00", "Z"),
        "agent": tracker.agent or None, "customer_id": tracker.customer_id,
        "channel": tracker.channel, "locale": tracker.locale,
        "transcript": [{k: v for k, v in asdict(line).items() if k != "data"} for line in waiting.transcript],
    }
