"""Server-sent events: the widget's way where no WebSocket gets through (WHATWG HTML, "Server-sent events").

`event` is the frame's type, `data` its JSON, `id` the seq of a message, from which a reader resumes.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.channels.connection import GONE, TOO_SLOW
from bot.channels.frames import Frame, text_of

EVENT_STREAM = "text/event-stream"
_HEADERS = {"Content-Type": f"{EVENT_STREAM}; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def wants_stream(request: web.Request) -> bool:
    return EVENT_STREAM in request.headers.get("Accept", "")


def event_text(frame: Frame) -> str:
    """One event. JSON holds no bare line break, so `data` is one line."""
    mark = f"id: {frame['seq']}\n" if frame["type"] == "message" else ""
    return f"event: {frame['type']}\n{mark}data: {text_of(frame)}\n\n"


class StreamCarrier:
    """A `Carrier` over a response that stays open."""

    def __init__(self, response: web.StreamResponse, transport: asyncio.Transport | None) -> None:
        self._response, self._transport = response, transport

    async def send(self, frame: Frame) -> None:
        await self._response.write(event_text(frame).encode())

    async def close(self, code: int, reason: str) -> None:
        """There is no close code in HTTP: the connection ends, and the reader comes back."""
        if self._transport is not None:
            self._transport.abort() if code in (TOO_SLOW, GONE) else self._transport.close()


async def open_stream(request: web.Request) -> tuple[web.StreamResponse, StreamCarrier]:
    """The head is sent: from here on errors travel as frames."""
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    return response, StreamCarrier(response, request.transport)
