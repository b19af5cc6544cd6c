"""Inbound messages to JSON and back: how a message is kept between its acceptance and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.domain.message import InboundMessage


def message_to_json(message: InboundMessage) -> dict[str, Any]:
    return asdict(message) | {"received_at": message.received_at.isoformat()}


def message_from_json(data: Mapping[str, Any]) -> InboundMessage:
    return InboundMessage(**{**data, "received_at": datetime.fromisoformat(data["received_at"])})
