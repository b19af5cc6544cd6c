"""A local Hugging Face causal LM as a LangChain chat model: chat template, streaming, LoRA adapter.

Imported only when such a model is built. It knows nothing of shops; generation runs in a thread and stops when nobody
reads any more.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from knowledge.errors import ConfigError

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_PLAIN_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


class TransformersChat(BaseChatModel):
    """`temperature` 0 is greedy. One generation at a time per model."""

    name_or_path: str
    max_new_tokens: int = 600
    temperature: float = 0.0
    _model: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _busy: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "transformers"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"name_or_path": self.name_or_path}

    def holding(self, model: Any, tokenizer: Any) -> TransformersChat:
        """Give it the loaded weights."""
        self._model, self._tokenizer = model, tokenizer
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        pieces = list(self._stream(messages, stop, run_manager, **kwargs))
        text = "".join(str(p.message.content) for p in pieces)
        usage = next(
            (
                p.message.usage_metadata
                for p in reversed(pieces)
                if isinstance(p.message, AIMessageChunk) and p.message.usage_metadata
            ),
            None,
        )
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text, usage_metadata=usage))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        from transformers import TextIteratorStreamer

        inputs = self._encode(messages)
        streamer = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        stopped = threading.Event()
        failure: list[BaseException] = []
        counted: list[int] = []
        worker = threading.Thread(
            target=self._run, args=(inputs, streamer, stopped, failure, counted, kwargs), daemon=True
        )
        worker.start()
        try:
            yield from self._pieces(streamer, stop, run_manager)
        finally:
            stopped.set()
            worker.join()
        if failure:
            raise failure[0]
        read, written = int(inputs["input_ids"].shape[-1]), counted[0] if counted else 0
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata={"input_tokens": read, "output_tokens": written, "total_tokens": read + written},
            )
        )

    def _pieces(self, streamer: Any, stop: list[str] | None, run_manager: Any) -> Iterator[ChatGenerationChunk]:
        """What the streamer gives, up to the first stop sequence."""
        written = ""
        for piece in streamer:
            cut = min((at for s in stop or () if (at := (written + piece).find(s)) >= 0), default=-1)
            shown = piece if cut < 0 else (written + piece)[len(written) : cut]
            written += piece
            if shown:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=shown))
                if run_manager is not None:
                    run_manager.on_llm_new_token(shown, chunk=chunk)
                yield chunk
            if cut >= 0:
                return

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """The blocking stream, read in a thread; leaving early stops the generation."""
        pieces = self._stream(messages, stop, None, **kwargs)
        done = object()
        try:
            while (piece := await asyncio.to_thread(next, pieces, done)) is not done:
                assert isinstance(piece, ChatGenerationChunk)
                yield piece
        finally:
            # A cancelled read is still running in its thread: close the stream after it, off the event loop.
            threading.Thread(target=_close, args=(pieces,), daemon=True).start()

    def _encode(self, messages: list[BaseMessage]) -> Any:
        turns = [{"role": _ROLES.get(m.type, "user"), "content": str(m.content)} for m in messages]
        template = None if self._tokenizer.chat_template else _PLAIN_TEMPLATE
        room = getattr(self._model.config, "max_position_embeddings", None)
        encoded = self._tokenizer.apply_chat_template(
            turns, chat_template=template, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        if room is not None and encoded["input_ids"].shape[-1] >= room:
            raise ValueError(f"the prompt has {encoded['input_ids'].shape[-1]} tokens, the model reads {room}")
        return encoded.to(self._model.device)

    def _run(
        self,
        inputs: Any,
        streamer: Any,
        stopped: threading.Event,
        failure: list[BaseException],
        counted: list[int],
        options: dict[str, Any],
    ) -> None:
        """Generate into the streamer; whatever happens, the reader is released."""
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        class NobodyReads(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((input_ids.shape[0],), stopped.is_set(), dtype=torch.bool, device=input_ids.device)

        sampling = (
            {"do_sample": True, "temperature": self.temperature} if self.temperature > 0 else {"do_sample": False}
        )
        room = getattr(self._model.config, "max_position_embeddings", None)
        most = min(self.max_new_tokens, room - inputs["input_ids"].shape[-1]) if room else self.max_new_tokens
        most = int(options.get("max_tokens", most))
        try:
            with self._busy, torch.inference_mode():
                output = self._model.generate(
                    **inputs,
                    **sampling,
                    max_new_tokens=most,
                    streamer=streamer,
                    pad_token_id=self._padding(),
                    stopping_criteria=StoppingCriteriaList([NobodyReads()]),
                )
            counted.append(int(output.shape[-1] - inputs["input_ids"].shape[-1]))
        except BaseException as error:  # carried to the thread that reads
            failure.append(error)
            streamer.end()

    def _padding(self) -> int | None:
        pad = self._tokenizer.pad_token_id
        return pad if pad is not None else self._tokenizer.eos_token_id


def _close(pieces: Iterator[ChatGenerationChunk]) -> None:
    import time

    for _ in range(600):
        try:
            pieces.close()  # type: ignore[attr-defined]
            return
        except ValueError:  # "generator already executing": its thread is still inside
            time.sleep(0.05)


def load(
    name_or_path: str, adapter: str | None = None, *, max_new_tokens: int = 600, temperature: float = 0.0
) -> TransformersChat:
    """Load model, tokenizer and adapter; with HF_HUB_OFFLINE set only what is on this machine. Raises ConfigError."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    looks_local = name_or_path.startswith((".", "/", "~")) or Path(name_or_path).expanduser().is_dir()
    path = str(Path(name_or_path).expanduser()) if looks_local else name_or_path
    if looks_local and not Path(path).is_dir():
        raise ConfigError(f"llm: 'transformers:{name_or_path}': there is no such folder")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        model = AutoModelForCausalLM.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"llm: 'transformers:{name_or_path}' cannot be loaded: {str(error).strip().splitlines()[0]}"
        ) from error
    if adapter:
        model = _with_adapter(model, adapter)
    model.eval()
    return TransformersChat(name_or_path=name_or_path, max_new_tokens=max_new_tokens, temperature=temperature).holding(
        model, tokenizer
    )


def _with_adapter(model: Any, adapter: str) -> Any:
    folder = Path(adapter).expanduser()
    if not (folder / "adapter_config.json").is_file():
        raise ConfigError(f"llm.adapter: '{adapter}' holds no LoRA adapter (adapter_config.json is missing)")
    try:
        from peft import PeftModel
    except ImportError as error:
        raise ConfigError("llm.adapter: needs peft: pip install shopclerk[train]") from error
    return PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
