"""Kills a migration at each of its steps (SIGKILL), starts the program again each time, and looks at the outcome.

`python -m tests.contracts.killed_migration URL CHAIN REVISION` starts from REVISION of that chain, with rows in all
tables, and prints how many steps there are. A process is forked for each attempt. With `few` as a fourth word it dies
only at the first step, in the middle and at the last, which is what the suite has time for.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable

from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from knowledge import db
from knowledge.migrating import BASE
from tests.contracts.stored import differences, fill, revisions, rows, tables, without_columns

Work = Callable[[AsyncEngine], Awaitable[int | None]]


def main(url: str, chain_name: str, revision: str, which: str = "all") -> None:
    def begin() -> None:
        _run(url, lambda engine: _from(engine, chain_name, revision))

    begin()
    steps = _fork(url, _count)
    for step in {1, (steps + 1) // 2, steps} if which == "few" else range(1, steps + 1):
        begin()
        ended = _fork(url, lambda engine, at=step: _killed(engine, at))       # type: ignore[misc]
        assert ended == -signal.SIGKILL, f"step {step} of {chain_name} ended with {ended}"
        _run(url, _start_again)
    print(steps)


def _run(url: str, work: Work) -> None:
    if ended := _fork(url, work):
        sys.exit(f"an attempt ended with {ended}")


def _fork(url: str, work: Work) -> int:
    """How a process that does `work` ended: its exit code, or minus the signal."""
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        os._exit(asyncio.run(_with_engine(url, work)) or 0)
    except BaseException:
        traceback.print_exc()
        os._exit(255)


async def _with_engine(url: str, work: Work) -> int | None:
    engine = database.open_engine(db.async_url(url))
    result = await work(engine)
    await engine.dispose()
    return result


async def _from(engine: AsyncEngine, chain_name: str, revision: str) -> None:
    """The tables of that time, and in each some rows."""
    async with db.writing(engine).begin() as connection:
        await connection.run_sync(_empty)
        for chain in database.CHAINS:
            await connection.run_sync(chain.move, revision if chain.name == chain_name else BASE)
        await connection.run_sync(fill)


def _empty(connection: Connection) -> None:
    for name in (*tables(connection), *(chain.version_table for chain in database.CHAINS)):
        connection.execute(text(f"DROP TABLE IF EXISTS {name}"))


async def _killed(engine: AsyncEngine, at: int) -> None:
    """Up to the newest tables, dying after operation `at`, before anything is committed."""
    def die(done: int) -> None:
        if done == at:
            os.kill(os.getpid(), signal.SIGKILL)

    _after_each_operation(die)
    await database.bring_up_to_date(engine)


async def _count(engine: AsyncEngine) -> int:
    """How many operations it takes."""
    steps: list[int] = []
    _after_each_operation(steps.append)
    await database.bring_up_to_date(engine)
    return len(steps)


def _after_each_operation(call: Callable[[int], None]) -> None:
    invoke, numbers = Operations.invoke, itertools.count(1)

    def counted(self: Operations, operation: object) -> object:
        result = invoke(self, operation)                # type: ignore[arg-type]
        call(next(numbers))
        return result

    Operations.invoke = counted                         # type: ignore[method-assign]


async def _start_again(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        before = {name: some for name, some in (await connection.run_sync(rows)).items() if some}
    await database.bring_up_to_date(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(revisions) == {chain.name: chain.head for chain in database.CHAINS}
        assert without_columns(await connection.run_sync(rows), before) == before


if __name__ == "__main__":
    main(*sys.argv[1:])
