"""Files into the store: read, checked, staged and applied, all or nothing per file. It knows no format."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from knowledge import db, native
from knowledge.connectors.detect import Format
from knowledge.connectors.link import Linker
from knowledge.connectors.merge import merge_customers, merge_products
from knowledge.connectors.plan import Load, plan, reader_of
from knowledge.connectors.record import Record, Seen, SourceFile
from knowledge.errors import DataError
from knowledge.line_memory import LineMemory
from knowledge.models import Customer, Product
from knowledge.native_fields import FieldError
from knowledge.records import CUSTOMERS, KINDS, ORDERS, PRODUCTS, Kind
from knowledge.staging import BATCH, ChangedMeanwhile, Changes, Origin, PartRow, Stage, batches
from knowledge.store import Knowledge, open_knowledge

Progress = Callable[[str, int, int], None]      # (file, bytes read, bytes in all)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one file (or folder of documents) did."""

    file: str
    source: str
    changes: tuple[Changes, ...]


@dataclass(frozen=True, slots=True)
class IngestReport:
    files: tuple[FileReport, ...] = ()
    warnings: tuple[str, ...] = ()
    index: Any = None                 # what the search index did, None where it was not asked

    def total(self, kind: str) -> Changes:
        """The changes of one kind over all files."""
        found = [c for report in self.files for c in report.changes if c.kind == kind]
        return Changes(kind, *(sum(getattr(c, name) for c in found)
                               for name in ("added", "changed", "removed", "unchanged", "kept")))


@dataclass(slots=True)
class _Journal:
    files: list[FileReport] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


async def ingest(directory: Path, paths: Sequence[Path], *, format: Format | str = Format.AUTO, prune: bool = False,
                 progress: Progress | None = None) -> IngestReport:
    """Read `paths` into the store of `directory` and bring its search index up to date.

    `prune` removes orders, customers and interactions that their source no longer has. Raises DataError (nothing of
    that file is written; files before it are, and are searchable), BadInput, ConfigError, Unavailable.
    """
    knowledge = await open_knowledge(directory)
    journal = _Journal()
    try:
        try:
            await _load_all(knowledge, paths, Format(format), prune, progress, journal)
        finally:
            refreshed = await _refresh(knowledge, progress) if journal.files else None
    finally:
        await knowledge.close()
    return IngestReport(tuple(journal.files), tuple(journal.warnings), refreshed)


async def ingest_files(knowledge: Knowledge, paths: Sequence[Path], *, format: Format | str = Format.AUTO,
                       prune: bool = False, progress: Progress | None = None) -> IngestReport:
    """The same into an open store, without touching the search index."""
    journal = _Journal()
    await _load_all(knowledge, paths, Format(format), prune, progress, journal)
    return IngestReport(tuple(journal.files), tuple(journal.warnings))


async def _refresh(knowledge: Knowledge, progress: Progress | None) -> Any:
    from knowledge import index_refresh

    return await index_refresh.refresh(knowledge.directory, knowledge.settings, progress=progress)


async def _load_all(knowledge: Knowledge, paths: Sequence[Path], wanted: Format, prune: bool, progress: Progress | None,
                    journal: _Journal) -> None:
    made = plan(paths, wanted)
    journal.warnings.extend(made.warnings)
    async with knowledge.engine.connect() as connection:
        for load in made.loads:
            journal.files.append(await _loaded(connection, knowledge.directory, load, prune, progress, journal.warnings))
        if connection.dialect.name == "sqlite" and journal.files:
            await _checkpoint(connection)


async def _loaded(connection: AsyncConnection, directory: Path, load: Load, prune: bool, progress: Progress | None,
                  warnings: list[str]) -> FileReport:
    """One load, with what is remembered of its lines; without, where the store was changed while it was read."""
    said = len(warnings)
    memory = LineMemory(directory, load.source)
    try:
        report = await _Loading(connection, load, prune, progress, warnings, memory).run()
        memory.keep()
        return report
    except ChangedMeanwhile:
        del warnings[said:]
        return await _Loading(connection, load, prune, progress, warnings, None).run()
    finally:
        memory.close()


async def _checkpoint(connection: AsyncConnection) -> None:
    """Give the write-ahead log's disk space back (outside a transaction); readers at work only postpone that."""
    driver = (await connection.get_raw_connection()).driver_connection
    if driver is not None:
        cursor = await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await cursor.close()


