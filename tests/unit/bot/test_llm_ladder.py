"""The ladder of a task's models: error, time-out, load and a spent budget each let the next rung speak, and are counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from bot.config import LlmSettings
from bot.domain.tracker import Tracker
from bot.llm.budget import Breaker, TokenBudget
from bot.llm.calls import ModelCall, ModelFailed
from bot.llm.embedded_chat import EmbeddedChat
from bot.llm.ladder import CallLadder, Ladders, PhraserLadder
from bot.llm.models import chat_model
from bot.observer import LogObserver
from bot.ports import Act
from knowledge.errors import ConfigError
from tests.tiny_llm import tiny_llm

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llm(tmp_path_factory.mktemp("llm"))


@pytest.fixture
def chat(folder: Path) -> Iterator[EmbeddedChat]:
    from bot.llm.embedded_chat import load

    opened = load(str(folder), max_tokens=20, workers=1, rows=1, waiting=2)
    yield opened
    opened.model.close()


class Broken(GenericFakeChatModel):
    messages: Any = iter(())
    seconds: float = 0.0

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(self.seconds)
        raise ConnectionError("nobody there")
        yield


async def test_the_chat_model_answers_whole_and_streamed_and_counts(chat: EmbeddedChat) -> None:
    whole = await chat.ainvoke([("system", ""), ("user", "where is my order")])
    pieces = [p async for p in chat.astream([("user", "where is my order")])]
    assert "".join(str(p.content) for p in pieces) == whole.content == chat.invoke("where is my order").content
    assert whole.usage_metadata is not None and whole.usage_metadata["output_tokens"] == 20
    assert pieces[-1].usage_metadata == whole.usage_metadata or any(p.usage_metadata for p in pieces)
    short = await chat.ainvoke("where is my order", max_tokens=4)
    assert whole.content.startswith(short.content)
    stop = str(whole.content)[5:8]
    assert (await chat.ainvoke("where is my order", stop=[stop])).content == str(whole.content).split(stop)[0]


async def test_error_time_out_load_and_budget_go_down_the_ladder(chat: EmbeddedChat) -> None:
    ended: list[tuple[str, str]] = []

    def rung(name: str, model: Any, **options: Any) -> ModelCall:
        return ModelCall(model, name=name, report=lambda outcome: ended.append((name, outcome)), **options)

    lower = rung("embedded", chat)
    for upper, outcome in (
        (rung("openai", Broken()), "failed"),
        (rung("openai", Broken(seconds=9), timeout_s=0.02), "timeout"),
        (rung("openai", Broken(), at_once=1, under_way=1), "busy"),
        (rung("openai", Broken(), budget=TokenBudget(1, in_all=1)), "spent"),
        (rung("openai", Broken(), breaker=Breaker(failures=0, pause_s=99)), "paused"),
    ):
        if outcome == "spent":
            upper.budget.spend("c1", 2)
        if outcome == "paused":
            assert upper.breaker.allows()
        ended.clear()
        assert await CallLadder([upper, lower]).text("", "where is my order", "c1")
        assert ended == [("openai", outcome), ("embedded", "answered")]


async def test_a_full_queue_is_told_at_once_and_no_breaker_counts_it(chat: EmbeddedChat) -> None:
    outcomes: list[str] = []
    call = ModelCall(chat, breaker=Breaker(failures=1), report=outcomes.append)
    answers = await asyncio.gather(
        *(call.text("", "where is my order", f"c{n}", max_tokens=300) for n in range(12)), return_exceptions=True
    )
    assert outcomes.count("busy") == sum(isinstance(a, ModelFailed) for a in answers) > 0
    assert set(outcomes) == {"busy", "answered"} and await call.text("", "hello")


async def test_what_has_begun_to_speak_is_not_taken_back() -> None:
    class HalfWay(GenericFakeChatModel):
        messages: Any = iter(())

        async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            from langchain_core.messages import AIMessageChunk
            from langchain_core.outputs import ChatGenerationChunk

            yield ChatGenerationChunk(message=AIMessageChunk(content="Your order "))
            raise ConnectionError("gone")

    other = ModelCall(GenericFakeChatModel(messages=iter([AIMessage(content="other")])))
    told = []
    with pytest.raises(ModelFailed):
        async for piece in CallLadder([ModelCall(HalfWay()), other]).stream("", "x"):
            told.append(piece)
    assert told == ["Your order "]


class Says:
    """A phraser that words some places and then fails or not."""

    def __init__(self, texts: dict[int, str], fails: bool = False) -> None:
        self.texts, self.fails = texts, fails

    async def phrase(
        self, acts: Sequence[Act], drafts: Sequence[str], free: Sequence[int], tracker: Tracker
    ) -> AsyncIterator[tuple[int, str]]:
        for place in free:
            if place in self.texts:
                yield place, self.texts[place]
        if self.fails:
            raise ModelFailed("down")

    async def again(self, acts: Sequence[Act], place: int, tracker: Tracker) -> str | None:
        return f"{self.texts[place]}!"


async def test_what_one_phraser_leaves_out_the_next_one_words() -> None:
    acts, tracker = (Act("utter_a"), Act("utter_b"), Act("utter_c")), Tracker("c1")
    ladder = PhraserLadder([Says({0: "large"}, fails=True), Says({0: "small", 1: "small"})])
    said = []
    async for place, text in ladder.phrase(acts, ("", "", ""), (0, 1, 2), tracker):
        said.append((place, text, await ladder.again(acts, place, tracker)))
    assert said == [(0, "large", "large!"), (1, "small", "small!")]
    with pytest.raises(ModelFailed):
        [x async for x in PhraserLadder([Says({}, fails=True)]).phrase(acts, ("", "", ""), (0,), tracker)]


async def test_a_model_is_built_once_and_its_calls_are_counted(folder: Path) -> None:
    settings = LlmSettings(
        rephrase=(f"embedded:{folder}",), understand=f"embedded:{folder}", tokens_per_day=5, at_once=3
    )
    observer = LogObserver()
    ladders = Ladders(settings, 5.0, observer)
    (one,), (other,) = ladders.of("rephrase"), ladders.of("understand")
    assert one.model is other.model and one.breaker is other.breaker and one.name == "embedded"
    await one.text("", "where is my order", max_tokens=5)
    found = {"task": "rephrase", "model": "embedded", "outcome": "answered"}
    assert observer.registry.get_sample_value("shopclerk_model_calls_total", found) == 1
    assert ladders.of("answer") == ()
    one.model.model.close()  # type: ignore[union-attr]


def test_a_day_has_its_own_budget_and_ends() -> None:
    now = [0.0]
    budget = TokenBudget(per_conversation=0, window_s=60, now=lambda: now[0], in_all=100)
    for name in "abc":
        budget.spend(name, 40)
    assert not budget.allows("new")
    now[0] = 61.0
    assert budget.allows("new")


async def test_values_are_marked_and_filled_where_the_artifact_has_rules(tmp_path: Path) -> None:
    import json

    from bot.llm.embedded_chat import load
    from bot.llm.spans import Rules
    from knowledge.artifact import Manifest, write_manifest

    made = tiny_llm(tmp_path / "spans")
    rules = Rules((("=", ";"),), frozenset({"name"}))
    (made / "spans.json").write_text(json.dumps(rules.to_json()))
    write_manifest(made, Manifest("llm", "test", "", 0, {}, {}))
    chat = load(str(made), max_tokens=6)
    tokens, values = chat._asked([*map(_human, ["inform(name=Quantum 7;)"])])
    assert list(values.values()) == ["Quantum 7"] and next(iter(values)) in tokens
    assert not chat._asked([_human("name: <v3> Quantum 7;")])[1]
    chat.model.close()


def _human(text: str) -> Any:
    from langchain_core.messages import HumanMessage

    return HumanMessage(text)


def test_settings_name_one_model_or_several() -> None:
    assert LlmSettings(rephrase="embedded").models("rephrase") == ("embedded",)
    assert LlmSettings(rephrase=["openai:x", "embedded"]).configured == {"rephrase": ("openai:x", "embedded")}
    with pytest.raises(ConfigError, match="no such folder"):
        chat_model("embedded:/nowhere", LlmSettings())
