"""Opens the bot's side of a shop's database and brings it up to the bot's newest tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, event, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores.schema import VERSION_TABLE
from knowledge import db

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0001"                              # the newest migration; a test holds it to the folder
_LOCK = 715732                             # of PostgreSQL: several workers may start at once


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


async def upgrade(engine: AsyncEngine) -> bool:
    """Run the bot's pending migrations; True when there were some."""
    async with engine.connect() as connection:
        if await connection.run_sync(_version) == HEAD:
            return False
    async with db.writing(engine).begin() as connection:
        await connection.run_sync(_migrate)
    return True


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return version


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    if _version(connection) == HEAD:
        return
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
