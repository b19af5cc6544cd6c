"""Between processes on one PostgreSQL: whoever commits to a conversation wakes the lookers-on of the other processes.

LISTEN/NOTIFY tells only that there is something; what it is, the store says. SQLite has one process and needs none.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

CHANNEL = "shopclerk_conversations"
SERVING = 715733                           # an advisory lock
AGAIN_S = 1.0                              # until the next try after the connection was lost
ORIGIN = secrets.token_hex(6)              # of this process: its own notices are no news to it
log = logging.getLogger("shopclerk.notices")
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")


class Woken(Protocol):
    def wake(self, conversation_id: str) -> None: ...
    def wake_all(self) -> None: ...


def notify(connection: Connection, conversation_id: str) -> None:
    """Part of the transaction that commits: nobody is woken for what was rolled back."""
    if connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": f"{ORIGIN} {conversation_id}"})


async def listen_forever(engine: AsyncEngine, feed: Woken) -> None:
    """Pass on what other processes commit; after a lost connection everybody looks for what was missed."""
    if engine.dialect.name != "postgresql":
        return
    import asyncpg

    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            connection = await asyncpg.connect(address)
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _, lost=lost: lost.set())
            await connection.add_listener(CHANNEL, lambda *notice: _pass_on(feed, notice[-1]))
            feed.wake_all()
            try:
                await lost.wait()
            finally:
                await connection.close(timeout=1)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("notices of other processes are not heard: %s", error)
        await asyncio.sleep(AGAIN_S)


@asynccontextmanager
async def serving(engine: AsyncEngine) -> AsyncIterator[bool]:
    """Whether no other process serves this database, as far as can be told; as long as this lasts, others see that one does.

    On PostgreSQL each serving process holds a shared advisory lock, which the server takes back when the process dies.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    import asyncpg

    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address)
    try:
        alone = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", SERVING))
        await connection.execute("SELECT pg_advisory_lock_shared($1)", SERVING)
        if alone:
            await connection.execute("SELECT pg_advisory_unlock($1)", SERVING)
        yield alone
    finally:
        await connection.close(timeout=1)


def _pass_on(feed: Woken, payload: str) -> None:
    origin, _, conversation_id = payload.partition(" ")
    if origin != ORIGIN:
        feed.wake(conversation_id)
