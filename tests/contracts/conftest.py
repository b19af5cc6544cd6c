"""One contract suite runs on every database there is: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db


@pytest.fixture(params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine on an empty store."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}"
    else:
        url = str(db.async_url(request.getfixturevalue("session_postgres")).render_as_string(hide_password=False))
    engine = db.open_engine(url)
    await db.upgrade(engine)
    yield engine
    if request.param == "postgresql":
        async with engine.begin() as connection:
            for table in db.metadata.sorted_tables:
                await connection.execute(table.delete())
    await engine.dispose()
