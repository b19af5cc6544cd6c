"""One turn of a conversation, from a message to the reply.

The engine knows the order of the stages and nothing of HTTP, models or databases: those stand behind `bot.ports`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bot.domain import events as ev
from bot.domain.commands import Command
from bot.domain.message import InboundMessage, OutboundMessage
from bot.domain.plain import plain
from bot.domain.tracker import Mode, Tracker
from bot.engine.flow_machine import FlowMachine
from bot.engine.guard import Guard
from bot.engine.handoff import is_overdue
from bot.engine.page import read_page, same_page
from bot.engine.repair import Repair
from bot.engine.say import Speaker
from bot.engine.turn import Turn
from bot.ports import Act, Clock, Finder, OnDelta, Reader, Reading, TrackerStore, TurnObserver


@dataclass(frozen=True, slots=True)
class Engine:
    store: TrackerStore
    guard: Guard
    finder: Finder
    reader: Reader
    repair: Repair
    machine: FlowMachine
    speaker: Speaker
    observer: TurnObserver
    clock: Clock
    handoff_timeout: float = 600.0  # seconds in the queue before the bot speaks again
    agent_timeout: float = 3600.0  # seconds of silence of a person

    async def handle(
        self, message: InboundMessage, on_delta: OnDelta | None = None, marks: Sequence[tuple[str, str]] = ()
    ) -> tuple[OutboundMessage, ...]:
        """Answer one message; () while a person holds the conversation. The caller holds the conversation's lock.

        `marks` are the (channel, message id) pairs this turn answers. Raises StaleTracker when another writer was
        faster: nothing of the turn has happened then.
        """
        with self.observer.turn(message.channel):
            return await self._turn(message, on_delta, marks)

    async def _turn(
        self, message: InboundMessage, on_delta: OnDelta | None, marks: Sequence[tuple[str, str]]
    ) -> tuple[OutboundMessage, ...]:
        turn = await self._begin(message)
        if turn.tracker.mode is not Mode.BOT:
            turn.record(ev.UserUttered(message.text, message.message_id, channel=message.channel))
            return await self._commit(turn, marks, ())
        try:
            await self._understand(turn)
            await self._act(turn)
        except Exception as error:  # a turn that fails must still be answered; the cause goes to the log
            turn = await self._failed(message, error)
        replies = await self._say(turn, on_delta)
        return await self._commit(turn, marks, replies)

    # --- the stages, in order ----------------------------------------------------------------------------------------

    async def _begin(self, message: InboundMessage) -> Turn:
        """The tracker as of the last commit, a session where there is none, and a person who never came."""
        tracker = await self.store.load(message.conversation_id) or Tracker(message.conversation_id)
        turn = Turn(tracker, message, self.clock.now(), loaded_seq=tracker.seq, said_before=list(tracker.last_bot))
        if tracker.seq == 0:
            turn.record(ev.SessionStarted(message.channel, message.locale or "en"))
        if message.customer_id and message.customer_id != tracker.customer_id:
            turn.record(ev.CustomerIdentified(message.customer_id, "channel"))
        if is_overdue(tracker, turn.now, self.handoff_timeout, self.agent_timeout):
            turn.record(ev.HandoffEnded("timeout"))
            turn.say(Act("utter_handoff_timeout"))
        return turn

    async def _understand(self, turn: Turn) -> None:
        """Guard in, retrieve, read: the message becomes commands, noted with the evidence they point at."""
        with self._stage(turn, "guard"):
            turn.message = message = self.guard.clean(turn.message)
        with self._stage(turn, "retrieve"):
            await self._see(turn)
            turn.evidence = await self.finder.find(message.text, turn.tracker)
        with self._stage(turn, "understand"):
            reading = await self.reader.read(message, turn.tracker, turn.evidence)
            self.observer.rung("understand", reading.rung)
        self.observer.understood(reading.intent)
        turn.record(self._uttered(message, reading, turn))
        self.repair.apply(turn, reading.commands)

    async def _see(self, turn: Turn) -> None:
        """Note where on the shop's site the customer is, when that changed."""
        seen = read_page(turn.message.page)
        if seen is None or same_page(seen, turn.tracker.page):
            return
        turn.record(await self.finder.page(seen, turn.tracker))

    async def _act(self, turn: Turn) -> None:
        with self._stage(turn, "act"):
            await self.machine.advance(turn)

    async def _say(self, turn: Turn, on_delta: OnDelta | None) -> tuple[OutboundMessage, ...]:
        with self._stage(turn, "say"):
            replies = self.guard.release(await self.speaker.say(turn, on_delta))
            self.observer.rung("say", turn.phrased_by)
            for reply in replies:
                turn.record(ev.BotUttered(reply.text, _reply_data(reply)))
        return replies

    async def _commit(
        self, turn: Turn, marks: Sequence[tuple[str, str]], replies: tuple[OutboundMessage, ...]
    ) -> tuple[OutboundMessage, ...]:
        """Events, snapshot, inbox marks and the reply in one transaction; only then the reply goes out."""
        with self._stage(turn, "commit"):
            await self.store.commit(
                turn.tracker.conversation_id, turn.loaded_seq, turn.events, turn.tracker, marks, replies
            )
        self.observer.turn_done(turn.timings, len(turn.acts))
        return replies

    # --- small things ------------------------------------------------------------------------------------------------

    @contextmanager
    def _stage(self, turn: Turn, name: str) -> Iterator[None]:
        mark = time.perf_counter()
        with self.observer.stage(name):
            yield
        turn.time(name, mark)

    async def _failed(self, message: InboundMessage, error: Exception) -> Turn:
        """Start the turn over and apologise: nothing of the failed attempt is kept, requests under way stay."""
        error_id = uuid.uuid4().hex[:8]
        self.observer.turn_failed(error_id, error)
        turn = await self._begin(message)
        turn.record(ev.UserUttered(message.text, message.message_id, channel=message.channel))
        turn.record(ev.TurnFailed(error_id))
        turn.say(Act("utter_internal_error", {"error_id": error_id}))
        return turn

    @staticmethod
    def _uttered(message: InboundMessage, reading: Reading, turn: Turn) -> ev.UserUttered:
        return ev.UserUttered(
            message.text,
            message.message_id,
            reading.intent,
            reading.confidence,
            [dict(e) for e in reading.entities],
            [_command_json(c) for c in reading.commands],
            [e.id for e in turn.evidence],
            message.channel,
        )


def _command_json(command: Command) -> dict[str, Any]:
    return {"name": type(command).__name__} | plain(command)


def _reply_data(reply: OutboundMessage) -> dict[str, Any]:
    data = plain(reply)
    data.pop("text")
    return {key: value for key, value in data.items() if value}
