"""A file's rows on their way into the store: gathered in temporary tables, compared, applied in one transaction.

Temporary tables take no lock on the store and live on disk, so a file may be larger than memory and the assistant keeps
serving while it is read. This module knows tables, not formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, literal, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from knowledge import db
from knowledge.line_memory import Known
from knowledge.records import Kind, Row

BATCH = 2000
_IN_LIMIT = 500           # ids per IN list; a plan stays small so
SHOWN_IDS = 1000          # ids named per change in a report
_NOT_STAGED = ("source", "position", "ingested_hash", "local_at")
_CLOCK_SLACK_S = 1.0      # a file's time and the clock differ by as much on some file systems


PartRow = tuple[str, int, str]      # (id, line, JSON)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a file did to one kind: how many rows, and the first ids of each."""

    kind: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    kept: int = 0                     # written here later than the file, so left alone
    added_ids: tuple[str, ...] = ()
    changed_ids: tuple[str, ...] = ()
    removed_ids: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from and how they may change what is there."""

    source: str
    written_at: float                 # Unix time at which the file was written
    whole: bool = True                # what the source no longer has is removed (replaced kinds)
    prune: bool = False               # … for upserted kinds too
    derived: bool = False             # read between the lines of something else: never replaces another source's row


class ChangedMeanwhile(Exception):
    """The store was changed by somebody else after rows were compared with it: the file has to be read anew."""


class Stage:
    """The temporary tables of one kind on one connection."""

    def __init__(self, connection: AsyncConnection, kind: Kind) -> None:
        self.kind = kind
        self._connection = connection
        scratch = MetaData()
        columns = [Column(c.name, c.type) for c in kind.table.columns if c.name not in _NOT_STAGED]
        self.rows = Table(f"stage_{kind.name}", scratch, *columns, Column("line", Integer), prefixes=["TEMPORARY"])
        self.parts = Table(f"stage_{kind.name}_parts", scratch, Column("id", db.ID), Column("line", Integer),
                           Column("body", Text), prefixes=["TEMPORARY"])
        self.children: Table | None = None
        if kind.child is not None:
            copies = [Column(c.name, c.type) for c in kind.child.columns]
            self.children = Table(f"stage_{kind.child.name}", scratch, *copies, prefixes=["TEMPORARY"])
        self._scratch = scratch

    async def open(self) -> None:
        await self._connection.run_sync(self._scratch.create_all, checkfirst=False)
        columns = "id VARCHAR(512), state VARCHAR(8)"
        await self._connection.execute(text(f"CREATE TEMPORARY TABLE {self._changes} ({columns})"))

    async def close(self) -> None:
        for name in (self._changes, *(table.name for table in self._scratch.sorted_tables)):
            await self._connection.execute(text(f"DROP TABLE IF EXISTS {name}"))

    async def add(self, items: Sequence[tuple[int, Any]]) -> list[Known]:
        """Rows as (line, thing of this kind). Returns what each became."""
        stored = [(line, self.kind.to_row(item)) for line, item in items]
        if not stored:
            return []
        await self._connection.execute(insert(self.rows), [{**one.row, "line": line} for line, one in stored])
        children = [child for _, one in stored for child in one.children]
        if self.children is not None and children:
            await self._connection.execute(insert(self.children), children)
        return [Known(one.row["id"], one.row["hash"]) for _, one in stored]

    async def add_seen(self, rows: Sequence[tuple[int, Known]], source: str) -> set[int]:
        """Rows that came before, as (line, what they became): only that they are there. Returns the lines of those that
        the store has otherwise now; they have to be read."""
        table = self.kind.table
        names = ["id", "ingested_hash" if self.kind.guarded else "hash"]
        names += ["customer_id"] if "customer_id" in table.c and self.kind.guarded else []
        stored: dict[str, Sequence[Any]] = {}
        for part in batches((known.id for _, known in rows), _IN_LIMIT):
            query = select(*(table.c[name] for name in names)).where(table.c.id.in_(part))
            if self.kind.replaced:
                query = query.where(table.c.source == source)
            stored.update((row[0], row) for row in await self._connection.execute(query))
        same = [(line, known) for line, known in rows if known.id in stored and stored[known.id][1] == known.hash]
        if same:
            values = [dict(zip(names[2:], stored[known.id][2:], strict=True), id=known.id, hash=known.hash, line=line)
                      for line, known in same]
            await self._connection.execute(insert(self.rows), values)
        return {line for line, _ in rows} - {line for line, _ in same}

    async def add_parts(self, parts: Sequence[Row]) -> None:
        """Unfinished rows {id, line, body}, to be read back by `parts_page`."""
        if parts:
            await self._connection.execute(insert(self.parts), list(parts))

    async def index_parts(self) -> None:
        """To be called once all parts are there, before reading them back."""
        await self._index(self.parts.name, "id, line")

    async def index_rows(self) -> None:
        """To be called once all rows are there, before comparing."""
        await self._index(self.rows.name, "id")
        if self.children is not None:
            await self._index(self.children.name, self.kind.parent_column)

    async def _index(self, table: str, columns: str) -> None:
        await self._connection.execute(text(f"CREATE INDEX {table}_index ON {table} ({columns})"))

    async def parts_page(self, after: tuple[str, int], limit: int = BATCH) -> list[PartRow]:
        """The parts behind `after`, ordered by id and line, so that those of one id follow one another."""
        key = tuple_(self.parts.c.id, self.parts.c.line)
        query = select(self.parts.c.id, self.parts.c.line, self.parts.c.body)
        query = query.where(key > tuple_(literal(after[0]), literal(after[1])))
        rows = await self._connection.execute(query.order_by(self.parts.c.id, self.parts.c.line).limit(limit))
        return [(row[0], row[1], row[2]) for row in rows]

    async def duplicate(self) -> tuple[str, int, int] | None:
        """(id, first line, next line) of an id that stands twice, or None."""
        query = f"""SELECT id, min(line) AS first, max(line) AS last FROM {self.rows.name}
                    GROUP BY id HAVING count(*) > 1 ORDER BY 2 LIMIT 1"""
        row = (await self._connection.execute(text(query))).first()
        return (row[0], row[1], row[2]) if row else None

    async def strangers(self) -> tuple[int, list[str]]:
        """How many staged orders name a customer that nobody knows, and a few of their ids."""
        where = f"""FROM {self.rows.name} s LEFT JOIN {db.customers.name} c ON c.id = s.customer_id
                    WHERE c.id IS NULL"""
        count = (await self._connection.execute(text(f"SELECT count(*) {where}"))).scalar_one()
        few = await self._connection.execute(text(f"SELECT s.id {where} ORDER BY s.line LIMIT 3")) if count else ()
        return count, [row[0] for row in few]

    async def apply(self, origin: Origin) -> Changes:
        """Compare with the store and bring it up to date. The connection must be in a writing transaction."""
        await self._compare(origin)
        await self._check_read()
        changes = await self._report()
        await self._remove()
        await self._upsert(origin)
        await self._renumber(origin)
        return changes

    @property
    def _changes(self) -> str:
        return f"stage_{self.kind.name}_changes"

    async def _compare(self, origin: Origin) -> None:
        target, staged = self.kind.table.name, self.rows.name
        values = {"source": origin.source, "at": origin.written_at + _CLOCK_SLACK_S}
        known, guard, ours = ("hash", "", "")
        if self.kind.guarded:
            known, guard = "ingested_hash", " AND (t.local_at IS NULL OR t.local_at <= :at)"
        if origin.derived:
            ours = " AND t.source = :source"
        joined = f"FROM {staged} s JOIN {target} t ON t.id = s.id"
        statements = [
            f"SELECT s.id, 'added' FROM {staged} s LEFT JOIN {target} t ON t.id = s.id WHERE t.id IS NULL",
            f"SELECT s.id, 'changed' {joined} WHERE s.hash <> t.{known}{guard}{ours}",
        ]
        if self.kind.guarded:
            late = " AND t.local_at > :at"
            statements.append(f"SELECT s.id, 'kept' {joined} WHERE s.hash <> t.{known}{late}{ours}")
        if self.kind.replaced:
            statements.append(f"SELECT s.id, 'moved' {joined} WHERE s.hash = t.hash AND t.source <> :source")
        if origin.whole if self.kind.replaced else origin.prune:
            gone = f"""SELECT t.id, 'removed' FROM {target} t LEFT JOIN {staged} s ON s.id = t.id
                       WHERE s.id IS NULL AND t.source = :source{guard}"""
            statements.append(gone)
        for statement in statements:
            await self._connection.execute(text(f"INSERT INTO {self._changes} (id, state) {statement}"), values)
        await self._index(self._changes, "id")

    async def _check_read(self) -> None:
        """Whether a row that was not read again is needed after all."""
        query = f"""SELECT count(*) FROM {self._changes} c JOIN {self.rows.name} s ON s.id = c.id
                    WHERE s.body IS NULL AND c.state IN ('added', 'changed', 'moved')"""
        if (await self._connection.execute(text(query))).scalar_one():
            raise ChangedMeanwhile(self.kind.name)

    async def _report(self) -> Changes:
        rows = await self._connection.execute(text(f"SELECT state, count(*) FROM {self._changes} GROUP BY state"))
        counts: dict[str, int] = {row[0]: row[1] for row in rows}
        total = (await self._connection.execute(text(f"SELECT count(*) FROM {self.rows.name}"))).scalar_one()
        added, changed, removed = (counts.get(state, 0) for state in ("added", "changed", "removed"))
        kept = counts.get("kept", 0)
        return Changes(self.kind.name, added, changed, removed, total - added - changed - kept, kept,
                       await self._ids("added"), await self._ids("changed"), await self._ids("removed"))

    async def _ids(self, state: str) -> tuple[str, ...]:
        query = f"SELECT id FROM {self._changes} WHERE state = :state ORDER BY id LIMIT {SHOWN_IDS}"
        return tuple(row[0] for row in await self._connection.execute(text(query), {"state": state}))

    async def _remove(self) -> None:
        chosen = f"SELECT id FROM {self._changes} WHERE state"
        if self.kind.child is not None:
            await self._connection.execute(text(
                f"DELETE FROM {self.kind.child.name} WHERE {self.kind.parent_column} IN ({chosen} <> 'added')"))
        await self._connection.execute(text(
            f"DELETE FROM {self.kind.table.name} WHERE id IN ({chosen} = 'removed')"))

    async def _upsert(self, origin: Origin) -> None:
        """Positions are the line in the file; upserted kinds keep theirs and new rows go to the end."""
        table = self.kind.table
        names = [column.name for column in table.columns if column.name not in _NOT_STAGED]
        values: dict[str, Any] = {"source": origin.source, "base": 0, "at": origin.written_at + _CLOCK_SLACK_S}
        targets, sources = ["source", "position"], [":source", "s.line + :base"]
        kept = {"id", "position"}
        where = ""
        if self.kind.replaced:
            kept = {"id"}
        else:
            values["base"] = await self._last_position()
        if self.kind.guarded:
            targets, sources = [*targets, "ingested_hash", "local_at"], [*sources, "s.hash", "NULL"]
            where = f" WHERE {table.name}.local_at IS NULL OR {table.name}.local_at <= :at"
        columns = [*names, *targets]
        updates = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in kept)
        picked = ", ".join([*(f"s.{name}" for name in names), *(_typed(value) for value in sources)])
        await self._connection.execute(text(f"""
            INSERT INTO {table.name} ({", ".join(columns)})
            SELECT {picked} FROM {self.rows.name} s JOIN {self._changes} c ON c.id = s.id
            WHERE c.state IN ('added', 'changed', 'moved')
            ON CONFLICT (id) DO UPDATE SET {updates}{where}"""), values)
        if self.kind.child is not None and self.children is not None:
            await self._insert_children(self.kind.child, self.children)

    async def _insert_children(self, child: Table, staged: Table) -> None:
        names = ", ".join(column.name for column in child.columns)
        await self._connection.execute(text(f"""
            INSERT INTO {child.name} ({names}) SELECT {names} FROM {staged.name}
            WHERE {self.kind.parent_column} IN (SELECT id FROM {self._changes} WHERE state <> 'removed')"""))

    async def _last_position(self) -> int:
        query = text(f"SELECT coalesce(max(position), 0) FROM {self.kind.table.name}")
        last: int = (await self._connection.execute(query)).scalar_one()
        return last

    async def _renumber(self, origin: Origin) -> None:
        """Rows that only stand elsewhere in the file now."""
        if not self.kind.replaced:
            return
        name = self.kind.table.name
        statement = f"""UPDATE {name} SET position = s.line FROM {self.rows.name} s
                        WHERE s.id = {name}.id AND {name}.source = :source AND {name}.position <> s.line"""
        await self._connection.execute(text(statement), {"source": origin.source})


def _typed(value: str) -> str:
    """PostgreSQL has to be told what a bare parameter is."""
    casts = {":source": "CAST(:source AS VARCHAR(512))", "s.line + :base": "s.line + CAST(:base AS BIGINT)",
             "NULL": "CAST(NULL AS DOUBLE PRECISION)"}
    return casts.get(value, value)


def batches(items: Iterable[Any], size: int = BATCH) -> Iterable[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
