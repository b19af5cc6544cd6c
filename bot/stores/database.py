"""Opens the bot's side of a shop's database and brings it up to the bot's newest tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import StaticPool

from bot.stores.group_commit import GroupCommit
from bot.stores.schema import VERSION_TABLE
from knowledge import db
from knowledge.errors import Unavailable
from knowledge.migrating import Chain
from knowledge.writing import Write, alone

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0002"                              # the newest migration; a test holds it to the folder
CHAIN = Chain("bot", MIGRATIONS, VERSION_TABLE, HEAD, 715732)
_AWAY = ("08", "53", "57", "58")           # PostgreSQL's classes: connection, resources, stopping, system
CHAINS = (db.CHAIN, CHAIN)                 # in the order they are run


def open_engine(url: URL | str) -> AsyncEngine:
    """The knowledge base's engine, with SQLite made to outlive a power cut: what a customer was told must be kept."""
    engine = db.open_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _sync_fully)
    return engine


def _sync_fully(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


@asynccontextmanager
async def open_writer(engine: AsyncEngine) -> AsyncIterator[Write]:
    """The one writer of a service on `engine`: on SQLite works that wait share a transaction; PostgreSQL does that itself."""
    if engine.dialect.name != "sqlite":
        yield alone(engine)
        return
    writer = create_engine(engine.url.set(drivername="sqlite"), poolclass=StaticPool,
                           connect_args={"check_same_thread": False})
    event.listen(writer, "connect", db.prepare_sqlite)
    event.listen(writer, "connect", _sync_fully)
    event.listen(writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(engine.sync_engine, "engine_disposed", lambda _: writer.dispose())   # whoever lets go of the file, lets all go
    group = GroupCommit(writer)
    try:
        yield group
    finally:
        await group.close()


async def upgrade(engine: AsyncEngine) -> bool:
    """Run the bot's pending migrations; True when there were some. Raises NewerDatabase."""
    async with engine.connect() as connection:
        if await connection.run_sync(CHAIN.refuse_newer) == HEAD:
            return False
    async with db.writing(engine).begin() as connection:
        await connection.run_sync(CHAIN.move, HEAD)
    return True


async def bring_up_to_date(engine: AsyncEngine) -> None:
    """All of the shop's tables, the knowledge base's and the bot's; a database newer than the program is not touched.

    Raises Unavailable, NewerDatabase.
    """
    async with connect(engine) as connection:
        for chain in CHAINS:
            await connection.run_sync(chain.refuse_newer)
    await db.upgrade(engine)
    await upgrade(engine)


@asynccontextmanager
async def connect(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection. Raises Unavailable, also for what the database says later on it."""
    try:
        connection = await engine.connect()
    except (OSError, SQLAlchemyError) as error:
        raise unavailable(engine, error) from error
    async with aclosing(connection):
        try:
            yield connection
        except SQLAlchemyError as error:
            raise unavailable(engine, error) from error


def cannot_serve(error: BaseException) -> bool:
    """Whether the database is to blame, for now: it is away, stopping, locked, busy, or its disk is full; nothing was kept."""
    if isinstance(error, OperationalError | InterfaceError | NoFreeConnection | ConnectionError):
        return True
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    return isinstance(error, DBAPIError) and state.startswith(_AWAY)


def unavailable(engine: AsyncEngine, error: BaseException) -> Unavailable:
    """What a driver said, in one line that shows no password."""
    said = str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__]
    return Unavailable(f"database {engine.url.render_as_string()}: {said[0]}")
