"""One contract suite runs on every database there is: SQLite always, PostgreSQL where one answers.

PostgreSQL is looked for at DATABASE_URL, else on this machine's port 5432 as `postgres`; each run has a database of
its own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db

T = TypeVar("T")
LOCAL_POSTGRES = "postgresql://postgres@localhost:5432/postgres"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh database on the PostgreSQL server at hand; dropped at the end. Skips where none answers."""
    server = db.async_url(os.environ.get("DATABASE_URL") or LOCAL_POSTGRES)
    if server.get_backend_name() != "postgresql":
        pytest.skip("DATABASE_URL names no PostgreSQL")
    name = f"shopclerk_test_{secrets.token_hex(6)}"
    try:
        _apart(_administer(server, f'CREATE DATABASE "{name}"'))
    except (OSError, asyncpg.PostgresError) as error:
        pytest.skip(f"no PostgreSQL at {server.render_as_string()}: {error}")
    yield server.set(database=name).render_as_string(hide_password=False)
    _apart(_administer(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine on an empty store."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    engine = db.open_engine(url)
    await db.upgrade(engine)
    yield engine
    if request.param == "postgresql":
        async with engine.begin() as connection:
            for table in db.metadata.sorted_tables:
                await connection.execute(table.delete())
    await engine.dispose()


async def _administer(server: URL, statement: str) -> None:
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _apart(work: Awaitable[T]) -> T:
    """In a thread with a loop of its own: a session's fixture has none."""
    async def run() -> T:
        return await work

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(run())).result()
