"""Shops for the tests of backup and restore: a folder and its database, what is in them, and how to write into them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from bot.stores.archive import KEPT, Manifest
from bot.stores.backup import write_backup
from bot.stores.opening import open_database
from bot.stores.restore import restore_backup
from knowledge import db
from knowledge.config import KnowledgeSettings, load_knowledge_settings
from tests.contracts.stored import Rows, fill, rows

Contents = tuple[Rows, Mapping[str, bytes]]


def silent(_what: str, _done: int, _total: int) -> None:
    """No progress bar."""


async def no_index(_folder: Path, _settings: KnowledgeSettings) -> None:
    """The rows of these shops are made up; there is nothing to search."""


def engine_of(directory: Path) -> AsyncEngine:
    return database.open_engine(db.database_url(directory, load_knowledge_settings(directory)))


async def make_shop(directory: Path, url: str, name: str, count: int = 3) -> Path:
    """A shop with an assistant of its own and `count` rows in every table."""
    (directory / "assistant" / "en").mkdir(parents=True)
    (directory / "assistant" / "en" / "responses.yml").write_text(f"name: {name}\n", encoding="utf-8")
    (directory / "secret.key").write_bytes(name.encode().ljust(32, b"."))
    settings = f'embedder = "hash"\ndatabase_url = "{url}"\n' if url else 'embedder = "hash"\n'
    (directory / "shopclerk.toml").write_text(settings, encoding="utf-8")
    async with open_database(directory) as engine, db.writing(engine).begin() as connection:
        await connection.run_sync(fill, count)
    return directory


async def contents(directory: Path) -> Contents:
    """Rows of the database, and the folder's files."""
    engine = engine_of(directory)
    async with engine.connect() as connection:
        found = await connection.run_sync(rows)
    await engine.dispose()
    return found, files(directory)


def files(directory: Path) -> dict[str, bytes]:
    paths = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths
            if path.relative_to(directory).parts[0] in KEPT}


async def back_up(directory: Path, file: Path) -> Manifest:
    return await write_backup(directory, file, silent)


async def put_back(file: Path, directory: Path, *, replace: bool = False) -> Manifest:
    return await restore_backup(file, directory, replace=replace, progress=silent, make_index=no_index)
