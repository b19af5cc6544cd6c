"""A demo shop to be served and killed: its folder copied, its rows on SQLite or in a PostgreSQL database of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database, schema
from knowledge import db
from knowledge.config import DATABASE_FILE
from knowledge.orders import ledger_sql  # noqa: F401 - its tables belong to the store

PAGE = 2000


@dataclass(frozen=True)
class Place:
    """Where the shop is; `environment` is what its server must be told."""

    folder: Path
    url: str  # SQLAlchemy's

    @property
    def environment(self) -> dict[str, str]:
        return {"SHOPCLERK__DATABASE_URL": self.url.replace("+asyncpg", "").replace("+aiosqlite", "")}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[AsyncEngine]:
        """The database, for looking at it from outside."""
        engine = database.open_engine(self.url)
        try:
            yield engine
        finally:
            await engine.dispose()


def on_sqlite(made: Path, folder: Path) -> Place:
    shutil.copytree(made, folder)
    return Place(folder, f"sqlite+aiosqlite:///{folder / DATABASE_FILE}")


async def on_postgresql(made: Path, folder: Path, url: str) -> Place:
    """`url` is an empty database; the rows are copied as they are, so the index in the folder fits them."""
    shutil.copytree(made, folder)
    place = Place(folder, db.async_url(url).render_as_string(hide_password=False))
    async with place.opened() as engine:
        await database.bring_up_to_date(engine)
        async with engine.begin() as connection:
            await connection.run_sync(_copy_rows, folder / DATABASE_FILE)
    (folder / DATABASE_FILE).unlink()
    return place


def _copy_rows(target: Connection, file: Path) -> None:
    source = create_engine(f"sqlite:///{file}")
    try:
        with source.connect() as rows:
            there = set(inspect(rows).get_table_names())
            for table in (*db.metadata.sorted_tables, *schema.metadata.sorted_tables):
                if table.name in there:
                    for page in rows.execute(select(table)).mappings().partitions(PAGE):
                        target.execute(insert(table), [dict(row) for row in page])
    finally:
        source.dispose()


@asynccontextmanager
async def fresh_database(server: str) -> AsyncIterator[str]:
    """The URL of an empty database on a PostgreSQL server, dropped afterwards."""
    name = f"soak_{os.getpid()}_{os.urandom(3).hex()}"
    await _administer(server, f'CREATE DATABASE "{name}"')
    try:
        yield server.rpartition("/")[0] + f"/{name}"
    finally:
        await _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _administer(server: str, statement: str) -> None:
    engine = database.open_engine(db.async_url(server))
    try:
        async with engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text(statement))
    finally:
        await engine.dispose()
