"""Conversation events as the widget's frames. Pure functions: no socket, no store.

A frame is a JSON object with a `type`; what is empty is left out. `message` frames carry the event's `seq`, by which
a client resumes and tells doubles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bot.domain.events import Stamped
from bot.handoffs import Line, lines

Frame = dict[str, Any]
_RICH = ("buttons", "cards", "sources", "image", "agent", "custom")


def message_frames(history: Sequence[Stamped], conversation_id: str) -> list[Frame]:
    """What was said, out of all that happened."""
    return [{"type": "message"} | line_json(line, conversation_id) for line in lines(list(history))]


def line_json(line: Line, conversation_id: str) -> Frame:
    """One bubble. `client_id` is the customer's own id of it."""
    found: Frame = {"seq": line.seq, "at": line.at, "from": line.sender, "text": line.text}
    found |= {name: line.data[name] for name in _RICH if line.data.get(name)}
    if (message_id := line.data.get("message_id", "")).startswith(f"{conversation_id}/"):
        found["client_id"] = message_id.removeprefix(f"{conversation_id}/")
    return found


def inbox_id(conversation_id: str, client_id: str) -> str:
    """A client's id is unique within its conversation only; the inbox looks at (channel, id)."""
    return f"{conversation_id}/{client_id}" if client_id else ""


def ready(seq: int, mode: str) -> Frame:
    return {"type": "ready", "seq": seq, "mode": mode}


def error(code: str, message: str, client_id: str = "", **more: Any) -> Frame:
    """`code` is one of bad_frame, unauthorized, rate_limited, overloaded, too_long, stopping, failed."""
    return {"type": "error", "code": code, "message": message} | ({"client_id": client_id} if client_id else {}) | more


def text_of(frame: Frame) -> str:
    return json.dumps(frame, separators=(",", ":"))
