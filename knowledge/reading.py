"""Reading single rows from the shop's database, as cheaply as each database allows.

On SQLite a query runs right here, on the thread that asks: its pages lie in this process' memory, so a look-up takes
microseconds, while handing it to another thread takes a tenth of a millisecond. That connection can only read, so it
never waits for a writer (WAL). On PostgreSQL the same query goes through the async driver. It knows no tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Engine, Select, event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.compiler import SQLCompiler

from knowledge import db

Rows = Sequence[Sequence[Any]]
_STATEMENTS = 256         # kept prepared
_IN_LIMIT = 512           # keys per statement; a power of two, as the lists are filled up to one
_readers: WeakKeyDictionary[Engine, Reads] = WeakKeyDictionary()


def reads(engine: AsyncEngine) -> Reads:
    """The one reader of this engine's database. It is closed when the engine is disposed of."""
    sync = engine.sync_engine
    if sync not in _readers:
        inline = sync.dialect.name == "sqlite" and sync.url.database not in (None, "", ":memory:")
        _readers[sync] = _InlineReads(sync) if inline else _DriverReads(engine)
    return _readers[sync]


class Reads:
    """What every reader can do."""

    async def all(self, query: Select[Any], **values: Any) -> Rows:
        """The rows of a query written once with `bindparam`s, for these values."""
        raise NotImplementedError

    async def among(self, key: Column[str], keys: Sequence[str], *columns: Column[Any]) -> Rows:
        """`columns` of the rows whose `key` is one of `keys`, in no order."""
        found: list[Sequence[Any]] = []
        for start in range(0, len(keys), _IN_LIMIT):
            found += await self._some(key, keys[start:start + _IN_LIMIT], columns)
        return found

    async def _some(self, key: Column[str], keys: Sequence[str], columns: Sequence[Column[Any]]) -> Rows:
        raise NotImplementedError


class _DriverReads(Reads):
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self, query: Select[Any], **values: Any) -> Rows:
        async with self._engine.connect() as connection:
            found: Rows = (await connection.execute(query, values)).all()
            return found

    async def _some(self, key: Column[str], keys: Sequence[str], columns: Sequence[Column[Any]]) -> Rows:
        return await self.all(select(*columns).where(key.in_(keys)))


class _InlineReads(Reads):
    """A connection of its own, opened at the first question and then kept."""

    def __init__(self, engine: Engine) -> None:
        self._path, self._dialect = str(engine.url.database), engine.dialect
        self._connection: sqlite3.Connection | None = None
        self._compiled: dict[Any, tuple[str, tuple[tuple[str | None, Any], ...]]] = {}
        event.listen(engine, "engine_disposed", self._close)

    async def all(self, query: Select[Any], **values: Any) -> Rows:
        if query not in self._compiled:
            self._compiled[query] = self._written(query.params(values), values)
        sql, marks = self._compiled[query]
        return self._run(sql, [given if name is None else values[name] for name, given in marks])

    async def _some(self, key: Column[str], keys: Sequence[str], columns: Sequence[Column[Any]]) -> Rows:
        """Filled up to a power of two, so that few statements have to be prepared."""
        places = 1 << (len(keys) - 1).bit_length()
        name = (key, places, *columns)
        if name not in self._compiled:
            self._compiled[name] = self._written(select(*columns).where(key.in_([""] * places)), ())
        return self._run(self._compiled[name][0], [*keys, *([keys[-1]] * (places - len(keys)))])

    def _written(self, query: Select[Any], asked: Container[str]) -> tuple[str, tuple[tuple[str | None, Any], ...]]:
        """The SQL, and for each of its question marks the name of the value asked for, or what the query itself gives."""
        compiled = query.compile(dialect=self._dialect)
        assert isinstance(compiled, SQLCompiler)
        written = compiled.construct_expanded_state()
        return written.statement, tuple((name if name in asked else None, written.parameters[name])
                                        for name in written.positiontup or ())

    def _run(self, sql: str, values: Sequence[Any]) -> Rows:
        try:
            connection = self._connection or self._open()
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:      # as the driver would have raised it
            raise DBAPIError.instance(sql, values, error, sqlite3.Error) from error

    def _open(self) -> sqlite3.Connection:
        self._connection = sqlite3.connect(self._path, timeout=db.BUSY_TIMEOUT_S, isolation_level=None,
                                           check_same_thread=False, cached_statements=_STATEMENTS)
        for pragma in ("query_only=ON", "cache_size=-16000"):
            self._connection.execute(f"PRAGMA {pragma}")
        return self._connection

    def _close(self, _engine: Engine) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
