"""Makes a backup of a shop: every table as it was at one moment, and what its folder holds, in one file.

The server goes on meanwhile: the tables are read in one snapshot (a read transaction on SQLite's WAL, REPEATABLE READ on
PostgreSQL), so each conversation is whole. The file does not depend on the database it was made from.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, MetaData, Table, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.stores import archive, database, schema
from bot.stores.archive import FILES, KEPT, TABLES, Manifest, Part, RowWriter, TablePart
from knowledge import db
from knowledge.config import load_knowledge_settings
from knowledge.errors import BadInput, NotFound
from knowledge.orders import ledger_sql  # noqa: F401 - its tables belong to the store

Progress = Callable[[str, int, int], None]           # what, how much is done, of how much
_PAGE = 2000
_UNFINISHED = (".", ".part")                         # around the name of what is being written


def our_tables() -> frozenset[str]:
    """Whatever else lives in the database is not the shop's."""
    return frozenset(table.name for metadata in (db.metadata, schema.metadata) for table in metadata.sorted_tables)


async def write_backup(directory: Path, target: Path, progress: Progress) -> Manifest:
    """Back the shop in `directory` up to `target`, whole or not at all. Raises BadInput, NotFound, Unavailable."""
    await asyncio.to_thread(_check_target, target)
    work = target.with_name(target.name.join(_UNFINISHED))
    try:
        shutil.rmtree(work, ignore_errors=True)      # of a backup that was killed
        work.mkdir(mode=0o700)
        manifest, sources = await _collect(directory, work, progress)
        unfinished = work / "whole"
        await asyncio.to_thread(archive.pack, unfinished, manifest, sources)
        unfinished.replace(target)
        archive.flush(target.parent)
    except OSError as error:
        raise BadInput(f"{target}: {error.strerror or error} (make room, or name another place)") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, work, True)
    return manifest


def _check_target(target: Path) -> None:
    """A slip of the finger must not cost another file."""
    if target.exists() and not archive.is_backup(target):
        raise BadInput(f"{target} exists and is no backup: name another file")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent}: no such folder (make it first)")


async def _collect(directory: Path, work: Path, progress: Progress) -> tuple[Manifest, dict[str, Path]]:
    """Everything that goes into the file, and where it lies now."""
    async with _snapshot(directory) as connection:
        revisions = {chain.name: await connection.run_sync(chain.refuse_newer) for chain in database.CHAINS}
        tables = await connection.run_sync(stored_tables)
        parts = {table.name: await _dump(connection, table, work, progress) for table in tables}
    files = await asyncio.to_thread(_files, directory)
    described = {name: await asyncio.to_thread(archive.describe, path) for name, path in files.items()}
    sources = {f"{TABLES}/{name}.jsonl.gz": work / name for name in parts}
    return _manifest(revisions, parts, described), sources | {f"{FILES}/{name}": path for name, path in files.items()}


def _manifest(revisions: Mapping[str, str | None], tables: Mapping[str, TablePart],
              files: Mapping[str, Part]) -> Manifest:
    return Manifest(format=archive.FORMAT, version=archive.VERSION, program=version("shopclerk"),
                    made_at=datetime.now(UTC).isoformat(timespec="seconds"), revisions=dict(revisions),
                    tables=dict(tables), files=dict(files))


@asynccontextmanager
async def _snapshot(directory: Path) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the database as it is now, whatever is written meanwhile."""
    engine = database.open_engine(db.database_url(directory, load_knowledge_settings(directory)))
    try:
        await asyncio.to_thread(check_there, engine, directory)
        async with database.connect(engine) as connection:
            if engine.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection
    finally:
        await engine.dispose()


def check_there(engine: AsyncEngine, directory: Path) -> None:
    """SQLite would make the file that is not there. Raises NotFound."""
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).is_file():
        raise NotFound(f"no shop in {directory}: name its folder with --dir")


def stored_tables(connection: Connection) -> list[Table]:
    """Our tables as they are in this database, which may be at an older revision than the program."""
    names = sorted(our_tables() & set(inspect(connection).get_table_names()))
    found = MetaData()
    found.reflect(connection, only=names)
    return [found.tables[name] for name in names]


async def _dump(connection: AsyncConnection, table: Table, work: Path, progress: Progress) -> TablePart:
    total, done = (await connection.execute(select(func.count()).select_from(table))).scalar_one(), 0
    writer = RowWriter(work / table.name, tuple(column.name for column in table.columns))
    try:
        result = await connection.stream(select(table).execution_options(yield_per=_PAGE))
        async for rows in result.partitions():
            await asyncio.to_thread(writer.write, rows)
            done += len(rows)
            progress(table.name, done, total)
    except BaseException:
        writer.abandon()
        raise
    return await asyncio.to_thread(writer.close)


def _files(directory: Path) -> dict[str, Path]:
    """What the shop keeps in its folder; not the search index, which is made again from the tables."""
    found = [directory / name for name in KEPT]
    inner = [path for folder in found if folder.is_dir() for path in sorted(folder.rglob("*"))]
    files = [path for path in (*found, *inner) if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(directory).as_posix(): path for path in files}
