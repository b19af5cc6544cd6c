"""Rows of generation on a few single-threaded workers: what waits together runs together.

It knows CTranslate2's generator and tokens; no text, no prompt form, no event loop. A generator cannot take in a row
while it runs, so rows that arrive meanwhile go into the next batch of whichever worker is free first.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any

from bot.llm.budget import Busy

OnToken = Callable[[int, float], bool]
"""Told each token and its log probability, in a worker's thread; True ends the row there."""

_UNWATCHED = 256  # tokens: a shorter row that nobody watches runs without a callback, and so without Python's lock
_ALIKE = 1.25  # prompts of one batch: the longest over the shortest; beyond the shortest they are read token by token


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the next token is chosen: `temperature` 0 is greedy. Rows decoded alike may share a batch."""

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 1.0

    def options(self) -> dict[str, Any]:
        if self.temperature <= 0:
            return {"sampling_topk": 1}
        return {"sampling_topk": self.top_k, "sampling_topp": self.top_p, "sampling_temperature": self.temperature}


GREEDY = Decoding()


@dataclass(eq=False, slots=True)
class Row:
    """One text to write. `until`: a time of `time.monotonic`, after which it fails with TimeoutError."""

    prompt: Sequence[str]
    most: int
    decoding: Decoding = GREEDY
    on_token: OnToken | None = None
    until: float = math.inf
    done: Future[list[int]] = field(default_factory=Future)
    written: int = 0

    def cancel(self) -> None:
        """Leave: a waiting row is dropped, a running one ends at its next token."""
        self.done.cancel()

    @property
    def watched(self) -> bool:
        return self.on_token is not None or self.most > _UNWATCHED

    def told(self, token: int, log_prob: float) -> bool:
        """Take in a token; True when the row is to end."""
        self.written += 1
        if self.done.done():
            return True
        if time.monotonic() > self.until:
            _fail(self.done, TimeoutError("the model ran out of time"))
            return True
        try:
            stop = self.on_token is not None and self.on_token(token, log_prob)
        except Exception as error:  # one row's listener must not end the others
            _fail(self.done, error)
            return True
        return stop or self.written >= self.most


class Batches:
    """`rows` at most in a batch, `waiting` at most in the queue: beyond it `submit` raises Busy."""

    def __init__(self, generator: Any, ends: Sequence[str], *, workers: int, rows: int, waiting: int) -> None:
        self._generator, self._ends, self._rows, self._most_waiting = generator, list(ends), rows, waiting
        self._waiting: deque[Row] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._idle = workers
        self.running = 0  # rows under way
        self._threads = [
            threading.Thread(target=self._work, name=f"embedded-{n}", daemon=True) for n in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(self, row: Row) -> Future[list[int]]:
        """Queue a row; its future gets the tokens written, without the one that ends a text. Raises Busy."""
        with self._changed:
            if self._closed:
                raise Busy("the embedded model is closed")
            if len(self._waiting) >= self._most_waiting:
                raise Busy(f"{len(self._waiting)} texts wait for the embedded model")
            self._waiting.append(row)
            self._changed.notify()
        return row.done

    def close(self) -> None:
        """Finish what runs, refuse what waits."""
        with self._changed:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for row in left:
            _fail(row.done, Busy("the embedded model is closed"))
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._take():
            try:
                self._run(batch)
            except Exception as error:  # whatever stops a batch is told to its callers; the worker goes on
                for row in batch:
                    _fail(row.done, error)
            finally:
                with self._changed:
                    self.running -= len(batch)
                    self._idle += 1

    def _take(self) -> list[Row]:
        """The oldest waiting row and those that go well with it; waits for one. Empty: closed."""
        with self._changed:
            while True:
                batch = self._matching()
                if batch or self._closed:
                    self.running += len(batch)
                    self._idle -= 1
                    return batch
                self._changed.wait()

    def _matching(self) -> list[Row]:
        batch: list[Row] = []
        left: deque[Row] = deque()
        now = time.monotonic()
        most = min(self._rows, math.ceil(len(self._waiting) / max(1, self._idle)))  # the other idle workers' share
        while self._waiting and len(batch) < most:
            row = self._waiting.popleft()
            if row.done.done():
                continue
            if now > row.until:
                _fail(row.done, TimeoutError("the model had no time for it"))
            elif not batch or _go_together(batch[0], row):
                batch.append(row)
            else:
                left.append(row)
        self._waiting.extendleft(reversed(left))
        return batch

    def _run(self, batch: list[Row]) -> None:
        most = max(row.most for row in batch)
        watched = any(row.watched or row.most != most for row in batch)
        results = self._generator.generate_batch(
            [list(row.prompt) for row in batch],
            max_length=most,
            include_prompt_in_result=False,
            end_token=self._ends,
            callback=(lambda step: batch[step.batch_id].told(step.token_id, step.log_prob or 0.0)) if watched else None,
            return_scores=watched,
            **batch[0].decoding.options(),
        )
        for row, result in zip(batch, results, strict=True):
            _give(row.done, list(result.sequences_ids[0]))


def _go_together(one: Row, other: Row) -> bool:
    short, long = sorted((len(one.prompt), len(other.prompt)))
    return one.decoding == other.decoding and long <= short * _ALIKE


def _give(done: Future[list[int]], tokens: list[int]) -> None:
    if not done.done():
        try:
            done.set_result(tokens)
        except (InvalidStateError, CancelledError):  # its caller left at this very moment
            return


def _fail(done: Future[list[int]], error: Exception) -> None:
    if not done.done():
        try:
            done.set_exception(error)
        except (InvalidStateError, CancelledError):
            return
