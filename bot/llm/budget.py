"""What keeps a model from costing too much or holding up a shop: a circuit breaker, a token budget, a count.

They know neither models nor networks and live in one process.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

Seconds = Callable[[], float]


class Busy(Exception):
    """A model has too much to do. Nothing is wrong with it: no breaker counts this."""


class Breaker:
    """Opens after `failures` failed calls in a row; after `pause_s` seconds one call may try again."""

    def __init__(self, failures: int = 4, pause_s: float = 30.0, now: Seconds = time.monotonic) -> None:
        self._limit, self._pause, self._now = failures, pause_s, now
        self._failed = 0
        self._closed_again_at = 0.0

    def allows(self) -> bool:
        """Whether to call now. While open, one caller per pause gets through."""
        if self._failed < self._limit:
            return True
        if self._now() < self._closed_again_at:
            return False
        self._closed_again_at = self._now() + self._pause
        return True

    def succeeded(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        if self._failed >= self._limit:
            self._closed_again_at = self._now() + self._pause


class TokenBudget:
    """Tokens per window, of each conversation and of all together; 0: no limit. Remembers the latest `remembered` ones."""

    def __init__(
        self,
        per_conversation: int = 40_000,
        window_s: float = 86_400.0,
        remembered: int = 10_000,
        now: Seconds = time.monotonic,
        in_all: int = 0,
    ) -> None:
        self._in_all, self._all = in_all, (0.0, 0)  # (window's end, tokens) of everybody
        self._limit, self._window, self._remembered, self._now = per_conversation, window_s, remembered, now
        self._spent: OrderedDict[str, tuple[float, int]] = OrderedDict()  # conversation → (window's end, tokens)

    def allows(self, conversation_id: str) -> bool:
        if self._in_all and self._now() < self._all[0] and self._all[1] >= self._in_all:
            return False
        return self._limit == 0 or self._current(conversation_id)[1] < self._limit

    def spend(self, conversation_id: str, tokens: int) -> None:
        ends, in_all = self._all if self._now() < self._all[0] else (self._now() + self._window, 0)
        self._all = ends, in_all + tokens
        end, spent = self._current(conversation_id)
        self._spent[conversation_id] = (end, spent + tokens)
        self._spent.move_to_end(conversation_id)
        while len(self._spent) > self._remembered:
            self._spent.popitem(last=False)

    def spent(self, conversation_id: str) -> int:
        return self._current(conversation_id)[1]

    def _current(self, conversation_id: str) -> tuple[float, int]:
        end, spent = self._spent.get(conversation_id, (0.0, 0))
        return (end, spent) if self._now() < end else (self._now() + self._window, 0)


@dataclass(slots=True)
class SentenceCount:
    """How much of what a model wrote was said: the share of dropped sentences is to be kept small."""

    own: int = 0  # sentences said as the model wrote them
    dropped: int = 0  # sentences the gate refused
    acts_own: int = 0
    acts_template: int = 0  # acts that fell back to their template
    failures: int = 0  # calls without a usable answer

    @property
    def dropped_share(self) -> float:
        """Of the sentences written, the share that was not said."""
        return self.dropped / (self.own + self.dropped) if self.own + self.dropped else 0.0
