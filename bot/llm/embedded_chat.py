"""The embedded model as a LangChain chat model. It knows messages and the artifact's rules of pointing, no task.

Where a prompt has no tags and the artifact has rules (`spans.json`), values are marked before and filled in after.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from bot.llm.embedded import EmbeddedModel
from bot.llm.embedded_batches import Decoding
from bot.llm.embedded_folder import SHIPPED
from bot.llm.spans import fill

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_MOST = 200  # tokens of a reply


class EmbeddedChat(BaseChatModel):
    """`temperature` 0 is greedy; `temperature`, `max_tokens` and `stop` may be given with a call."""

    folder: str
    max_tokens: int = _MOST
    temperature: float = 0.0
    timeout_s: float = math.inf
    _model: EmbeddedModel = PrivateAttr()

    @property
    def _llm_type(self) -> str:
        return "embedded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"folder": self.folder}

    @property
    def model(self) -> EmbeddedModel:
        """The engine: decoding under a grammar and scores are its."""
        return self._model

    def holding(self, model: EmbeddedModel) -> EmbeddedChat:
        """Give it the loaded weights."""
        self._model = model
        return self

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        prompt, values = self._asked(messages)
        most, decoding = self._way(kwargs)
        written = await self._model.write(prompt, most, decoding, self.timeout_s)
        return _result(_cut(fill(written.text, values) if values else written.text, stop), len(prompt), written.tokens)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        prompt, values = self._asked(messages)
        most, decoding = self._way(kwargs)
        tokens = self._model.start(prompt, most, decoding, timeout_s=self.timeout_s).result()
        text = self._model.text(tokens)
        return _result(_cut(fill(text, values) if values else text, stop), len(prompt), len(tokens))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """In one piece: whoever blocks a thread waits for the whole reply anyway."""
        message = self._generate(messages, stop, run_manager, **kwargs).generations[0].message
        assert isinstance(message, AIMessage)
        yield ChatGenerationChunk(
            message=AIMessageChunk(content=str(message.content), usage_metadata=message.usage_metadata)
        )

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        prompt, values = self._asked(messages)
        most, decoding = self._way(kwargs)
        whole, told, tokens = "", 0, 0
        pieces = self._model.stream(prompt, most, decoding, self.timeout_s)
        try:
            async for piece in pieces:
                tokens += piece.tokens
                whole += fill(piece.text, values) if values else piece.text
                visible = _cut(whole, stop)
                if len(visible) > told:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=visible[told:]))
                    told = len(visible)
                if len(visible) < len(whole):
                    break
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]
        yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=_usage(len(prompt), tokens)))

    def _asked(self, messages: Sequence[BaseMessage]) -> tuple[list[str], Mapping[str, str]]:
        """The prompt's tokens, and the values of the tags put into it here."""
        turns = [(_ROLES.get(m.type, "user"), str(m.content)) for m in messages]
        rules, values = self._model.files.rules, dict[str, str]()
        if rules is not None and turns:
            text, values = rules.mark(turns[-1][1])
            turns[-1] = (turns[-1][0], text)
        return self._model.prompt(turns), values

    def _way(self, options: Mapping[str, Any]) -> tuple[int, Decoding]:
        temperature = options.get("temperature")
        return int(options.get("max_tokens") or self.max_tokens), Decoding(
            self.temperature if temperature is None else float(temperature)
        )


def load(folder: str = "", *, max_tokens: int = _MOST, temperature: float = 0.0, **options: Any) -> EmbeddedChat:
    """Load the shipped model, or that of a folder. Raises ConfigError."""
    path = Path(folder).expanduser() if folder else SHIPPED
    return EmbeddedChat(folder=str(path), max_tokens=max_tokens, temperature=temperature).holding(
        EmbeddedModel.open(path, **options)
    )


def _cut(text: str, stop: Sequence[str] | None) -> str:
    """Up to the first stop sequence."""
    return text[: min((at for s in stop or () if (at := text.find(s)) >= 0), default=len(text))]


def _usage(read: int, written: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def _result(text: str, read: int, written: int) -> ChatResult:
    message = AIMessage(content=text, usage_metadata=_usage(read, written))
    return ChatResult(generations=[ChatGeneration(message=message)])
