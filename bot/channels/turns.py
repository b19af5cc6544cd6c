"""Runs turns within a time limit, without breaking them off in the middle of a write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
log = logging.getLogger("shopclerk.turns")


class Turns:
    """After `limit_s` the caller gets TimeoutError; the turn has as long again to end well before it is cancelled.

    So its state is kept, and the same message id sent again gets the reply that came too late.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._running: set[asyncio.Task[Any]] = set()

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({task}, timeout=self._limit_s)
        if not done:
            asyncio.get_running_loop().call_later(self._limit_s, task.cancel)
            task.add_done_callback(_log_late_failure)
            raise TimeoutError
        return task.result()

    async def drain(self, seconds: float) -> None:
        """Wait for turns under way; what is not done by then is cancelled."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _log_late_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a turn that took too long failed", exc_info=error)
