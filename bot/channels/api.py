"""Our own HTTP interface for the shop's backend: trackers, orders and handoffs, each behind an API key's scope."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.channels.access import key_with
from bot.channels.operations import Operations, body_of, query_of
from bot.channels.problem import Problem
from bot.channels.rasa import empty_tracker, tracker_to_rasa
from bot.channels.schemas import AgentReply, Committed, Handoffs, Order, RasaTracker, TrackerQuery
from bot.channels.services import SHOP
from bot.domain import events as ev
from bot.domain.tracker import Tracker
from bot.handoffs import Waiting
from bot.ports import TrackerStore
from knowledge.native import order_to

PAGE = 1000
HISTORY = 10_000                           # events of a tracker that are shown, newest ones
ID = "/api/v1/conversations/{id}"
routes = Operations("backend")


@routes.get("/conversations/{sender}/tracker", "A conversation's state, as Rasa tells it", key_with("tracker"),
            query=TrackerQuery, answer=RasaTracker)
async def tracker(request: web.Request) -> web.Response:
    """Rasa's tracker; `?include_events=NONE` leaves the events out."""
    sender, store = request.match_info["sender"], request.app[SHOP].store
    found = await store.load(sender)
    if found is None:
        return web.json_response(empty_tracker(sender))
    wanted = query_of(request, TrackerQuery).include_events.upper() != "NONE"
    return web.json_response(tracker_to_rasa(found, await _history(store, found) if wanted else ()))


async def _history(store: TrackerStore, tracker: Tracker) -> list[ev.Stamped]:
    found: list[ev.Stamped] = []
    after = max(0, tracker.seq - HISTORY)
    while page := await store.events(tracker.conversation_id, after=after, limit=PAGE):
        found += page
        after = page[-1].seq
    return found


@routes.get("/api/v1/orders/{number}", "An order in the native format", key_with("orders"), answer=Order,
            problems=(404,))
async def order(request: web.Request) -> web.Response:
    """The order in the native format, read live."""
    number = request.match_info["number"]
    found = await request.app[SHOP].book.order_by_number(number)
    if found is None:
        raise Problem(404, f"no order '{number}'")
    return web.json_response(order_to(found))


@routes.get("/api/v1/handoffs", "Conversations that wait for a person or are with one", key_with("handoffs"),
            answer=Handoffs, tag="handoffs")
async def handoffs(request: web.Request) -> web.Response:
    """Conversations that wait for a person or are with one, longest waiting first."""
    waiting = await request.app[SHOP].handoffs.waiting()
    return web.json_response({"handoffs": [_waiting_json(w) for w in waiting]})


@routes.post(f"{ID}/reply", "Speak to the customer; takes the conversation over", key_with("handoffs"),
             body=AgentReply, answer=Committed, problems=(404, 409), tag="handoffs")
async def reply(request: web.Request) -> web.Response:
    """A person speaks; the first reply takes the conversation over."""
    said, handoffs = body_of(request, AgentReply), request.app[SHOP].handoffs
    return web.json_response({"seq": await handoffs.reply(request.match_info["id"], said.text, said.agent or "agent")})


@routes.post(f"{ID}/close", "Settled: back to the assistant with nothing left open", key_with("handoffs"),
             answer=Committed, problems=(404, 409), tag="handoffs")
async def close(request: web.Request) -> web.Response:
    return web.json_response({"seq": await request.app[SHOP].handoffs.close(request.match_info["id"])})


@routes.post(f"{ID}/handback", "Let the assistant go on where it was", key_with("handoffs"), answer=Committed,
             problems=(404, 409), tag="handoffs")
async def handback(request: web.Request) -> web.Response:
    return web.json_response({"seq": await request.app[SHOP].handoffs.handback(request.match_info["id"])})


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
