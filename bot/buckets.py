"""Token buckets: how often something may happen. Counts live in this process; a restart forgets them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 50_000


class TokenBuckets:
    """One bucket per key that holds a period's worth and refills evenly. Memory is bounded: the idlest key goes."""

    def __init__(self, per_period: int, clock: Callable[[], float] = time.monotonic, period_s: float = 60.0) -> None:
        self._size, self._rate, self._clock = float(per_period), per_period / period_s, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()      # key → (tokens, as of)

    def take(self, key: str) -> float:
        """0.0 and one token is gone, or the seconds until there is one."""
        now = self._clock()
        tokens = self._tokens(key, now)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._buckets.pop(key, None)
        self._buckets[key] = (tokens - 1 if wait == 0 else tokens, now)
        while len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        return wait

    def is_empty(self, key: str) -> bool:
        """Whether there is no token now; none is taken."""
        return self._tokens(key, self._clock()) < 1

    def _tokens(self, key: str, now: float) -> float:
        tokens, then = self._buckets.get(key, (self._size, now))
        return min(self._size, tokens + (now - then) * self._rate)
