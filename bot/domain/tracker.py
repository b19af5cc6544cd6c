"""The tracker: a conversation's state, folded from its events. It can always be rebuilt from them.

`stack` holds the flow frames, the running one last; `queue` the requests that wait their turn, first come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain import events as ev
from bot.domain.plain import plain


class Mode(StrEnum):
    """Who speaks to the customer."""

    BOT = "bot"
    QUEUED = "queued"
    AGENT = "agent"


@dataclass(slots=True)
class Frame:
    id: str
    flow: str
    step: str = ""
    slots: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Tracker:
    conversation_id: str
    seq: int = 0
    started_at: float = 0.0
    last_at: float = 0.0
    channel: str = ""
    locale: str = "en"
    mode: Mode = Mode.BOT
    mode_since: float = 0.0
    agent: str = ""
    agent_at: float = 0.0  # when a person last joined or wrote
    customer_id: str | None = None
    identity_attempts: int = 0
    slots: dict[str, Any] = field(default_factory=dict)
    stack: list[Frame] = field(default_factory=list)
    queue: list[Frame] = field(default_factory=list)
    last_user: ev.UserUttered | None = None
    heard_seq: int = 0  # of the customer's last message
    last_bot: list[ev.BotUttered] = field(default_factory=list)  # the last turn's bubbles
    misses: int = 0  # turns in a row we could not handle
    page: dict[str, Any] = field(default_factory=dict)  # of PageViewed: where the customer is now
    page_leads: bool = False  # the page's product is newer than what was spoken of
    frames_begun: int = 0
    turns: int = 0

    @property
    def top(self) -> Frame | None:
        return self.stack[-1] if self.stack else None

    def get(self, slot: str, default: Any = None) -> Any:
        """The running frame's value, else the conversation's."""
        if self.stack and slot in self.stack[-1].slots:
            return self.stack[-1].slots[slot]
        return self.slots.get(slot, default)

    def all_slots(self) -> dict[str, Any]:
        return self.slots | (self.stack[-1].slots if self.stack else {})

    def apply(self, stamped: ev.Stamped) -> None:
        """Fold one event in. Pure state change: no clock, no randomness."""
        self.seq, self.last_at = stamped.seq, stamped.at
        self._fold(stamped.event, stamped.at)

    def _fold(self, event: ev.Event, at: float) -> None:
        match event:
            case ev.SessionStarted():
                self.started_at, self.channel, self.locale = self.started_at or at, event.channel, event.locale
            case ev.UserUttered():
                self.last_user, self.last_bot, self.turns = event, [], self.turns + 1
                self.heard_seq = self.seq
                missed = bool(event.commands) and all(c.get("name") == "CannotHandle" for c in event.commands)
                self.misses = self.misses + 1 if missed else 0
            case ev.BotUttered():
                self.last_bot = [*self.last_bot, event]
            case ev.CustomerIdentified():
                self.customer_id = event.customer_id
            case ev.IdentityRejected():
                self.identity_attempts = event.attempts
            case ev.SlotSet():
                self._set_slot(event)
                self.page_leads = self.page_leads and not self._speaks_of_else(event)
            case ev.PageViewed():
                self._see(event)
            case ev.FlowStarted():
                frame = Frame(event.frame, event.flow, slots=dict(event.slots))
                (self.queue if event.queued else self.stack).append(frame)
                self.frames_begun += 1
            case ev.FlowMoved():
                if found := self.frame(event.frame):
                    found.step = event.step
            case ev.FlowResumed():
                self._resume(event.frame)
            case ev.FlowCompleted() | ev.FlowCancelled():
                self.stack = [f for f in self.stack if f.id != event.frame]
                self.queue = [f for f in self.queue if f.id != event.frame]
            case ev.HandoffRequested():
                self.mode, self.mode_since = Mode.QUEUED, at
            case ev.AgentJoined():
                self.mode, self.mode_since, self.agent, self.agent_at = Mode.AGENT, at, event.agent, at
            case ev.AgentUttered():
                self.agent_at = at
            case ev.HandoffEnded():
                self.mode, self.mode_since, self.agent = Mode.BOT, at, ""
            case ev.ActionExecuted() | ev.TurnFailed() | ev.MessageRated() | ev.ConversationRated():
                pass

    def _set_slot(self, event: ev.SlotSet) -> None:
        target = self.slots
        if event.frame is not None:
            found = self.frame(event.frame)
            if found is None:
                return
            target = found.slots
        if event.value is None:
            target.pop(event.slot, None)
        else:
            target[event.slot] = event.value

    def _see(self, event: ev.PageViewed) -> None:
        """Another product's page brings that product into focus, unless a request is under way."""
        before, self.page = self.page.get("product_id"), plain(event)
        if event.product_id and event.product_id != before and not self.stack:
            self.slots["focus_product"], self.page_leads = event.product_id, True
            self.slots.pop("shown", None)

    def _speaks_of_else(self, event: ev.SlotSet) -> bool:
        """What is spoken of is another product than the page's, or an order."""
        product = event.slot == "focus_product" and event.value != self.page.get("product_id")
        return event.frame is None and bool(event.value) and (product or event.slot == "focus_orders")

    def _resume(self, frame_id: str) -> None:
        """A waiting frame becomes the running one."""
        for frame in self.queue:
            if frame.id == frame_id:
                self.queue.remove(frame)
                self.stack.append(frame)
                return

    def frame(self, frame_id: str) -> Frame | None:
        return next((f for f in (*self.stack, *self.queue) if f.id == frame_id), None)


