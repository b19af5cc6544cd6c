"""Small real stand-ins for what a test is not about: they do a simple version of the real thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.between_turns import BetweenTurns
from bot.config import BotSettings
from bot.domain import events as ev
from bot.domain.message import Button, InboundMessage, OutboundMessage
from bot.domain.tracker import Mode, Tracker
from bot.engine.inbox import OnKept
from bot.feed import ConversationFeed
from bot.feedback import Feedback
from bot.handoffs import Handoffs
from bot.observer import LogObserver
from bot.ports import OnDelta
from bot.stores.memory import MemoryTrackerStore
from knowledge.orders.memory import MemoryOrderBook


@dataclass
class FakeClock:
    """Stands still until told to move."""

    time: float = 1_700_000_000.0

    def now(self) -> float:
        return self.time


class LocalLock:
    """One turn at a time per conversation, in this process."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def hold(self, conversation_id: str) -> AsyncIterator[None]:
        async with self._locks.setdefault(conversation_id, asyncio.Lock()):
            yield


class EchoInbox:
    """An engine that says what it heard; "human" asks for a person, "slow" takes `slow_s`, "crash" fails."""

    def __init__(self, store: Any, lock: LocalLock, clock: FakeClock, slow_s: float = 5.0) -> None:
        self._store, self._lock, self._clock, self.slow_s = store, lock, clock, slow_s

    async def receive(self, message: InboundMessage, on_delta: OnDelta | None = None,
                      on_kept: OnKept | None = None) -> tuple[OutboundMessage, ...]:
        known = await self._store.answered(message.channel, message.message_id) if message.message_id else None
        if known is not None:
            return tuple(known)
        async with self._lock.hold(message.conversation_id):
            return await self._turn(message, on_delta)

    async def _turn(self, message: InboundMessage, on_delta: OnDelta | None) -> tuple[OutboundMessage, ...]:
        tracker = await self._store.load(message.conversation_id) or Tracker(message.conversation_id)
        before = tracker.seq
        if message.text == "crash":
            raise RuntimeError("a fault with inner details")
        if message.text == "slow":
            await asyncio.sleep(self.slow_s)
        reply = () if tracker.mode != Mode.BOT else (self._reply(message),)
        for place, word in enumerate(reply[0].text.split(" ") if reply and on_delta else ()):
            await on_delta(f" {word}" if place else word)
        events = self._events(message, tracker, reply)
        stamped = [ev.Stamped(before + n, self._clock.now(), event) for n, event in enumerate(events, 1)]
        for item in stamped:
            tracker.apply(item)
        marks = [(message.channel, message.message_id)] if message.message_id else []
        await self._store.commit(message.conversation_id, before, stamped, tracker, marks, reply)
        return reply

    def _reply(self, message: InboundMessage) -> OutboundMessage:
        who = f" ({message.customer_id})" if message.customer_id else ""
        heard = f"payload {message.payload}" if message.payload else message.text
        return OutboundMessage(f"heard: {heard}{who}", buttons=(Button("Yes", "/affirm"),),
                               custom={"responses": ["utter_echo"], "requested_slot": "yes_no"})

    def _events(self, message: InboundMessage, tracker: Tracker, reply: tuple[OutboundMessage, ...]) -> list[ev.Event]:
        events: list[ev.Event] = [] if tracker.seq else [ev.SessionStarted(message.channel)]
        events.append(ev.UserUttered(message.text, message.message_id, "echo", 1.0, channel=message.channel))
        events += [ev.BotUttered(r.text, dict(r.custom)) for r in reply]
        if message.text == "human":
            events.append(ev.HandoffRequested("customer_asked", "The customer wants a person."))
        if message.text == "flow":
            events += [ev.FlowStarted("f1", "cancel_order", {"order_number": "#W1"}),
                       ev.SlotSet("requested_slot", "reason", "f1")]
        return events


@dataclass(frozen=True)
class FakeKey:
    id: str
    scopes: tuple[str, ...]


@dataclass
class FakeKeys:
    """Keys by their text."""

    known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def verify(self, text: str) -> FakeKey | None:
        return FakeKey(text, self.known[text]) if text in self.known else None


class FakeShop:
    """A shop with an echo for an assistant; everything else is the real in-memory implementation."""

    def __init__(self, settings: BotSettings | None = None, **keys: tuple[str, ...]) -> None:
        self.settings = settings or BotSettings()
        self.feed = ConversationFeed()
        self.clock, self.lock, self.store = FakeClock(), LocalLock(), MemoryTrackerStore(self.feed)
        self.inbox = EchoInbox(self.store, self.lock, self.clock)
        self.book, self.observer = MemoryOrderBook(), LogObserver()
        self.keys = FakeKeys(dict(keys))
        times = self.settings.timeouts
        between = BetweenTurns(self.store, self.lock, self.clock)
        self.handoffs = Handoffs(between, timeout_s=times.handoff_s, idle_s=times.agent_idle_s)
        self.feedback = Feedback(between)

    async def queues(self) -> dict[str, int]:
        return {"accepted": len(await self.store.pending(self.clock.now() + 1))}
