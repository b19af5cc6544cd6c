"""A language model that repeats what it is told, some of it slowly: it makes turns take as long as a test needs.

It speaks as much of OpenAI's protocol as the assistant asks of it (`llm.rephrase`, streamed).
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

HELD = "hold the line"  # a customer's message with these words is answered when the test says so
_MESSAGE = re.compile(r"<message>\n(.*?)\n</message>", re.DOTALL)


def now_and_then(message: str) -> float:
    """Seconds the model takes: nothing mostly, long enough to be accepted first for one in eight, longer for a few."""
    chance = zlib.crc32(message.encode()) % 100
    return 1.5 if chance < 2 else 0.35 + chance / 30 if chance < 12 else 0.0


class SlowModel:
    """Use as an async context manager; `settings` point a server at it."""

    def __init__(self, takes_s: Callable[[str], float] = now_and_then) -> None:
        self._takes_s, self.held, self.asked = takes_s, asyncio.Event(), 0
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        self._server = TestServer(app)

    async def __aenter__(self) -> SlowModel:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.held.set()
        await self._server.close()

    @property
    def settings(self) -> dict[str, str]:
        return {"SHOPCLERK__LLM__REPHRASE": "openai:parrot", "SHOPCLERK__LLM__API_KEY": "none",
                "SHOPCLERK__LLM__BASE_URL": f"http://127.0.0.1:{self._server.port}/v1"}

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = (await request.json())["messages"][-1]["content"]
        self.asked += 1
        found = _MESSAGE.search(asked)
        message = found[1] if found else ""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await self._wait(response, message)
            await _send(response, {"delta": {"content": asked.partition("Drafts:\n")[2]}, "finish_reason": None})
            await _send(response, {"delta": {}, "finish_reason": "stop"}, total_tokens=1)
            await response.write(b"data: [DONE]\n\n")
        except ConnectionError:
            pass  # who asked was killed
        return response

    async def _wait(self, response: web.StreamResponse, message: str) -> None:
        """In pieces, so that nobody takes the silence for a broken connection."""
        await asyncio.sleep(self._takes_s(message))
        while HELD in message and not self.held.is_set():
            await _send(response, {"delta": {"content": ""}, "finish_reason": None})
            try:
                await asyncio.wait_for(self.held.wait(), 1.0)
            except TimeoutError:
                continue


async def _send(response: web.StreamResponse, choice: dict[str, Any], **usage: int) -> None:
    counts = {"usage": {"prompt_tokens": 0, "completion_tokens": 1} | usage} if usage else {}
    data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "parrot",
            "choices": [{"index": 0} | choice]} | counts
    await response.write(f"data: {json.dumps(data)}\n\n".encode())
