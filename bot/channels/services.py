"""What the HTTP handlers need from the open shop, and the typed keys under which the application keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web

from bot.channels.connection import Connection
from bot.channels.limits import TokenBuckets
from bot.channels.metrics import Metrics
from bot.channels.turns import Turns
from bot.config import BotSettings
from bot.domain.message import InboundMessage, OutboundMessage
from bot.engine.inbox import OnKept
from bot.feed import ConversationFeed
from bot.feedback import Feedback
from bot.handoffs import Handoffs
from bot.observer import LogObserver
from bot.ports import OnDelta, TrackerStore
from knowledge.ports import OrderBook


class Receiver(Protocol):
    async def receive(self, message: InboundMessage, on_delta: OnDelta | None = None,
                      on_kept: OnKept | None = None) -> tuple[OutboundMessage, ...]:
        """The reply; empty while a person holds the conversation. The same message id gets the same reply."""
        ...


class Keys(Protocol):
    async def verify(self, text: str) -> Any:
        """The API key (with `scopes`) that this text opens, or None."""
        ...


class OpenShop(Protocol):
    """One shop, opened: the part of it that the channels use."""

    @property
    def settings(self) -> BotSettings: ...
    @property
    def inbox(self) -> Receiver: ...
    @property
    def store(self) -> TrackerStore: ...
    @property
    def book(self) -> OrderBook: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def handoffs(self) -> Handoffs: ...
    @property
    def feed(self) -> ConversationFeed: ...
    @property
    def feedback(self) -> Feedback: ...
    @property
    def observer(self) -> LogObserver: ...

    async def queues(self) -> Mapping[str, int]:
        """What waits in the store, by name."""
        ...


SHOP = web.AppKey("shop", OpenShop)
SECRET = web.AppKey("secret", bytes)
METRICS = web.AppKey("metrics", Metrics)
TURNS = web.AppKey("turns", Turns)
BY_ADDRESS = web.AppKey("by_address", TokenBuckets)
BY_CONVERSATION = web.AppKey("by_conversation", TokenBuckets)
OPEN: web.AppKey[set[Connection]] = web.AppKey("open", set)
