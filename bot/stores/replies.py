"""Outbound messages to JSON and back: how a reply is remembered for a repeated message id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.message import Button, Card, OutboundMessage, Source
from bot.domain.plain import plain


def reply_to_json(message: OutboundMessage) -> dict[str, Any]:
    return plain(message)


def reply_from_json(data: Mapping[str, Any]) -> OutboundMessage:
    return OutboundMessage(
        text=data["text"], buttons=tuple(Button(**b) for b in data["buttons"]),
        cards=tuple(Card(**c) for c in data["cards"]), sources=tuple(Source(**s) for s in data["sources"]),
        image=data["image"], sender=data["sender"], custom=data["custom"])
