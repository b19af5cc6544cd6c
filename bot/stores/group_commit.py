"""Group commit for SQLite: writes that wait at the same time share one transaction, and so one flush to the disk.

Each write keeps its own savepoint, so one that fails takes no other along. Nothing is reported done before the shared
transaction is on the disk (Helland et al. 1987, "Group commit timers and high-volume transaction systems").
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")
MOST = 128  # writes in one transaction: bounds how long the first of them waits


@dataclass(slots=True)
class _Write:
    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]
    outcome: Any = None
    error: Exception | None = None


class GroupCommit:
    """One writer for one database: a `knowledge.writing.Write`, on a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[_Write] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, work: Callable[[Connection], T], /) -> T:
        """The result of `work`, durable; what it raised, undone. A caller that goes away does not stop the write."""
        mine = _Write(work, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        result: T = await asyncio.shield(mine.done)
        return result

    async def close(self) -> None:
        """Write what waits, then let the connection go."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        self._thread.shutdown()
        self._engine.dispose()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            failure = await loop.run_in_executor(self._thread, self._together, batch)
            for write in batch:
                _report(write, failure)

    def _together(self, batch: list[_Write]) -> Exception | None:
        """One transaction for all. What is returned befell all of them: nothing was written."""
        try:
            with self._engine.begin() as connection:
                if len(batch) == 1:  # its failure is the transaction's
                    batch[0].outcome = batch[0].work(connection)
                else:
                    for write in batch:
                        _one(connection, write)
        except Exception as error:  # whatever the driver raises (a full disk, a lost file), each caller must hear of it
            return error
        return None


def _one(connection: Connection, write: _Write) -> None:
    savepoint = connection.begin_nested()
    try:
        write.outcome = write.work(connection)
        savepoint.commit()
    except Exception as error:  # the write's own failure, for its own caller
        savepoint.rollback()
        write.error = error


def _report(write: _Write, failure: Exception | None) -> None:
    if write.done.cancelled():
        return
    if error := failure or write.error:
        write.done.set_exception(error)
        write.done.exception()  # noted: whoever has gone away need not fetch it
    else:
        write.done.set_result(write.outcome)
