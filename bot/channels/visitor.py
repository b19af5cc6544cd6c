"""A visitor of the shop's site says something: from what the widget sent to a turn, whatever carried it."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from bot.channels.answering import signed_in
from bot.channels.fields import MESSAGE_CHARS
from bot.channels.frames import inbox_id
from bot.channels.limits import check_rate
from bot.channels.problem import Problem
from bot.channels.schemas import WidgetMessage
from bot.channels.services import BY_CONVERSATION, METRICS, SHOP, TURNS
from bot.domain.message import InboundMessage, OutboundMessage
from bot.engine.inbox import OnKept

CHANNEL = "widget"


async def say(app: web.Application, message: InboundMessage, on_kept: OnKept) -> tuple[OutboundMessage, ...]:
    """One turn. Whoever looks at the conversation sees the reply being written, and the reply itself.

    Raises a 429 or 503 problem when there is no room for it: nothing was kept then. Raises TimeoutError for a turn that
    goes on beyond its time: its reply will come by the feed.
    """
    shop = app[SHOP]
    check_rate(app[BY_CONVERSATION], message.conversation_id, "conversation")

    async def on_delta(text: str) -> None:
        shop.feed.passing(message.conversation_id, {"type": "delta", "text": text})

    started, outcome = time.perf_counter(), "failed"
    try:
        replies = await app[TURNS].within(shop.inbox.receive(message, on_delta, on_kept))
        outcome = "answered" if replies else "silent"
        return replies
    except TimeoutError:
        outcome = "timeout"
        raise
    except Problem:
        outcome = "refused"
        raise
    finally:
        app[METRICS].turn(CHANNEL, outcome, time.perf_counter() - started)


def inbound(conversation_id: str, sent: WidgetMessage, customer_id: str | None, locale: str | None) -> InboundMessage:
    """What the widget sent, as the engine takes it."""
    return InboundMessage(
        conversation_id=conversation_id, text=sent.text, channel=CHANNEL, customer_id=customer_id,
        message_id=inbox_id(conversation_id, sent.client_id), locale=sent.locale or locale,
        payload=sent.payload or None, page=sent.page or {})


def customer(app: web.Application, token: Any) -> str | None:
    """The customer whom a token of the shop's site vouches for; None without one. Raises a 401 problem."""
    return signed_in(token, app[SHOP].settings, "customer_token")


def reading_context(app: web.Application) -> dict[str, int]:
    """What the models of messages need to know of this shop's limits."""
    return {MESSAGE_CHARS: app[SHOP].settings.limits.message_chars}
