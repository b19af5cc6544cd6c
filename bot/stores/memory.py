"""The tracker store in memory, for tests and trials: the same contract as the SQL one, gone with the process."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from bot.domain.events import Stamped, event_from_json, event_to_json
from bot.domain.message import InboundMessage, OutboundMessage
from bot.domain.tracker import Tracker, restore, snapshot
from bot.ports import Feed, StaleTracker
from bot.stores.accepted import message_from_json, message_to_json
from bot.stores.replies import reply_from_json, reply_to_json


class MemoryTrackerStore:
    """Keeps JSON, like a database would: what comes out is never the object that went in."""

    def __init__(self, feed: Feed | None = None) -> None:
        self._feed = feed
        self._snapshots: dict[str, str] = {}
        self._events: dict[str, list[tuple[int, float, str]]] = {}
        self._inbox: dict[tuple[str, str], str] = {}
        self._accepted: dict[tuple[str, str], tuple[float, str]] = {}

    async def load(self, conversation_id: str) -> Tracker | None:
        text = self._snapshots.get(conversation_id)
        return restore(json.loads(text)) if text else None

    async def commit(self, conversation_id: str, expected_seq: int, events: Sequence[Stamped], tracker: Tracker,
                     inbox: Sequence[tuple[str, str]] = (), outbox: Sequence[OutboundMessage] = ()) -> None:
        stored = self._snapshots.get(conversation_id)
        if (json.loads(stored)["seq"] if stored else 0) != expected_seq or any(mark in self._inbox for mark in inbox):
            raise StaleTracker(conversation_id)
        state = json.dumps(snapshot(tracker))
        rows = [(s.seq, s.at, json.dumps(event_to_json(s.event))) for s in events]
        reply = json.dumps([reply_to_json(m) for m in outbox])
        self._snapshots[conversation_id] = state
        self._events.setdefault(conversation_id, []).extend(rows)
        self._inbox.update(dict.fromkeys(inbox, reply))
        for mark in inbox:
            self._accepted.pop(mark, None)
        if self._feed is not None:
            self._feed.committed(conversation_id, events, tracker.mode.value)

    async def accept(self, message: InboundMessage) -> None:
        key = (message.channel, message.message_id)
        if key not in self._inbox and key not in self._accepted:
            self._accepted[key] = (time.time(), json.dumps(message_to_json(message)))

    async def pending_of(self, conversation_id: str) -> list[InboundMessage]:
        return [m for m in await self.pending(float("inf")) if m.conversation_id == conversation_id]

    async def pending(self, before: float) -> list[InboundMessage]:
        kept = sorted(row for row in self._accepted.values() if row[0] < before)
        return [message_from_json(json.loads(body)) for _, body in kept]

    async def events(self, conversation_id: str, after: int = 0, limit: int = 1000) -> list[Stamped]:
        rows = [row for row in self._events.get(conversation_id, ()) if row[0] > after]
        return [Stamped(seq, at, event_from_json(json.loads(body))) for seq, at, body in rows[:limit]]

    async def answered(self, channel: str, message_id: str) -> list[OutboundMessage] | None:
        text = self._inbox.get((channel, message_id))
        return None if text is None else [reply_from_json(m) for m in json.loads(text)]

    async def in_mode(self, *modes: str) -> list[Tracker]:
        states: list[dict[str, Any]] = [json.loads(text) for text in self._snapshots.values()]
        chosen = [s for s in states if s["mode"] in modes]
        return [restore(s) for s in sorted(chosen, key=lambda s: float(s["mode_since"]))]
