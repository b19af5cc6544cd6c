"""Notes how turns went: stage times for metrics, causes of failed turns for the log. No message text, no personal data."""

from __future__ import annotations

import logging
from collections.abc import Mapping

log = logging.getLogger("shopclerk.turn")


class LogObserver:
    def __init__(self) -> None:
        self.turns = 0
        self.failed = 0
        self.stage_ms: dict[str, float] = {}

    def turn_done(self, timings: Mapping[str, float], acts: int) -> None:
        self.turns += 1
        for stage, milliseconds in timings.items():
            self.stage_ms[stage] = self.stage_ms.get(stage, 0.0) + milliseconds

    def turn_failed(self, error_id: str, error: Exception) -> None:
        self.failed += 1
        log.error("turn %s failed: %s", error_id, type(error).__name__, exc_info=error)
