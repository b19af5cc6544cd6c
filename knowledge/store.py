"""Opens a shop's folder: its database, brought up to date, with what reads and writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db
from knowledge.catalogue import SqlCatalogue
from knowledge.config import DATABASE_FILE, KnowledgeSettings, load_knowledge_settings
from knowledge.errors import BadInput, NotFound
from knowledge.orderbook import SqlOrderBook


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a shop's folder holds. Only the order service may use `orderbook` on behalf of a customer."""

    directory: Path
    settings: KnowledgeSettings
    engine: AsyncEngine
    catalogue: SqlCatalogue
    orderbook: SqlOrderBook

    async def close(self) -> None:
        await self.engine.dispose()


async def open_knowledge(directory: Path, settings: KnowledgeSettings | None = None, *,
                         create: bool = True) -> Knowledge:
    """Open, and migrate where needed. Raises ConfigError, Unavailable, and NotFound when nothing may be created."""
    chosen = settings or load_knowledge_settings(directory)
    if not chosen.database_url:
        _prepare_folder(directory, create)
    engine = db.open_engine(db.database_url(directory, chosen))
    try:
        await db.upgrade(engine)
    except BaseException:
        await engine.dispose()
        raise
    return Knowledge(directory, chosen, engine, SqlCatalogue(engine), SqlOrderBook(engine))


def _prepare_folder(directory: Path, create: bool) -> None:
    if not create and not (directory / DATABASE_FILE).is_file():
        raise NotFound(f"{directory}: no shop here yet (fill it with 'shopclerk ingest PATH --dir {directory}')")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{directory}: {error.strerror} (name a folder that can be written with --dir)") from error
