"""Opens a shop's database for the commands that need nothing else of the shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from bot.stores.keys import SqlKeyStore, check_scopes
from knowledge import db
from knowledge.config import load_knowledge_settings
from knowledge.errors import NotFound


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