def fold(conversation_id: str, stamped: Iterable[ev.Stamped], start: Tracker | None = None) -> Tracker:
    """Rebuild a tracker, from the beginning or from a snapshot."""
    tracker = start or Tracker(conversation_id)
    for item in stamped:
        tracker.apply(item)
    return tracker


def snapshot(tracker: Tracker) -> dict[str, Any]:
    """JSON-able state; `restore` is the inverse. Bounded: it keeps no history."""
    return {
        "conversation_id": tracker.conversation_id,
        "seq": tracker.seq,
        "started_at": tracker.started_at,
        "last_at": tracker.last_at,
        "channel": tracker.channel,
        "locale": tracker.locale,
        "mode": tracker.mode.value,
        "mode_since": tracker.mode_since,
        "agent": tracker.agent,
        "agent_at": tracker.agent_at,
        "customer_id": tracker.customer_id,
        "identity_attempts": tracker.identity_attempts,
        "slots": tracker.slots,
        "stack": [_frame_json(f) for f in tracker.stack],
        "queue": [_frame_json(f) for f in tracker.queue],
        "last_user": ev.event_to_json(tracker.last_user) if tracker.last_user else None,
        "last_bot": [ev.event_to_json(b) for b in tracker.last_bot],
        "heard_seq": tracker.heard_seq,
        "misses": tracker.misses,
        "page": tracker.page,
        "page_leads": tracker.page_leads,
        "frames_begun": tracker.frames_begun,
        "turns": tracker.turns,
    }


def restore(data: Mapping[str, Any]) -> Tracker:
    tracker = Tracker(**{k: v for k, v in data.items() if k not in ("mode", "stack", "queue", "last_user", "last_bot")})
    tracker.mode = Mode(data["mode"])
    tracker.stack = [Frame(**f) for f in data["stack"]]
    tracker.queue = [Frame(**f) for f in data["queue"]]
    last_user = ev.event_from_json(data["last_user"]) if data["last_user"] else None
    tracker.last_user = last_user if isinstance(last_user, ev.UserUttered) else None
    tracker.last_bot = [b for b in map(ev.event_from_json, data["last_bot"]) if isinstance(b, ev.BotUttered)]
    return tracker


def _frame_json(frame: Frame) -> dict[str, Any]:
    return {"id": frame.id, "flow": frame.flow, "step": frame.step, "slots": frame.slots}
