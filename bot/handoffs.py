"""People take over: list, reply, close, hand back, and the time-out to the bot. Works on the tracker store alone.

A handoff is requested by a flow; from then on the engine is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.between_turns import BetweenTurns
from bot.domain import events as ev
from bot.domain.tracker import Mode, Tracker
from bot.engine.handoff import is_overdue
from bot.ports import TrackerStore
from bot.texts import say as standard_texts
from knowledge.errors import ShopclerkError

PUSHED = "pushed"                          # in BotUttered.data: said outside a turn, so a channel must fetch it
TRANSCRIPT = 100                           # messages of a transcript, newest ones

Say = Callable[[str, str], str]
"""(response name, locale) → text: `utter_handoff_timeout`, `utter_handoff_ended`, `utter_handoff_closed`."""


class NotHandedOver(ShopclerkError):
    """The bot holds this conversation; no person was asked for."""

    http_status = 409


@dataclass(frozen=True, slots=True)
class Line:
    """One bubble as anybody saw it; `sender` is "customer", "assistant" or "agent"."""

    seq: int
    at: float
    sender: str
    text: str
    data: Mapping[str, Any]

    @property
    def custom(self) -> dict[str, Any]:
        """What was said, for machines."""
        agent = {"agent": self.data["agent"]} if self.data.get("agent") else {}
        return dict(self.data.get("custom", {})) | agent


@dataclass(frozen=True, slots=True)
class Waiting:
    tracker: Tracker
    reason: str
    summary: str
    asked_at: float                        # seconds since the epoch
    transcript: tuple[Line, ...]


class Handoffs:
    """`timeout_s`: queued and nobody came; `idle_s`: an agent took over and nobody has said anything since."""

    def __init__(self, conversations: BetweenTurns, *, timeout_s: float, idle_s: float,
                 say: Say = standard_texts) -> None:
        self._conversations, self._say = conversations, say
        self._store, self._clock = conversations.store, conversations.clock
        self._timeout_s, self._idle_s = timeout_s, idle_s

    async def waiting(self) -> list[Waiting]:
        """Conversations queued or with an agent, longest waiting first."""
        return [await self._describe(t) for t in await self._store.in_mode(Mode.QUEUED, Mode.AGENT)]

    async def reply(self, conversation_id: str, text: str, agent: str) -> int:
        """Say `text` to the customer; the first reply takes the conversation over. The seq of the reply."""
        def act(tracker: Tracker) -> list[ev.Event]:
            if tracker.mode == Mode.BOT:
                raise NotHandedOver("the assistant holds this conversation; no person was asked for")
            joined = [] if tracker.mode == Mode.AGENT and tracker.agent == agent else [ev.AgentJoined(agent)]
            return [*joined, ev.AgentUttered(text, agent)]
        return await self._conversations.record(conversation_id, act)

    async def handback(self, conversation_id: str) -> int:
        """The assistant goes on where it was. The conversation's new seq."""
        return await self._conversations.record(conversation_id, lambda t: self._end(t, "agent", "utter_handoff_ended"))

    async def close(self, conversation_id: str) -> int:
        """The matter is settled: back to the assistant, with nothing left open. The conversation's new seq."""
        def act(tracker: Tracker) -> list[ev.Event]:
            dropped = [ev.FlowCancelled(frame.id) for frame in (*reversed(tracker.stack), *tracker.queue)]
            return [*dropped, *self._end(tracker, "agent", "utter_handoff_closed")]
        return await self._conversations.record(conversation_id, act)

    async def tell(self, conversation_id: str, response: str, **facts: str) -> int:
        """Say something between turns, whoever holds the conversation. The conversation's new seq."""
        def act(tracker: Tracker) -> list[ev.Event]:
            text = self._say(response, tracker.locale).format(**facts)
            return [ev.BotUttered(text, {"custom": {"responses": [response]}, PUSHED: True})]
        return await self._conversations.record(conversation_id, act)

    async def expire(self) -> int:
        """Give back what waited too long, and tell the customer so; how many."""
        overdue = [t for t in await self._store.in_mode(Mode.QUEUED, Mode.AGENT) if self._overdue(t)]
        for tracker in overdue:
            await self._conversations.record(tracker.conversation_id, self._expire_one)
        return len(overdue)

    def _expire_one(self, tracker: Tracker) -> list[ev.Event]:
        """Looked at again under the lock: an agent may have come in between."""
        return self._end(tracker, "timeout", "utter_handoff_timeout") if self._overdue(tracker) else []

    def _overdue(self, tracker: Tracker) -> bool:
        return is_overdue(tracker, self._clock.now(), self._timeout_s, self._idle_s)

    def _end(self, tracker: Tracker, by: str, response: str) -> list[ev.Event]:
        if tracker.mode == Mode.BOT:
            raise NotHandedOver("the assistant holds this conversation already")
        data = {"custom": {"responses": [response]}, PUSHED: True}
        said = ev.BotUttered(self._say(response, tracker.locale), data)
        return [ev.HandoffEnded(by), said]

    async def _describe(self, tracker: Tracker) -> Waiting:
        history = await recent(self._store, tracker)
        asked, at = next(((s.event, s.at) for s in reversed(history) if isinstance(s.event, ev.HandoffRequested)),
                         (ev.HandoffRequested(""), tracker.mode_since))
        return Waiting(tracker, asked.reason, asked.summary, at, tuple(lines(history)[-TRANSCRIPT:]))


async def recent(store: TrackerStore, tracker: Tracker, last: int = 1000) -> list[ev.Stamped]:
    """The conversation's newest `last` events, oldest first."""
    return await store.events(tracker.conversation_id, after=max(0, tracker.seq - last), limit=last)


def lines(history: list[ev.Stamped]) -> list[Line]:
    """What was said, out of all that happened."""
    found = []
    for stamped in history:
        match stamped.event:
            case ev.UserUttered(text=text, message_id=message_id):
                found.append(Line(stamped.seq, stamped.at, "customer", text, {"message_id": message_id}))
            case ev.BotUttered(text=text, data=data):
                found.append(Line(stamped.seq, stamped.at, "assistant", text, data))
            case ev.AgentUttered(text=text, agent=agent):
                found.append(Line(stamped.seq, stamped.at, "agent", text, {"agent": agent, PUSHED: True}))
    return found


def pushed_before(history: list[ev.Stamped], seq: int) -> list[Line]:
    """What was said outside turns between the customer's previous message and event `seq`."""
    earlier = [s for s in history if s.seq <= seq]
    previous = max((s.seq for s in earlier if isinstance(s.event, ev.UserUttered)), default=0)
    return [line for line in lines(earlier) if line.seq > previous and line.data.get(PUSHED)]
