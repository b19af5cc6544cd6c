"""A turn for callers who wait for its reply (Rasa's REST channel, OpenAI's): time limit, missed messages, metrics."""

from __future__ import annotations

import time

from aiohttp import web

from bot.channels.problem import Problem
from bot.channels.services import METRICS, SHOP, TURNS, OpenShop
from bot.channels.tokens import BadToken, customer_of
from bot.config import BotSettings
from bot.domain.message import InboundMessage, OutboundMessage
from bot.handoffs import pushed_before
from bot.ports import OnDelta
from bot.texts import say


async def answer(app: web.Application, message: InboundMessage,
                 on_delta: OnDelta | None = None) -> list[OutboundMessage]:
    """The turn within its time limit, preceded by what a person said since the customer's last message."""
    shop, metrics, started = app[SHOP], app[METRICS], time.perf_counter()
    outcome = "answered"
    try:
        missed, replies = await app[TURNS].within(_turn(shop, message, on_delta))
        outcome = "answered" if replies else "silent"
        return [*missed, *replies]
    except TimeoutError:
        outcome = "timeout"
        return [OutboundMessage(say("utter_turn_timeout", message.locale or shop.settings.locale),
                                custom={"responses": ["utter_turn_timeout"]})]
    except Problem:
        outcome = "refused"                 # no room for it
        raise
    except Exception:
        outcome = "failed"
        raise
    finally:
        metrics.turn(message.channel, outcome, time.perf_counter() - started)


async def _turn(shop: OpenShop, message: InboundMessage, on_delta: OnDelta | None
                ) -> tuple[list[OutboundMessage], tuple[OutboundMessage, ...]]:
    """All that asks the store, so that the limit of turns at once bounds it too."""
    missed = await _missed(shop, message.conversation_id)
    return missed, await shop.inbox.receive(message, on_delta, _kept)


async def _kept() -> None:
    """Nothing to be told: a caller who is answered too late must find the reply later, also after a crash."""


async def _missed(shop: OpenShop, conversation_id: str) -> list[OutboundMessage]:
    """Such a caller cannot be called, so an agent's words come along with the next answer."""
    tracker = await shop.store.load(conversation_id)
    if tracker is None or not tracker.mode_since:       # never handed over: nothing to look for
        return []
    history = await shop.store.events(conversation_id, after=max(0, tracker.heard_seq - 1))
    return [OutboundMessage(line.text, sender=line.sender, custom=line.custom | {"pushed": True, "seq": line.seq})
            for line in pushed_before(history, tracker.seq)]


def signed_in(token: object, settings: BotSettings, field: str) -> str | None:
    """The customer a token proves; None without one. Raises a 401 problem for a token that proves nothing."""
    if token is None or token == "":
        return None
    try:
        if not isinstance(token, str):
            raise BadToken("the customer token must be a text")
        return customer_of(token, settings.customer_token)
    except BadToken as error:
        raise Problem(401, str(error), kind="bad-customer-token", field=field) from None
