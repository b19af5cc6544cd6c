"""One call of a chat model as the assistant makes it: with time-out, breaker and budget, and one kind of failure.

It knows LangChain's `BaseChatModel` only by its methods; nothing is imported and no model built before the first call.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bot.llm.budget import Breaker, Busy, TokenBudget

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from pydantic import BaseModel

    from bot.llm.models import LazyModel

_CHARS_PER_TOKEN = 4  # where a provider does not count for us
T = TypeVar("T")
OUTCOMES = ("answered", "failed", "timeout", "busy", "paused", "spent", "left")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


class ModelFailed(Exception):
    """No usable answer: error, time-out, open breaker or spent budget. The caller has something else to say."""


def _nobody(outcome: str) -> None:
    return None


@dataclass(slots=True)
class ModelCall:
    """`timeout_s` bounds a whole call, streaming included; `at_once` the calls under way (0: any number).

    `report` hears how each call ended (`OUTCOMES`); `name` says which rung of a ladder this is.
    """

    model: BaseChatModel | LazyModel
    timeout_s: float = 15.0
    breaker: Breaker = field(default_factory=Breaker)
    budget: TokenBudget = field(default_factory=TokenBudget)
    at_once: int = 0
    name: str = "llm"
    report: Callable[[str], None] = _nobody
    under_way: int = 0

    async def text(self, system: str, user: str, conversation_id: str = "", **options: Any) -> str:
        """The answer in one piece. Raises ModelFailed."""
        return "".join([piece async for piece in self.stream(system, user, conversation_id, **options)])

    async def stream(self, system: str, user: str, conversation_id: str = "", **options: Any) -> AsyncIterator[str]:
        """The answer as it is written, without a reasoning model's thoughts. Raises ModelFailed.

        `options` go to the model as they are: `temperature`, `max_tokens`.
        """
        written, used, shown = "", 0, 0
        with self._counted(conversation_id):
            try:
                model = await self._ready()
                pieces: Any = model.astream([("system", system), ("user", user)], **options)
                deadline = asyncio.get_running_loop().time() + self.timeout_s
                try:
                    while True:
                        async with asyncio.timeout_at(deadline):
                            piece = await anext(pieces, None)
                        if piece is None:
                            break
                        written += _text_of(piece)
                        used = max(used, _tokens_of(piece))
                        visible = _visible(written)
                        if len(visible) > shown:
                            yield visible[shown:]
                            shown = len(visible)
                finally:
                    await pieces.aclose()
            finally:
                self.budget.spend(conversation_id, used or (len(system) + len(user) + len(written)) // _CHARS_PER_TOKEN)

    async def structured(self, schema: type[BaseModel], system: str, user: str, conversation_id: str = "") -> BaseModel:
        """The answer as an instance of `schema`: by the model's own means, else JSON in its text, or ModelFailed."""
        used = 0
        with self._counted(conversation_id):
            try:
                async with asyncio.timeout(self.timeout_s):
                    model = await self._ready()
                    messages = [("system", system), ("user", user)]
                    try:
                        answer: Any = await model.with_structured_output(schema, include_raw=True).ainvoke(messages)
                        used, parsed = _tokens_of(answer["raw"]), answer["parsed"]
                        if parsed is None:
                            parsed = schema.model_validate(_json_in(_text_of(answer["raw"])))
                    except NotImplementedError:  # a model without tools: asked for JSON by the prompt
                        raw = await model.ainvoke(messages)
                        used, parsed = _tokens_of(raw), schema.model_validate(_json_in(_text_of(raw)))
            finally:
                self.budget.spend(conversation_id, used or (len(system) + len(user)) // _CHARS_PER_TOKEN)
        return parsed if isinstance(parsed, schema) else schema.model_validate(parsed)

    async def using(self, work: Callable[[Any], Awaitable[T]], conversation_id: str = "") -> T:
        """What `work` makes of the model, under the same bounds: for what only one kind of model can do, such as
        decoding under a grammar. Raises ModelFailed."""
        with self._counted(conversation_id):
            async with asyncio.timeout(self.timeout_s):
                return await work(await self._ready())

    @contextmanager
    def _counted(self, conversation_id: str) -> Iterator[None]:
        """One call: admitted, counted, its failure told in one way. Raises ModelFailed."""
        self._admit(conversation_id)
        self.under_way += 1
        outcome = "left"
        try:
            yield
            outcome = "answered"
            self.breaker.succeeded()
        except Busy as error:  # it is well, only not now: the breaker does not count this
            outcome = "busy"
            raise ModelFailed(_told(error)) from error
        except Exception as error:  # every provider has an error tree of its own; all of them mean: no answer
            outcome = "timeout" if isinstance(error, TimeoutError) else "failed"
            self.breaker.failed()
            raise ModelFailed(_told(error)) from error
        finally:
            self.under_way -= 1
            self.report(outcome)

    def _admit(self, conversation_id: str) -> None:
        if not self.budget.allows(conversation_id):
            self._refuse("spent", "this conversation's token budget, or the day's, is spent")
        if 0 < self.at_once <= self.under_way:
            self._refuse("busy", f"{self.under_way} calls are under way")
        if not self.breaker.allows():
            self._refuse("paused", "the model failed repeatedly; waiting before the next try")

    def _refuse(self, outcome: str, why: str) -> None:
        self.report(outcome)
        raise ModelFailed(why)

    async def _ready(self) -> BaseChatModel:
        """The model; a lazy one is built in a thread, since loading weights takes seconds."""
        build = getattr(self.model, "build", None)
        return self.model if build is None else await asyncio.to_thread(build)  # type: ignore[return-value]


def _text_of(message: Any) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content if isinstance(block, dict))


def _tokens_of(message: Any) -> int:
    usage = getattr(message, "usage_metadata", None) or {}
    return int(usage.get("total_tokens") or 0)


def _visible(written: str) -> str:
    """Without thoughts, and without the beginning of a mark that may open one."""
    visible = _THOUGHT.sub("", written)
    return "" if "<think>".startswith(visible.strip()) else visible


def _json_in(text: str) -> Any:
    """The first JSON object in a text. Raises ValueError."""
    start = _THOUGHT.sub("", text).find("{")
    if start < 0:
        raise ValueError("no JSON object in the answer")
    return json.JSONDecoder().raw_decode(_THOUGHT.sub("", text)[start:])[0]


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
