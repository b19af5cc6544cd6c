"""Puts a backup back, into an empty place or instead of what is there: whole or not at all.

All of it is made beside what is there; tables that live in PostgreSQL are loaded in one transaction. Until that has
worked, the old state is untouched. What remains then are moves within the folder, which whoever opens the shop next
carries out if this process dies (`settle`).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path

from sqlalchemy import URL, Connection, MetaData, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.stores import database
from bot.stores.archive import KEPT, BackupFile, Manifest, reading
from bot.stores.backup import Progress, our_tables
from bot.stores.folder_swap import WORK, FolderSwap, Journal, held
from knowledge import db
from knowledge.config import DATABASE_FILE, INDEX_FOLDER, KnowledgeSettings, load_knowledge_settings
from knowledge.errors import BadInput
from knowledge.migrating import BASE
from knowledge.settings import CONFIG_FILE

MakeIndex = Callable[[Path, KnowledgeSettings], Awaitable[None]]
_PAGE = 2000
_STAMPED = database.VERSION_TABLE


async def restore_backup(file: Path, directory: Path, *, replace: bool, progress: Progress,
                         make_index: MakeIndex) -> Manifest:
    """Restore `file` into `directory` and the database its settings name. Raises BadInput, Unavailable.

    A `shopclerk.toml` that is there already stays: it says where this shop's database is, the file what is in it.
    """
    with reading(file) as backup, held(directory) as swap:
        _check_revisions(file, backup.manifest)
        name = hashlib.sha256(backup.manifest.model_dump_json().encode()).hexdigest()
        if await _finish(swap) == name:              # this very restore was interrupted in its last moments
            await _index_if_missing(swap, make_index)
            swap.discard()
            return backup.manifest
        try:
            await _restore(backup, swap, name, replace, progress, make_index)
        except BaseException as error:
            if swap.journal() is None:               # else it may count already: `settle` will know
                swap.discard()
            if isinstance(error, OSError):
                raise BadInput(f"{directory}: {error.strerror or error} (make room, or name another folder)") from error
            raise
        swap.discard()
        return backup.manifest


async def settle(directory: Path) -> None:
    """Finish, or clear away, what an interrupted restore left in the folder. To be called before anything is opened."""
    if await asyncio.to_thread((directory / WORK).is_dir):
        with held(directory) as swap:
            await _finish(swap)
            swap.discard()


async def _finish(swap: FolderSwap) -> str | None:
    """Carry out the moves of a restore that counts; its name."""
    journal = swap.journal()
    if journal is None or (journal.stamp and not await _bears(_target(swap), journal.stamp)):
        return None
    swap.carry_out(journal)
    return journal.name


async def _restore(backup: BackupFile, swap: FolderSwap, name: str, replace: bool, progress: Progress,
                   make_index: MakeIndex) -> None:
    _check_folder(swap.directory, replace)
    swap.begin()
    backup.copy_files(swap.new)
    url, settings = _target(swap), _settings(swap)
    if url.get_backend_name() == "postgresql":
        journal = Journal(name, secrets.token_hex(16), *_changes(swap, None))
        await _load_postgresql(url, backup, replace, progress, before_commit=lambda: swap.write(journal),
                               stamp=journal.stamp)
        swap.carry_out(journal)
        await make_index(swap.directory, settings)
        return
    old = Path(str(url.database))
    _check_sqlite(old, replace)
    await _load_sqlite(swap.new / DATABASE_FILE, backup, progress)
    staged = URL.create("sqlite", database=str(swap.new / DATABASE_FILE)).render_as_string()
    await make_index(swap.new, settings.model_copy(update={"database_url": staged}))
    _one_file(swap.new / DATABASE_FILE)
    _check_sqlite(old, replace)
    journal = Journal(name, "", *_changes(swap, old))
    swap.write(journal)
    swap.carry_out(journal)


# --- what is there ----------------------------------------------------------------------------------------------------

def _check_revisions(file: Path, manifest: Manifest) -> None:
    for chain in database.CHAINS:
        revision = manifest.revisions.get(chain.name)
        if revision is not None and revision not in chain.revisions():
            raise BadInput(f"{file}: made by shopclerk {manifest.program} with {chain.name} tables {revision}, this one "
                           f"knows {chain.head}: restore it with that version or a newer one")
    if unknown := sorted(manifest.tables.keys() - our_tables()):
        raise BadInput(f"{file}: holds a table '{unknown[0]}', which this shopclerk does not know")


def _check_folder(directory: Path, replace: bool) -> None:
    """A folder may hold its settings and files of others."""
    shop = [name for name in (DATABASE_FILE, INDEX_FOLDER, *KEPT) if name != CONFIG_FILE]
    if not replace and (found := [name for name in shop if (directory / name).exists()]):
        raise _occupied(f"{directory} ({', '.join(found)})")


def _occupied(what: str) -> BadInput:
    return BadInput(f"there is a shop in {what}: name an empty folder and database, or replace it all with --replace")


def _settings(swap: FolderSwap) -> KnowledgeSettings:
    """As they will be afterwards."""
    own = (swap.directory / CONFIG_FILE).is_file() or not swap.new.is_dir()
    return load_knowledge_settings(swap.directory if own else swap.new)


def _target(swap: FolderSwap) -> URL:
    return db.database_url(swap.directory, _settings(swap))


def _changes(swap: FolderSwap, sqlite: Path | None) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """What to remove and what to move, the database last."""
    mine = {path.name for path in swap.new.iterdir()} - {DATABASE_FILE}
    if (swap.directory / CONFIG_FILE).is_file():
        mine.discard(CONFIG_FILE)
    gone = tuple(name for name in (INDEX_FOLDER, *KEPT) if name not in mine and name != CONFIG_FILE)
    moves = tuple((name, name) for name in sorted(mine))
    if sqlite is None:
        return gone, moves
    target = DATABASE_FILE if sqlite == swap.directory / DATABASE_FILE else str(sqlite.absolute())
    return (*gone, f"{target}-wal", f"{target}-shm"), (*moves, (DATABASE_FILE, target))


# --- SQLite -----------------------------------------------------------------------------------------------------------

def _check_sqlite(path: Path, replace: bool) -> None:
    """Nothing there, or something that may be replaced and nobody uses; a damaged database may be replaced, too."""
    if not path.exists():
        return
    if not replace:
        raise _occupied(str(path))
    try:
        _one_file(path)
    except sqlite3.OperationalError as error:
        raise BadInput(f"{path} is in use ({error}): stop the server first") from error
    except sqlite3.DatabaseError:
        return


def _one_file(path: Path) -> None:
    """Fold the write-ahead log in; SQLite refuses while any other process has the database open."""
    connection = sqlite3.connect(path, timeout=2.0)
    try:
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        if mode != "delete":
            raise sqlite3.OperationalError("it is open elsewhere")
    finally:
        connection.close()


async def _load_sqlite(path: Path, backup: BackupFile, progress: Progress) -> None:
    needed, free = sum(part.unpacked for part in backup.manifest.tables.values()), shutil.disk_usage(path.parent).free
    if needed > free:
        raise BadInput(f"{backup.path}: unpacks to {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free here")
    engine = database.open_engine(URL.create("sqlite+aiosqlite", database=str(path)))
    try:
        async with db.writing(engine).begin() as connection:
            await _load(connection, backup, progress)
        async with engine.connect() as connection:
            found = (await connection.execute(text("PRAGMA integrity_check"))).scalar()
        if found != "ok":
            raise BadInput(f"{path}: the restored database is damaged ({found}): is the disk?")
    finally:
        await engine.dispose()


# --- PostgreSQL -------------------------------------------------------------------------------------------------------

async def _load_postgresql(url: URL, backup: BackupFile, replace: bool, progress: Progress, *,
                           before_commit: Callable[[], None], stamp: str) -> None:
    engine = database.open_engine(url)
    try:
        async with database.connect(engine) as connection, connection.begin():
            await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            if not replace and await connection.run_sync(_holds_rows):
                raise _occupied(f"database {url.render_as_string()}")
            await connection.run_sync(_drop)
            await _load(connection, backup, progress)
            await connection.run_sync(_count_on)
            await connection.execute(text(f"COMMENT ON TABLE {_STAMPED} IS '{stamp}'"))
            before_commit()
    finally:
        await engine.dispose()


def _holds_rows(connection: Connection) -> bool:
    there = our_tables() & set(inspect(connection).get_table_names())
    return any(connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first() for name in sorted(there))


def _drop(connection: Connection) -> None:
    versions = {chain.version_table for chain in database.CHAINS}
    for name in sorted((our_tables() | versions) & set(inspect(connection).get_table_names())):
        connection.execute(text(f"DROP TABLE {name}"))


def _count_on(connection: Connection) -> None:
    """Sequences go on after the highest number that was restored."""
    for table in _reflected(connection).values():
        for column in table.primary_key.columns:
            sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"),
                                          {"table": table.name, "column": column.name}).scalar()
            if sequence:
                highest = connection.execute(select(func.max(column))).scalar()
                connection.execute(select(func.setval(sequence, highest or 1, highest is not None)))


async def _bears(url: URL, stamp: str) -> bool:
    """Whether the transaction that set this stamp was committed."""
    engine = database.open_engine(url)
    try:
        async with database.connect(engine) as connection:
            found = await connection.execute(text("SELECT obj_description(to_regclass(:name))"), {"name": _STAMPED})
            return bool(found.scalar() == stamp)
    finally:
        await engine.dispose()


# --- either -----------------------------------------------------------------------------------------------------------

async def _load(connection: AsyncConnection, backup: BackupFile, progress: Progress) -> None:
    """Make the tables as they were when the backup was made, fill them, and bring them up to this version's."""
    for chain in database.CHAINS:
        await connection.run_sync(chain.move, backup.manifest.revisions.get(chain.name) or BASE)
    tables = await connection.run_sync(_reflected)
    for name in backup.manifest.tables:
        if name not in tables or set(backup.manifest.tables[name].columns) - set(tables[name].columns.keys()):
            raise BadInput(f"{backup.path}: table '{name}' is not as its revision has it (take another backup file)")
        await _fill(connection, tables[name], backup, progress)
    for chain in database.CHAINS:
        await connection.run_sync(chain.move, chain.head)


def _reflected(connection: Connection) -> dict[str, Table]:
    found = MetaData()
    found.reflect(connection, only=sorted(our_tables() & set(inspect(connection).get_table_names())))
    return {table.name: table for table in found.sorted_tables}


async def _fill(connection: AsyncConnection, table: Table, backup: BackupFile, progress: Progress) -> None:
    part = backup.manifest.tables[table.name]
    rows, done = backup.rows(table.name), 0
    while page := await asyncio.to_thread(lambda: list(islice(rows, _PAGE))):
        try:
            await connection.execute(insert(table), [dict(zip(part.columns, row, strict=True)) for row in page])
        except (SQLAlchemyError, OverflowError) as error:
            said = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise BadInput(f"{backup.path}: a row of table '{table.name}' does not fit: {said}") from error
        done += len(page)
        progress(table.name, done, part.rows)


async def _index_if_missing(swap: FolderSwap, make_index: MakeIndex) -> None:
    if not (swap.directory / INDEX_FOLDER).is_dir():
        await make_index(swap.directory, _settings(swap))
