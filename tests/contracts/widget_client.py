"""A client of the widget's protocol, as strict as a client can be: every frame must be one the contract names."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType

FRAMES = {"ready", "ack", "typing", "delta", "message", "resync", "error"}
Frame = dict[str, Any]


class Widget:
    """One open socket."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **frame: Any) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def say(self, client_id: str, text: str, **more: Any) -> None:
        await self.send(type="message", client_id=client_id, text=text, **more)

    async def frame(self) -> Frame:
        """The next frame; fails when the socket ends or is silent for long."""
        message = await asyncio.wait_for(self.socket.receive(), 10)
        assert message.type is WSMsgType.TEXT, (message.type, message.data, message.extra)
        frame = json.loads(message.data)
        assert frame["type"] in FRAMES, frame
        return frame

    async def until(self, kind: str, **having: Any) -> list[Frame]:
        """The frames up to the first of this kind that has these values."""
        seen: list[Frame] = []
        while True:
            seen.append(await self.frame())
            if seen[-1]["type"] == kind and all(seen[-1].get(k) == v for k, v in having.items()):
                return seen

    async def close_code(self) -> int:
        """Of a socket that the server ends: whatever it still says is passed over."""
        while (message := await asyncio.wait_for(self.socket.receive(), 10)).type is WSMsgType.TEXT:
            pass
        assert message.type is WSMsgType.CLOSE, message
        return int(message.data)


def said(frames: list[Frame]) -> list[tuple[str, str]]:
    """(from, text) of the messages among the frames."""
    return [(f["from"], f["text"]) for f in frames if f["type"] == "message"]
