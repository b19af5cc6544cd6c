"""`openai:` against a server that speaks the protocol over real HTTP with weights of our own: whole, streamed, tool calls,
and a server that is too busy, broken or slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.config import LlmSettings
from bot.llm.calls import ModelCall, ModelFailed
from bot.llm.embedded import EmbeddedModel
from bot.llm.embedded_grammar import Choices
from bot.llm.ladder import CallLadder
from bot.llm.models import chat_model
from tests.tiny_llm import tiny_llm

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TOOL = {
    "type": "function",
    "function": {
        "name": "track_order",
        "description": "where an order is",
        "parameters": {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]},
    },
}


@dataclass
class Server:
    """Chat completions by the model. `troubles` are met first, one per request."""

    model: EmbeddedModel
    troubles: list[str] = field(default_factory=list)
    asked: int = 0
    left: int = 0
    url: str = ""

    async def completions(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        body = await request.json()
        trouble = self.troubles.pop(0) if self.troubles else ""
        if trouble.isdigit():
            return web.json_response({"error": {"message": "no"}}, status=int(trouble), headers={"retry-after": "0"})
        if trouble == "slow":
            await asyncio.sleep(3)
        most = body.get("max_completion_tokens") or body["max_tokens"]  # OpenAI's newer name, and the old one
        prompt = self.model.prompt([(m["role"], m["content"]) for m in body["messages"] if m["content"]])
        if body.get("tools"):
            return await self._tool_call(prompt)
        if body.get("stream"):
            return await self._streamed(request, prompt, most, trouble)
        written = await self.model.write(prompt, most)
        return self._answer({"role": "assistant", "content": written.text}, len(prompt), written.tokens, "stop")

    async def _tool_call(self, prompt: list[str]) -> web.Response:
        """The model chooses among the calls that there are."""
        calls = ['{"number": "#W1"}', '{"number": "#W2"}']
        chosen = await self.model.constrained(prompt, Choices([self.model.tokens(c) for c in calls], self.model.end))
        function = {"name": "track_order", "arguments": self.model.text(chosen.tokens)}
        said = {"role": "assistant", "content": None, "tool_calls": [{"id": "t1", "type": "function", "function": function}]}
        return self._answer(said, len(prompt), len(chosen.tokens), "tool_calls")

    @staticmethod
    def _answer(message: dict[str, Any], read: int, wrote: int, reason: str) -> web.Response:
        usage = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
        choice = {"index": 0, "finish_reason": reason, "message": message}
        return web.json_response(
            {"id": "c", "object": "chat.completion", "created": 1, "model": "own", "choices": [choice], "usage": usage}
        )

    async def _streamed(self, request: web.Request, prompt: list[str], most: int, trouble: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)

        async def send(**chunk: Any) -> None:
            data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "own", **chunk}
            await response.write(f"data: {json.dumps(data)}\n\n".encode())

        wrote, pieces = 0, self.model.stream(prompt, most)
        try:
            async for piece in pieces:
                wrote += piece.tokens
                await send(choices=[{"index": 0, "delta": {"role": "assistant", "content": piece.text}}])
                if trouble == "stalls":
                    await asyncio.sleep(3)
        except (ConnectionError, asyncio.CancelledError):
            self.left += 1
            raise
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]
        await send(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        usage = {"prompt_tokens": len(prompt), "completion_tokens": wrote, "total_tokens": len(prompt) + wrote}
        await send(choices=[], usage=usage)
        await response.write(b"data: [DONE]\n\n")
        return response


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llm(tmp_path_factory.mktemp("llm"))


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[Server]:
    state = Server(EmbeddedModel.open(folder, workers=1))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", state.completions)
    running = TestServer(app)
    await running.start_server()
    state.url = str(running.make_url("/v1"))
    yield state
    await running.close()
    state.model.close()


def remote(server: Server, timeout_s: float = 10.0) -> Any:
    return chat_model("openai:own", LlmSettings(base_url=server.url), timeout_s).bind(max_tokens=25)


async def test_it_says_what_the_same_weights_say_here(server: Server) -> None:
    own = await server.model.write(server.model.prompt([("user", "where is my order")]), 25)
    model: Any = remote(server)
    whole = await model.ainvoke([("user", "where is my order")])
    pieces = [piece async for piece in ModelCall(model).stream("", "where is my order")]
    assert whole.content == "".join(pieces) and len(pieces) > 5
    assert whole.content == own.text
    assert whole.usage_metadata["output_tokens"] == own.tokens


async def test_tool_calls_come_through_with_their_arguments(server: Server) -> None:
    model: Any = chat_model("openai:own", LlmSettings(base_url=server.url), 10.0)
    answer = await model.bind_tools([TOOL]).ainvoke([("user", "where is #W2")])
    assert answer.tool_calls[0]["name"] == "track_order" and answer.tool_calls[0]["args"]["number"] in ("#W1", "#W2")


@pytest.mark.parametrize("trouble", ["429", "500", "503"])
async def test_a_refusal_is_tried_once_more(server: Server, trouble: str) -> None:
    server.troubles = [trouble]
    assert await ModelCall(remote(server)).text("", "where is my order")
    assert server.asked == 2


@pytest.mark.parametrize("trouble", ["429", "500", "503", "slow", "stalls"])
async def test_what_stays_down_brings_the_next_rung(server: Server, trouble: str, folder: Path) -> None:
    from bot.llm.embedded_chat import load

    server.troubles = [trouble] * 3
    small = load(str(folder), max_tokens=10, workers=1)
    outcomes: list[str] = []
    large = ModelCall(remote(server, 0.5), timeout_s=0.4, report=outcomes.append)
    ladder = CallLadder([large, ModelCall(small)])
    if trouble == "stalls":  # it had begun to speak: what was shown stands, and the caller hears of the failure
        with pytest.raises(ModelFailed):
            await ladder.text("", "where is my order")
    else:
        assert await ladder.text("", "where is my order")
    assert outcomes in (["failed"], ["timeout"])
    small.model.close()
