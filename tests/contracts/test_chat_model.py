"""Every chat model behind the border answers, streams, counts tokens and fails in one way: a tiny local model, and a
server that speaks OpenAI's protocol over real HTTP."""

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
from pydantic import BaseModel

from bot.config import LlmSettings
from bot.llm.budget import Breaker, TokenBudget
from bot.llm.calls import ModelCall, ModelFailed
from bot.llm.models import LazyModel, chat_model
from knowledge.errors import ConfigError

ASK = ("You are a shop's assistant.", "Where is my parcel?")


@dataclass
class OpenAiServer:
    """Answers `reply` word by word; `trouble` makes it fail."""

    reply: str = "Your parcel is on its way."
    trouble: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def completions(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        if self.trouble == "slow":
            await asyncio.sleep(5)
        if self.trouble in ("429", "500"):
            return web.json_response(
                {"error": {"message": "no", "type": "x"}}, status=int(self.trouble), headers={"retry-after": "0"}
            )
        if self.trouble == "garbage":
            return web.Response(text="<html>oops</html>", content_type="text/html")
        return await self._streamed(request) if body.get("stream") else web.json_response(self._whole())

    async def _streamed(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        words = self.reply.split(" ")
        for i, word in enumerate(words):
            delta = {"role": "assistant", "content": word + (" " if i + 1 < len(words) else "")}
            await self._send(response, {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            if self.trouble == "stalls":
                await asyncio.sleep(5)
            if self.trouble == "breaks":
                request.transport.close() if request.transport else None
                return response
        await self._send(response, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await self._send(
            response, {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}
        )
        await response.write(b"data: [DONE]\n\n")
        return response

    @staticmethod
    async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
        data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", **chunk}
        await response.write(f"data: {json.dumps(data)}\n\n".encode())

    def _whole(self) -> dict[str, Any]:
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "tiny",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": self.reply}}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
        }


@pytest.fixture
async def server() -> AsyncIterator[OpenAiServer]:
    state = OpenAiServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", state.completions)
    running = TestServer(app)
    await running.start_server()
    state.url = str(running.make_url("/v1"))
    yield state
    await running.close()


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of random weights with a tokenizer of a few words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = [
        "<unk>",
        "<s>",
        "</s>",
        "system",
        "user",
        "assistant",
        ":",
        *["Where", "is", "my", "parcel", "your", "on", "its", "way", "shop", "the", "a", "?", "."],
    ]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(7)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def local(folder: Path, adapter: str = "") -> Any:
    from bot.llm.transformers_chat import load

    return load(str(folder), adapter or None, max_new_tokens=12)


def remote(server: OpenAiServer, timeout_s: float = 2.0) -> Any:
    return chat_model("openai:tiny", LlmSettings(base_url=server.url), timeout_s)


# --- the contract ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["openai", "transformers"])
def model(request: pytest.FixtureRequest, server: OpenAiServer, tiny_model: Path) -> Any:
    return remote(server) if request.param == "openai" else local(tiny_model)


async def test_it_answers_whole_and_in_pieces_with_the_same_text(model: Any) -> None:
    call = ModelCall(model)
    pieces = [piece async for piece in call.stream(*ASK, "c1")]
    whole = await model.ainvoke([("system", ASK[0]), ("user", ASK[1])])
    assert "".join(pieces).strip() == whole.content.strip() != ""
    assert len(pieces) > 1


async def test_it_counts_tokens_for_the_budget(model: Any) -> None:
    call = ModelCall(model, budget=TokenBudget(per_conversation=5))
    await call.text(*ASK, "c1")
    assert call.budget.spent("c1") >= 12
    with pytest.raises(ModelFailed, match="budget"):
        await call.text(*ASK, "c1")
    assert await call.text(*ASK, "another")


async def test_a_reader_that_leaves_early_stops_it(model: Any) -> None:
    stream = ModelCall(model).stream(*ASK, "c1")
    assert await anext(stream)
    await stream.aclose()
    assert await ModelCall(model).text(*ASK, "c1")


async def test_stop_words_end_the_text(tiny_model: Path) -> None:
    model = local(tiny_model)
    whole = model.invoke("Where is my parcel ?").content
    stop = whole.split()[-1]
    assert model.invoke("Where is my parcel ?", stop=[stop]).content == whole[: whole.index(stop)]


# --- a server in trouble --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["429", "500", "garbage", "slow", "stalls", "breaks"])
async def test_trouble_has_one_face(server: OpenAiServer, trouble: str) -> None:
    server.trouble = trouble
    call = ModelCall(remote(server, 0.3), timeout_s=0.6)
    with pytest.raises(ModelFailed):
        await call.text(*ASK, "c1")


async def test_the_breaker_spares_a_server_that_is_down(server: OpenAiServer) -> None:
    server.trouble = "500"
    now = [0.0]
    call = ModelCall(remote(server), breaker=Breaker(failures=2, pause_s=10, now=lambda: now[0]))
    for _ in range(5):
        with pytest.raises(ModelFailed):
            await call.text(*ASK, "c1")
    asked = len(server.asked)
    assert asked == 2 * 2  # two calls, each tried twice
    server.trouble, now[0] = "", 11.0
    assert await call.text(*ASK, "c1") == server.reply
    assert len(server.asked) == asked + 1


class Choice(BaseModel):
    flow: str


async def test_structured_answers_are_parsed_or_fail(server: OpenAiServer, tiny_model: Path) -> None:
    server.reply = '{"flow": "track_order"}'
    assert await ModelCall(remote(server)).structured(Choice, *ASK, "c1") == Choice(flow="track_order")
    server.reply = "no JSON at all"
    with pytest.raises(ModelFailed):
        await ModelCall(remote(server)).structured(Choice, *ASK, "c1")
    with pytest.raises(ModelFailed):
        await ModelCall(local(tiny_model)).structured(Choice, *ASK, "c1")


async def test_thoughts_are_not_shown(server: OpenAiServer) -> None:
    server.reply = "<think> the customer wants </think>It is on its way."
    assert (await ModelCall(remote(server)).text(*ASK, "c1")).strip() == "It is on its way."


# --- settings -------------------------------------------------------------------------------------------------------


async def test_a_lazy_model_is_built_at_the_first_call(server: OpenAiServer) -> None:
    lazy = LazyModel("openai:tiny", LlmSettings(base_url=server.url))
    assert await ModelCall(lazy).text(*ASK, "c1") == server.reply
    assert lazy.build() is lazy.build()
    assert server.asked[0]["model"] == "tiny"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("gpt", "provider:name"),
        ("openai:", "provider:name"),
        ("openai:gpt-x", "llm.api_key"),
        ("transformers:/nowhere/at/all", "no such folder"),
        ("nobody:model", "nobody:model"),
    ],
)
def test_a_wrong_setting_names_its_remedy(spec: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match=says) as told:
        chat_model(spec, LlmSettings())
    assert "\n" not in str(told.value)


def test_openai_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None)
    with pytest.raises(ConfigError, match=r"pip install shopclerk\[scale\]"):
        chat_model("openai:gpt-x", LlmSettings())


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks for it
def test_a_lora_adapter_is_applied(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    peft = pytest.importorskip("peft", reason="LoRA needs shopclerk[train]")
    lora = peft.LoraConfig(target_modules=["q_proj"], r=2, init_lora_weights=False)
    tuned = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), lora)
    tuned.save_pretrained(tmp_path / "lora")
    with_adapter = local(tiny_model, str(tmp_path / "lora"))._model
    name = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(with_adapter.state_dict()[name], local(tiny_model)._model.state_dict()[name])
    with pytest.raises(ConfigError, match=r"adapter_config\.json"):
        local(tiny_model, str(tmp_path))


def test_a_prompt_that_does_not_fit_is_an_error_not_a_cut(tiny_model: Path) -> None:
    with pytest.raises(ValueError, match="the model reads 256"):
        local(tiny_model).invoke("parcel " * 400)
