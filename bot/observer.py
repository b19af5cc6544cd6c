"""Notes how turns went: stage times, rungs and gate drops as Prometheus metrics, spans where tracing is on, and the
causes of failed turns in the log. No message text, no personal data: every label comes from a closed set.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram

from bot.logs import current_request_id

STAGES = ("guard", "retrieve", "understand", "act", "say", "commit")
# Which rung of a stage's ladder did the work: the reader that understood, the composer that phrased, the answerer.
RUNGS = {"understand": ("embedded", "llm"), "say": ("template", "llm"), "answer": ("extractive", "llm")}
# Every call of a model: the task it was for, the kind of model, how it ended (as bot.llm.calls.OUTCOMES has it).
MODEL_TASKS = ("understand", "answer", "rephrase")
MODEL_KINDS = ("embedded", "transformers", "openai")
MODEL_OUTCOMES = ("answered", "failed", "timeout", "busy", "paused", "spent", "left")
# The gate's reasons name words of the reply; what is counted is their kind, told by how they are put.
DROPS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("markup", lambda r: r.startswith("markup")),
    ("citation", lambda r: r.startswith("cites")),
    ("unsupported", lambda r: r.startswith("no source")),
    ("small_talk", lambda r: r == "small talk"),
    ("polarity", lambda r: r.startswith(("a yes", "a denial", "denies", "affirms"))),
    ("mixed_evidence", lambda r: r.startswith("no single sentence")),
    ("pairing", lambda r: " belongs to " in r or " stands by " in r),
    ("condition", lambda r: r.endswith("without its condition")),
    ("name", lambda r: r.startswith("name ")),
    ("word", lambda r: r.startswith("'") and r.endswith("' is in no fact")),
    ("deed", lambda r: r.startswith("'") and r.endswith(" in no fact")),
    ("value", lambda r: r.endswith(" is in no fact")),
)
OTHER = "other"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)     # seconds
_NOTHING: AbstractContextManager[Any] = nullcontext()
log = logging.getLogger("shopclerk.turn")


class Spans(Protocol):
    """Tracing, where it is on."""

    def span(self, name: str, attributes: Mapping[str, str] | None = None) -> AbstractContextManager[Any]:
        """A span around what is done within, a child of the one around it."""
        ...

    def note(self, name: str, value: str) -> None:
        """An attribute of the span we are in."""
        ...

    def follow(self, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """What is done within belongs to the trace that a caller's `traceparent` names."""
        ...

    def carry(self, headers: MutableMapping[str, str]) -> None:
        """Add the `traceparent` of the span we are in to a call that goes out."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


class LogObserver:
    """Implements TurnObserver. `registry` is its own; an application mounts it into what /metrics shows."""

    def __init__(self, spans: Spans | None = None) -> None:
        self.turns = 0
        self.failed = 0
        self.stage_ms: dict[str, float] = {}
        self.registry = CollectorRegistry()
        self.spans = spans
        stages = Histogram("shopclerk_turn_stage_seconds", "Time per stage of a turn.", ["stage"], buckets=BOUNDS,
                           registry=self.registry)
        rungs = Counter("shopclerk_rungs", "Which rung of a stage's ladder did the work.", ["stage", "rung"],
                        registry=self.registry)
        drops = Counter("shopclerk_gate_drops", "Sentences a model wrote that the evidence gate refused, by reason.",
                        ["reason"], registry=self.registry)
        self._calls = Counter("shopclerk_model_calls", "Calls of models: for what, of which kind, and how they ended.",
                              ["task", "model", "outcome"], registry=self.registry)
        self._apologies = Counter("shopclerk_turns_apologised", "Turns that failed inside and were apologised for.",
                                  registry=self.registry)
        self._stages = {name: stages.labels(name) for name in (*STAGES, OTHER)}       # bound once: 1 µs less each
        self._rungs = {(stage, name): rungs.labels(stage, name)
                       for stage, names in RUNGS.items() for name in (*names, OTHER)}
        self._drops = {name: drops.labels(name) for name in (*(kind for kind, _ in DROPS), OTHER)}

    def turn_done(self, timings: Mapping[str, float], acts: int) -> None:
        self.turns += 1
        for stage, milliseconds in timings.items():
            self.stage_ms[stage] = self.stage_ms.get(stage, 0.0) + milliseconds
            self._stages.get(stage, self._stages[OTHER]).observe(milliseconds / 1000)

    def turn_failed(self, error_id: str, error: Exception) -> None:
        self.failed += 1
        self._apologies.inc()
        log.error("turn %s failed: %s", error_id, type(error).__name__, exc_info=error)

    def turn(self, channel: str) -> AbstractContextManager[Any]:
        if self.spans is None:
            return _NOTHING
        request_id = current_request_id()
        return self.spans.span("turn", {"shopclerk.channel": channel} | (
            {"shopclerk.request_id": request_id} if request_id else {}))

    def stage(self, name: str) -> AbstractContextManager[Any]:
        return _NOTHING if self.spans is None else self.spans.span(name)

    def understood(self, intent: str) -> None:
        if self.spans is not None:
            self.spans.note("shopclerk.intent", intent)

    def rung(self, stage: str, name: str) -> None:
        counter = self._rungs.get((stage, name)) or self._rungs.get((stage, OTHER))
        if counter is not None:
            counter.inc()
        if self.spans is not None:
            self.spans.note(f"shopclerk.rung.{stage}", name)

    def model_called(self, task: str, model: str, outcome: str) -> None:
        """A rung of a task's ladder of models was asked, and this came of it."""
        self._calls.labels(task if task in MODEL_TASKS else OTHER, model if model in MODEL_KINDS else OTHER,
                           outcome if outcome in MODEL_OUTCOMES else OTHER).inc()

    def gate_drop(self, reason: str) -> None:
        self._drops[kind_of(reason)].inc()


def kind_of(reason: str) -> str:
    """The kind of one of the gate's objections."""
    return next((kind for kind, fits in DROPS if fits(reason)), OTHER)
