"""Rows of every table, made up from the tables' own columns, and what a database holds. It knows no table by name."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Float, Integer, MetaData, String, Table, insert, inspect, select

from bot.stores import database, schema
from bot.stores.backup import our_tables
from knowledge import db

Rows = dict[str, list[dict[str, Any]]]


def tables(connection: Connection) -> dict[str, Table]:
    """As they are in this database now."""
    found = MetaData()
    found.reflect(connection, only=sorted(our_tables() & set(inspect(connection).get_table_names())))
    return dict(found.tables)


def fill(connection: Connection, count: int = 3) -> Rows:
    """Put `count` rows into each table; all rows of the database afterwards."""
    for table in tables(connection).values():
        connection.execute(insert(table), [_row(table, number) for number in range(1, count + 1)])
    return rows(connection)


def _row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: _value(column.type, f"{column.name}-{number}-ß\u4e2d", number) for column in table.columns}


def _value(kind: Any, words: str, number: int) -> Any:
    if isinstance(kind, Integer):
        return number
    if isinstance(kind, Float):
        return number + 0.1
    assert isinstance(kind, String), f"a backup knows no {kind}"
    return words[:kind.length] if kind.length else words


def rows(connection: Connection) -> Rows:
    """In the order of their content."""
    found = {name: connection.execute(select(table)).mappings().all() for name, table in tables(connection).items()}
    return {name: sorted((dict(row) for row in some), key=repr) for name, some in found.items()}


def without_columns(found: Rows, kept: Rows) -> Rows:
    """`found`, of the tables and columns of `kept` only."""
    columns = {name: some[0].keys() for name, some in kept.items()}
    return {name: sorted(({key: row[key] for key in columns[name]} for row in found[name]), key=repr) for name in kept}


def revisions(connection: Connection) -> dict[str, str | None]:
    return {chain.name: chain.version(connection) for chain in database.CHAINS}


def differences(connection: Connection) -> list[Any]:
    """Between the tables that are here and those the code expects."""
    found: list[Any] = []
    for chain, metadata in zip(database.CHAINS, (db.metadata, schema.metadata), strict=True):
        mine = set(metadata.tables)
        context = MigrationContext.configure(connection, opts={
            "version_table": chain.version_table, "compare_type": False,
            "include_name": lambda name, kind, _parents, mine=mine: kind != "table" or name in mine})
        found += compare_metadata(context, metadata)
    return found
