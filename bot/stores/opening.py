"""Opens a shop's database for the commands that need nothing else of the shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from bot.stores.keys import SqlKeyStore, check_scopes
from bot.stores.restore import settle
from knowledge import db
from knowledge.config import load_knowledge_settings
from knowledge.errors import BadInput, NotFound
from knowledge.migrating import BASE, Chain


@asynccontextmanager
async def open_database(directory: Path) -> AsyncIterator[AsyncEngine]:
    """The shop's database with all tables up to date. Raises NotFound where there is no folder."""
    if not await asyncio.to_thread(directory.is_dir):
        raise NotFound(f"no shop in {directory}: 'shopclerk ingest PATH --dir {directory}' makes one")
    await settle(directory)
    engine = database.open_engine(db.database_url(directory, load_knowledge_settings(directory)))
    try:
        await database.bring_up_to_date(engine)
        yield engine
    finally:
        await engine.dispose()


async def migrate(directory: Path, to: Sequence[str] = (), yes: bool = False) -> str:
    """What was done, as a line to print. `to`: revisions such as "bot:0001"; none: the newest of everything.

    Raises BadInput for a revision that does not exist, and for a way back that was not confirmed with `yes`.
    """
    targets = _targets(to)
    if not targets:
        async with open_database(directory) as engine:
            return f"{engine.url.render_as_string()} is up to date"
    engine = _engine_of(directory)
    try:
        async with database.connect(db.writing(engine)) as connection, connection.begin():
            for chain, revision in targets.items():
                now = await connection.run_sync(chain.refuse_newer) or BASE
                if not yes and chain.is_before(revision, now):
                    raise BadInput(f"going back from {chain.name}:{now} to {chain.name}:{revision} loses what the older "
                                   "tables cannot hold: make a backup ('shopclerk backup FILE'), then repeat with --yes")
                await connection.run_sync(chain.move, revision)
        done = ", ".join(f"{chain.name}:{revision}" for chain, revision in targets.items())
        return f"{engine.url.render_as_string()} is at {done}"
    finally:
        await engine.dispose()


def _targets(to: Sequence[str]) -> dict[Chain, str]:
    """By chain; the bot's first, whichever way it goes: neither's tables refer to the other's."""
    known = {f"{chain.name}:{revision}": (chain, revision) for chain in database.CHAINS for revision in chain.revisions()}
    if unknown := [name for name in to if name not in known]:
        raise BadInput(f"no revision '{unknown[0]}': choose from {', '.join(known)}")
    return dict(known[name] for name in to)


def _engine_of(directory: Path) -> AsyncEngine:
    """Of a shop that is there. Raises NotFound."""
    engine = database.open_engine(db.database_url(directory, load_knowledge_settings(directory)))
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).is_file():
        raise NotFound(f"no database in {directory}: 'shopclerk ingest PATH --dir {directory}' makes one")
    return engine


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
    """What is in the database, as a line; it is only read. Raises NotFound, Unavailable, NewerDatabase."""
    engine = await asyncio.to_thread(_engine_of, directory)
    try:
        async with database.connect(engine) as connection:
            for chain in database.CHAINS:
                await connection.run_sync(chain.refuse_newer)
            counts = {name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                      for name, table in (("products", db.products), ("orders", db.orders))}
        return f"{engine.url.render_as_string()}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    finally:
        await engine.dispose()
