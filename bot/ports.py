"""What the engine needs from outside. Protocols, one method where possible; each has an in-memory implementation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.domain.case import Case
from bot.domain.commands import Command
from bot.domain.events import Event, PageViewed, Stamped
from bot.domain.message import InboundMessage, OutboundMessage
from bot.domain.tracker import Tracker
from knowledge.models import Evidence

OnDelta = Callable[[str], Awaitable[None]]
"""Called with each piece of the reply's text as it is written."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader understood. `confidence` is calibrated: of readings at 0.8, 80 % are right."""

    commands: tuple[Command, ...]
    confidence: float = 1.0
    intent: str = ""
    entities: tuple[Mapping[str, Any], ...] = ()
    rung: str = "embedded"  # who understood it: "embedded" or "llm"


@dataclass(frozen=True, slots=True)
class Act:
    """Something to say: a response's name (`utter_*`), the facts that fill it, and what comes with it."""

    response: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[tuple[str, str], ...] = ()  # (title, payload)
    cards: tuple[Mapping[str, Any], ...] = ()  # {"kind", "title", "data"}
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionResult:
    events: tuple[Event, ...] = ()
    acts: tuple[Act, ...] = ()


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class TrackerStore(Protocol):
    """Append-only events per conversation, with snapshots."""

    async def load(self, conversation_id: str) -> Tracker | None:
        """The tracker as of the last commit, or None for a new conversation."""
        ...

    async def commit(
        self,
        conversation_id: str,
        expected_seq: int,
        events: Sequence[Stamped],
        tracker: Tracker,
        inbox: Sequence[tuple[str, str]] = (),
        outbox: Sequence[OutboundMessage] = (),
    ) -> None:
        """One transaction: events, snapshot, inbox marks (channel, message id) and the reply; then the feed is told.

        Raises StaleTracker when the conversation has moved past `expected_seq` or a message was answered already.
        """
        ...

    async def accept(self, message: InboundMessage) -> None:
        """Keep a message that has an id until a commit answers it. Harmless for one that is kept or answered already."""
        ...

    async def pending(self, before: float) -> list[InboundMessage]:
        """Messages accepted before this time (seconds since the epoch) and not answered, oldest first."""
        ...

    async def pending_of(self, conversation_id: str) -> list[InboundMessage]:
        """This conversation's messages accepted and not answered, oldest first."""
        ...

    async def events(self, conversation_id: str, after: int = 0, limit: int = 1000) -> list[Stamped]:
        """Events with seq > after, oldest first."""
        ...

    async def answered(self, channel: str, message_id: str) -> list[OutboundMessage] | None:
        """The reply given to this message before, or None: makes a client's message id idempotent (≥ 7 days)."""
        ...

    async def in_mode(self, *modes: str) -> list[Tracker]:
        """Conversations in one of these modes ("queued", "agent"), longest waiting first."""
        ...


class StaleTracker(Exception):
    """Somebody else has written to this conversation meanwhile."""


class Feed(Protocol):
    """Whoever looks at a conversation hears what is new in it."""

    def committed(self, conversation_id: str, events: Sequence[Stamped], mode: str) -> None:
        """These events are durable now. It must not fail and must not wait."""
        ...


class ConversationLock(Protocol):
    def hold(self, conversation_id: str) -> AbstractAsyncContextManager[None]:
        """One turn at a time per conversation, waiting in order of arrival."""
        ...


class Finder(Protocol):
    """The retrieve stage."""

    async def find(self, text: str, tracker: Tracker) -> tuple[Evidence, ...]:
        """Candidates from products, documents, solved cases and the identified customer's own order lines."""
        ...

    async def page(self, seen: PageViewed, tracker: Tracker) -> PageViewed:
        """The page with only what the shop knows: its product, with the title, and the variants in the cart."""
        ...


class Reader(Protocol):
    """Understanding: message + tracker + evidence → commands."""

    async def read(self, message: InboundMessage, tracker: Tracker, evidence: Sequence[Evidence]) -> Reading:
        """Never raises on odd input: CannotHandle is an answer."""
        ...


class ActionRunner(Protocol):
    async def run(self, action: str, tracker: Tracker, evidence: Sequence[Evidence]) -> ActionResult:
        """Run one action by name; an action that fails raises, and has written nothing half."""
        ...


class Composer(Protocol):
    """Phrases a reply; a model writes, the evidence gate checks."""

    async def compose(
        self, acts: Sequence[Act], drafts: Sequence[str], tracker: Tracker, on_delta: OnDelta | None
    ) -> list[str] | None:
        """One text per act, or None to have the templates (`drafts`, same order) said."""
        ...


class CaseBook(Protocol):
    """Cases of one shop."""

    async def open(self, case: Case) -> None: ...

    async def of_customer(self, customer_id: str) -> list[Case]:
        """Newest first."""
        ...

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class Answerer(Protocol):
    """Answers an open question from evidence."""

    async def answer(self, question: str, evidence: Sequence[Evidence], tracker: Tracker) -> Act:
        """An act with numbered sources, or `utter_dont_know` when the evidence does not answer."""
        ...


class TurnObserver(Protocol):
    """Watches turns for metrics and logs; it must not fail and sees no personal data."""

    def turn(self, channel: str) -> AbstractContextManager[Any]:
        """Around one whole turn."""
        ...

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Around one stage of it: "guard", "retrieve", "understand", "act", "say", "commit"."""
        ...

    def understood(self, intent: str) -> None: ...

    def rung(self, stage: str, name: str) -> None:
        """Which rung of a stage's ladder did the work: a model, or what stands in for it."""
        ...

    def gate_drop(self, reason: str) -> None:
        """A sentence a model wrote was refused."""
        ...

    def turn_done(self, timings: Mapping[str, float], acts: int) -> None:
        """Milliseconds per stage."""
        ...

    def turn_failed(self, error_id: str, error: Exception) -> None:
        """The cause of an apology, under the id the customer was told."""
        ...
