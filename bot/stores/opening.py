"""Opens a shop's database for the commands that need nothing else of the shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from bot.stores.keys import SqlKeyStore, check_scopes
from knowledge import db
from knowledge.config import DATABASE_FILE, load_knowledge_settings
from knowledge.errors import NotFound, Unavailable


@asynccontextmanager
async def open_database(directory: Path) -> AsyncIterator[AsyncEngine]:
    """The shop's database with all tables up to date. Raises NotFound where there is no folder."""
    if not await asyncio.to_thread(directory.is_dir):
        raise NotFound(f"no shop in {directory}: 'shopclerk ingest PATH --dir {directory}' makes one")
    engine = database.open_engine(db.database_url(directory, load_knowledge_settings(directory)))
    try:
        await db.upgrade(engine)
        await database.upgrade(engine)
        yield engine
    finally:
        await engine.dispose()


async def migrate(directory: Path) -> str:
    """What was done, as a line to print."""
    async with open_database(directory) as engine:
        return f"{engine.url.render_as_string()} is up to date"


async def create_key(directory: Path, scopes: Sequence[str], name: str) -> str:
    """The new key's text. Raises BadInput for unknown scopes before anything is written."""
    check_scopes(scopes)
    async with open_database(directory) as engine:
        _, text = await SqlKeyStore(engine).create(scopes, name)
    return text


async def revoke_key(directory: Path, key_id: str) -> None:
    async with open_database(directory) as engine:
        await SqlKeyStore(engine).revoke(key_id)


async def inspect_store(directory: Path) -> str:
    """What is in the database, as a line; it is only read. Raises Unavailable."""
    engine = database.open_engine(db.database_url(directory, load_knowledge_settings(directory)))
    try:
        if engine.dialect.name == "sqlite" and not await asyncio.to_thread((directory / DATABASE_FILE).is_file):
            raise NotFound(f"no database in {directory}: 'shopclerk ingest PATH --dir {directory}' makes one")
        async with engine.connect() as connection:
            counts = {name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                      for name, table in (("products", db.products), ("orders", db.orders))}
        return f"{engine.url.render_as_string()}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    except SQLAlchemyError as error:
        raise Unavailable(f"database {engine.url.render_as_string()}: {str(error).splitlines()[0]}") from error
    finally:
        await engine.dispose()
