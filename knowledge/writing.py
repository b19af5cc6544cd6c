"""Writing to the shop's database: work in one transaction, durable when it returns.

Whoever opens a shop may hand in a writer that lets several works share a transaction (the service does, on SQLite);
this one gives each its own. It knows no tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from knowledge import db

T = TypeVar("T")
Values = Mapping[str, Any]


class Write(Protocol):
    async def __call__(self, work: Callable[[Connection], T], /) -> T:
        """The result of `work` when it is on the disk; what it raised, with nothing written."""
        ...


class Undone(Exception):
    """Raised within a work: take back what it wrote. Whoever asked for the work catches it."""


def alone(engine: AsyncEngine) -> Write:
    """Each work in a transaction of its own."""
    writing = db.writing(engine)

    async def write(work: Callable[[Connection], T], /) -> T:
        async with writing.begin() as connection:
            return await connection.run_sync(work)

    return write


def run(connection: Connection, statement: UpdateBase, rows: Sequence[Values]) -> int:
    """An INSERT, UPDATE or DELETE that is written once, for each of these rows; how many it changed.

    Names of columns are what is written, others the statement's own `bindparam`s. On SQLite the driver is given the SQL
    as it was compiled the first time: that leaves a fifth of what SQLAlchemy spends on a small statement.
    """
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        return connection.execute(statement, list(rows) if len(rows) > 1 else rows[0]).rowcount
    sql, marks = _written(statement, tuple(rows[0]), connection.dialect)
    values = [[given if name is None else row[name] for name, given in marks] for row in rows]
    try:
        return (raw.execute(sql, values[0]) if len(rows) == 1 else raw.executemany(sql, values)).rowcount
    except sqlite3.Error as error:      # as SQLAlchemy would have raised it
        raise DBAPIError.instance(sql, values, error, sqlite3.Error) from error


@lru_cache(maxsize=64)
def once(table: Table, dialect: str, *unique: str) -> Insert:
    """Insert a row unless one is there already with the same key, or the same `unique` columns."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=list(unique) or None)


@lru_cache(maxsize=256)
def _written(statement: UpdateBase, columns: tuple[str, ...],
             dialect: Dialect) -> tuple[str, tuple[tuple[str | None, Any], ...]]:
    """The SQL, and for each question mark the name of its value, or the value that the statement itself gives."""
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    assert isinstance(compiled, SQLCompiler)
    written = compiled.construct_expanded_state(dict.fromkeys(columns))
    return written.statement, tuple((name if name in columns else None, written.parameters[name])
                                    for name in written.positiontup or ())
