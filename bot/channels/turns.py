"""Runs turns within a time limit and a bounded number, without breaking them off in the middle of a write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.channels.problem import Problem

T = TypeVar("T")
RETRY_AFTER_S = 2
log = logging.getLogger("shopclerk.turns")


class Turns:
    """After `limit_s` the caller gets TimeoutError; the turn has as long again to end well before it is cancelled.

    So its state is kept, and the same message id sent again gets the reply that came too late. More than `at_most`
    turns at once, or any while the server stops, are refused with a 503 problem: nothing of them was kept.
    """

    def __init__(self, limit_s: float, at_most: int = 1000) -> None:
        self._limit_s, self._at_most = limit_s, at_most
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        """Turns under way or waiting for their conversation's lock."""
        return len(self._running)

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """Raises TimeoutError, or a 503 problem when there is no room."""
        if self._closed or len(self._running) >= self._at_most:
            work.close()
            raise Problem(503, "the server is about to stop: try again in a moment" if self._closed
                          else "too many messages at once: try again in a moment",
                          kind="overloaded", headers={"Retry-After": str(RETRY_AFTER_S)}, retry_after=RETRY_AFTER_S)
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
        """Take no more, and wait for turns under way; what is not done by then is cancelled."""
        self._closed = True
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _log_late_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a turn that took too long failed", exc_info=error)