class _Loading:
    """One load on its way into the store."""

    def __init__(self, connection: AsyncConnection, load: Load, prune: bool, progress: Progress | None,
                 warnings: list[str], memory: LineMemory | None) -> None:
        self._connection, self._load, self._prune, self._warnings = connection, load, prune, warnings
        self._memory = memory
        self._stages = {kind.name: Stage(connection, kind) for kind in KINDS}
        self._opened: dict[str, Stage] = {}
        self._linker = Linker(connection)
        self._progress, self._done = progress, 0
        self._size = sum(path.stat().st_size for path in load.files)
        self._written_at = max(path.stat().st_mtime for path in load.files)

    async def run(self) -> FileReport:
        try:
            await self._read()
            await self._finish_parts()
            await self._check()
            await self._connection.commit()
            changes = await self._apply()
        except BaseException:
            await self._connection.rollback()
            raise
        finally:
            await self._clean_up()
        return FileReport(self._load.label, self._load.source, changes)

    async def _read(self) -> None:
        reader = reader_of(self._load)
        for path in self._load.files:
            file = SourceFile(path, self._load.source, self._advance, self._memory)
            for batch in batches(reader(file)):
                await self._store(file, batch)
            self._warnings.extend(file.warnings)

    def _advance(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._load.label, min(self._done, self._size), self._size)

    async def _store(self, file: SourceFile, batch: list[Record]) -> None:
        for kind in {record.kind.name: record.kind for record in batch}.values():
            stage = await self._stage(kind)
            await self._store_whole(file, stage, [r for r in batch if r.kind is kind and not r.part])
            await stage.add_parts([_part_row(r) for r in batch if r.kind is kind and r.part])

    async def _store_whole(self, file: SourceFile, stage: Stage, records: list[Record]) -> None:
        """Rows that came before and are stored as they were need not be read; the others are, and remembered."""
        seen = [(r.line, r.item.known) for r in records if isinstance(r.item, Seen)]
        changed = await stage.add_seen(seen, file.source) if seen else set()
        records = [r for r in records if not isinstance(r.item, Seen) or r.line in changed]
        read = [(r.line, r.item.read() if isinstance(r.item, Seen) else r.item) for r in records]
        rows = await self._linker.link(read) if stage.kind is ORDERS else read
        try:
            became = await stage.add(rows)
        except FieldError as error:
            raise self._locate(file, rows, stage.kind, error) from error
        if self._memory is not None:    # what the catalogue was asked about may be another thing the next time
            self._memory.remember((r.digest, known) for r, known, (_, item), (_, linked)
                                  in zip(records, became, read, rows, strict=True) if r.digest and item is linked)

    def _locate(self, file: SourceFile, rows: list[tuple[int, Any]], kind: Kind, error: FieldError) -> DataError:
        """A batch failed: find the row, so that the message can name its line."""
        for line, item in rows:
            try:
                kind.to_row(item)
            except FieldError as found:
                return DataError(file.name, found.problem, line=line, field=found.field, remedy=found.remedy)
        return DataError(file.name, error.problem, field=error.field, remedy=error.remedy)

    async def _stage(self, kind: Kind) -> Stage:
        if kind.name not in self._opened:
            await self._stages[kind.name].open()
            self._opened[kind.name] = self._stages[kind.name]
        return self._opened[kind.name]

    async def _finish_parts(self) -> None:
        for kind, merge in ((PRODUCTS, _merged_product), (CUSTOMERS, _merged_customer)):
            stage = self._opened.get(kind.name)
            if stage is None:
                continue
            await stage.index_parts()
            batch: list[tuple[int, Any]] = []
            async for rows in _groups(stage):
                batch.append((rows[0][1], self._merged(rows, merge)))
                if len(batch) == BATCH:
                    await stage.add(batch)
                    batch.clear()
            await stage.add(batch)

    def _merged(self, rows: list[PartRow], merge: Callable[[list[Any]], Any]) -> Any:
        try:
            return merge([json.loads(body) for _, _, body in rows])
        except FieldError as error:
            raise DataError(self._load.label, error.problem, line=rows[-1][1], field=error.field,
                            remedy=error.remedy) from error

    async def _check(self) -> None:
        for stage in self._opened.values():
            await stage.index_rows()
            if found := await stage.duplicate():
                name, first, line = found
                raise DataError(self._load.label, f"'{name}' stands on line {first} already", line=line, field="id",
                                remedy=f"ids of {stage.kind.name} are unique in a file")
        if orders := self._opened.get(ORDERS.name):
            await self._warn_of_strangers(orders)

    async def _warn_of_strangers(self, orders: Stage) -> None:
        count, few = await orders.strangers()
        if count and CUSTOMERS.name not in self._opened:
            named = ", ".join(few) + (", …" if count > len(few) else "")
            self._warnings.append(f"{self._load.label}: {count} orders of unknown customers ({named}): "
                                  "nobody can be identified for them until customers.jsonl brings those")

    async def _apply(self) -> tuple[Changes, ...]:
        """In one transaction, which on SQLite takes the write lock at its start."""
        await self._connection.execution_options(**{db.WRITE: True})
        try:
            async with self._connection.begin():
                return tuple([await stage.apply(self._origin(stage.kind)) for stage in self._opened.values()])
        finally:
            await self._connection.execution_options(**{db.WRITE: False})

    def _origin(self, kind: Kind) -> Origin:
        derived = kind is CUSTOMERS and self._load.derived_customers
        return Origin(self._load.source, self._written_at, self._load.whole, self._prune, derived)

    async def _clean_up(self) -> None:
        for stage in self._opened.values():
            await stage.close()
        await self._connection.commit()


def _merged_product(rows: list[Any]) -> Product:
    return merge_products([native.product_part_from(row) for row in rows])


def _merged_customer(rows: list[Any]) -> Customer:
    return merge_customers([native.customer_from(row) for row in rows])


def _part_row(record: Record) -> dict[str, Any]:
    write = native.product_to if record.kind is PRODUCTS else native.customer_to
    return {"id": record.item.id, "line": record.line, "body": native.compact(write(record.item))}


async def _groups(stage: Stage) -> AsyncIterator[list[PartRow]]:
    """The parts of each id together, in file order within it."""
    waiting: list[PartRow] = []
    after = ("", -1)
    while page := await stage.parts_page(after):
        after = page[-1][:2]
        for group in _by_id([*waiting, *page]):
            if waiting and waiting[0][0] != group[0][0]:
                yield waiting
            waiting = group
    if waiting:
        yield waiting


def _by_id(rows: list[PartRow]) -> Iterator[list[PartRow]]:
    for _, group in groupby(rows, key=lambda row: row[0]):
        yield list(group)
