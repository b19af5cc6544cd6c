"""One turn in the making: the tracker as it moves, the events that moved it, and what is to be said.

Nothing here is durable; the engine commits it at the end or drops it whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bot.domain.events import BotUttered, Event, Stamped
from bot.domain.message import InboundMessage
from bot.domain.tracker import Tracker
from bot.ports import Act
from knowledge.models import Evidence


@dataclass(slots=True)
class Turn:
    tracker: Tracker
    message: InboundMessage
    now: float
    loaded_seq: int = 0  # of the tracker as it was loaded
    events: list[Stamped] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    evidence: tuple[Evidence, ...] = ()
    said_before: list[BotUttered] = field(default_factory=list)  # the bubbles of the turn before
    timings: dict[str, float] = field(default_factory=dict)  # milliseconds per stage
    phrased_by: str = "template"  # or "llm"

    def record(self, event: Event) -> None:
        """Note what happened and let the tracker follow."""
        stamped = Stamped(self.tracker.seq + 1, self.now, event)
        self.events.append(stamped)
        self.tracker.apply(stamped)

    def say(self, *acts: Act) -> None:
        self.acts.extend(acts)

    def time(self, stage: str, since: float) -> float:
        """Book the time since `since` (from `time.perf_counter`) on a stage; returns the new mark."""
        mark = time.perf_counter()
        self.timings[stage] = self.timings.get(stage, 0.0) + (mark - since) * 1000
        return mark

    def new_frame_id(self) -> str:
        return f"f{self.tracker.frames_begun + 1}"
