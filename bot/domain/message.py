"""Messages, rich and channel-neutral. A channel turns them into what its platform can show; every one degrades to text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What a shopper sent. `customer_id` is set only by a channel that verified it."""

    conversation_id: str
    text: str
    message_id: str = ""  # the client's id, makes it idempotent; "" when it has none
    channel: str = "rest"
    customer_id: str | None = None
    locale: str | None = None
    payload: str | None = None  # a pressed button's payload, sent instead of words
    page: Mapping[str, Any] = field(default_factory=dict)  # {"url", "title", "product_id", "cart"}: where they are
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Button:
    title: str
    payload: str


@dataclass(frozen=True, slots=True)
class Card:
    """Something to look at: kind "product", "order", "confirmation", "case" or "compare"; `data` is JSON-able."""

    kind: str
    title: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """What a statement rests on; `number` is the citation mark in the text."""

    number: int
    id: str
    title: str
    kind: str
    quote: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One bubble from the assistant (or, with sender "agent", from a person)."""

    text: str
    buttons: tuple[Button, ...] = ()
    cards: tuple[Card, ...] = ()
    sources: tuple[Source, ...] = ()
    image: str | None = None
    sender: str = "assistant"
    custom: Mapping[str, Any] = field(default_factory=dict)  # {"responses": [...], …}: what was said, for machines
