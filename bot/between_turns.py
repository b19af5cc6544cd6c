"""Writes to a conversation outside a turn: one commit per act, under the conversation's lock and the store's own check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.domain import events as ev
from bot.domain.tracker import Tracker
from bot.ports import Clock, ConversationLock, StaleTracker, TrackerStore
from knowledge.errors import BadInput, NotFound

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class BetweenTurns:
    """Safe beside turns in this process and in others."""

    store: TrackerStore
    lock: ConversationLock
    clock: Clock

    async def record(self, conversation_id: str, act: Callable[[Tracker], Sequence[ev.Event]]) -> int:
        """Commit the events that `act` makes of the tracker as it stands; the conversation's seq afterwards.

        Raises NotFound for a conversation that nobody began, BadInput when it keeps changing, and whatever `act` raises.
        """
        async with self.lock.hold(conversation_id):
            for _ in range(_ATTEMPTS):
                tracker = await self.store.load(conversation_id)
                if tracker is None:
                    raise NotFound(f"no conversation '{conversation_id}'")
                before, events = tracker.seq, act(tracker)
                stamped = [ev.Stamped(before + n, self.clock.now(), event) for n, event in enumerate(events, 1)]
                for item in stamped:
                    tracker.apply(item)
                try:
                    if stamped:
                        await self.store.commit(conversation_id, before, stamped, tracker)
                    return tracker.seq
                except StaleTracker:
                    continue  # another process was faster: look again
        raise BadInput(f"conversation '{conversation_id}' keeps changing: try again")
