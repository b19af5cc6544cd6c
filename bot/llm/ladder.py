"""Which model speaks for a task: the first of its ladder that answers. Below the last stand templates, quoted sentences and,
where those do not help, a person; they belong to composer, answerer and flows.

It knows settings and calls, no prompt. A model named by several tasks is built once, and down for all of them at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bot.domain.tracker import Tracker
from bot.engine.responses import Responses
from bot.llm.budget import Breaker, TokenBudget
from bot.llm.calls import ModelCall, ModelFailed
from bot.llm.models import chat_model
from bot.llm.phrasers import DraftPhraser, FactPhraser, Phraser
from bot.llm.places import FILE as PLACES
from bot.llm.places import Places
from bot.ports import Act

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from bot.config import LlmSettings

EMBEDDED = "embedded"


class Calls(Protocol):
    def model_called(self, task: str, model: str, outcome: str) -> None: ...


@dataclass(slots=True)
class _Model:
    """What all calls of one model share."""

    model: BaseChatModel
    breaker: Breaker
    budget: TokenBudget


@dataclass(slots=True)
class Ladders:
    """The models a shop has set, each built when its first task is asked for."""

    settings: LlmSettings
    timeout_s: float
    observer: Calls
    build: Callable[[str, LlmSettings, float], BaseChatModel] = chat_model
    _models: dict[str, _Model] = field(default_factory=dict)

    def of(self, task: str) -> tuple[ModelCall, ...]:
        """The rungs of a task, the first choice first. Raises ConfigError for a model that cannot be built."""
        return tuple(self._call(task, spec) for spec in self.settings.models(task))

    @staticmethod
    def phraser(calls: Sequence[ModelCall], responses: Responses) -> Phraser:
        """Who words replies: each model in the form made for it."""
        phrasers = [_facts(call, responses) if call.name == EMBEDDED else DraftPhraser(call) for call in calls]
        return phrasers[0] if len(phrasers) == 1 else PhraserLadder(phrasers)

    def _call(self, task: str, spec: str) -> ModelCall:
        shared, kind = self._shared(spec), spec.partition(":")[0]
        return ModelCall(
            shared.model,
            self.timeout_s,
            shared.breaker,
            shared.budget,
            0 if kind == EMBEDDED else self.settings.at_once,  # that one bounds its own queue
            kind,
            lambda outcome: self.observer.model_called(task, kind, outcome),
        )

    def _shared(self, spec: str) -> _Model:
        if spec not in self._models:
            free = spec.partition(":")[0] == EMBEDDED
            budget = TokenBudget(
                0 if free else self.settings.tokens_per_conversation, in_all=0 if free else self.settings.tokens_per_day
            )
            self._models[spec] = _Model(self.build(spec, self.settings, self.timeout_s), Breaker(), budget)
        return self._models[spec]


def _facts(call: ModelCall, responses: Responses) -> Phraser:
    """The responses that the embedded model knows stand in its manifest, where facts may stand in a file beside it."""
    files = call.model.model.files  # type: ignore[union-attr]
    return FactPhraser(
        call, responses, files.manifest.settings.get("responses", {}), Places.read(files.folder / PLACES)
    )


@dataclass(slots=True)
class PhraserLadder:
    """Implements `Phraser`: what one does not word, because it failed or left it out, the next one does."""

    phrasers: Sequence[Phraser]
    _spoke: dict[tuple[str, int], Phraser] = field(default_factory=dict)

    async def phrase(
        self, acts: Sequence[Act], drafts: Sequence[str], free: Sequence[int], tracker: Tracker
    ) -> AsyncIterator[tuple[int, str]]:
        """Raises ModelFailed when the last one failed and something is left to word."""
        left = list(free)
        failure: ModelFailed | None = None
        try:
            for phraser in self.phrasers:
                failure = None
                try:
                    async for place, text in phraser.phrase(acts, drafts, tuple(left), tracker):
                        left.remove(place)
                        self._spoke[tracker.conversation_id, place] = phraser
                        yield place, text
                except ModelFailed as error:
                    failure = error
                if not left:
                    return
            if failure is not None:
                raise failure
        finally:
            for place in free:
                self._spoke.pop((tracker.conversation_id, place), None)

    async def again(self, acts: Sequence[Act], place: int, tracker: Tracker) -> str | None:
        """Asks whoever worded it."""
        spoke = self._spoke.get((tracker.conversation_id, place))
        return await spoke.again(acts, place, tracker) if spoke is not None else None


@dataclass(frozen=True, slots=True)
class CallLadder:
    """As a ModelCall, for a task whose prompt is the same on every rung."""

    calls: Sequence[ModelCall]

    async def text(self, system: str, user: str, conversation_id: str = "") -> str:
        """Raises ModelFailed when the last one did."""
        return "".join([piece async for piece in self.stream(system, user, conversation_id)])

    async def stream(self, system: str, user: str, conversation_id: str = "") -> AsyncIterator[str]:
        """The first that begins to speak goes on alone: what was shown is never taken back."""
        for at, call in enumerate(self.calls):
            begun = False
            try:
                async for piece in call.stream(system, user, conversation_id):
                    begun = True
                    yield piece
                return
            except ModelFailed:
                if begun or at + 1 == len(self.calls):
                    raise
