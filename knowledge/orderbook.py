"""Customers and orders in the database: the OrderBook port. It checks no ownership and knows no rule of the shop."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db, native
from knowledge.keys import digits, folded, letters_and_digits
from knowledge.models import Customer, Order
from knowledge.parsed import customer_of, order_of
from knowledge.reading import reads
from knowledge.records import Row, customer_row, order_row
from knowledge.writing import Undone, Write, alone, once, run

PAGE = 500
LOCAL = "local"      # source of what was made here and came from no file


def _bodies_where(table: Table, *columns: str, newest_first: bool = False) -> Select[Any]:
    """The bodies of the rows that have these columns' values, in file order."""
    placed = table.c.placed_at if newest_first else None
    first = () if placed is None else (placed.is_(None), placed.desc())
    return (select(table.c.body).where(*(table.c[name] == bindparam(name) for name in columns))
            .order_by(*first, table.c.position, table.c.source, table.c.id))


_CUSTOMER, _BY_EMAIL = _bodies_where(db.customers, "id"), _bodies_where(db.customers, "email_key")
_BY_NAME = _bodies_where(db.customers, "last_key", "first_key")
_ORDER, _BY_NUMBER = _bodies_where(db.orders, "id"), _bodies_where(db.orders, "number_key")
_BY_DIGITS = _bodies_where(db.orders, "digits_key").limit(2)
_OF_CUSTOMER = _bodies_where(db.orders, "customer_id", newest_first=True)
_UPDATES = {table: update(table).where(table.c.id == bindparam("of")) for table in (db.orders, db.customers)}
_LOCKED = {table: select(table.c.body).where(table.c.id == bindparam("id")).with_for_update()
           for table in (db.orders, db.customers)}
_APPLIED = select(db.operations.c.id).where(db.operations.c.id == bindparam("id"))


class SqlOrderBook:
    def __init__(self, engine: AsyncEngine, write: Write | None = None) -> None:
        self._engine, self._reads, self._write = engine, reads(engine), write or alone(engine)

    async def customer(self, customer_id: str) -> Customer | None:
        found = await self._customers(_CUSTOMER, id=customer_id)
        return found[0] if found else None

    async def customer_by_email(self, email: str) -> Customer | None:
        """Case-insensitive; the first in file order where a shop has one address twice."""
        key = folded(email)
        found = await self._customers(_BY_EMAIL, email_key=key) if key is not None else []
        return found[0] if found else None

    async def customers_by_name(self, first_name: str, last_name: str) -> list[Customer]:
        first, last = folded(first_name), folded(last_name)
        if first is None or last is None:
            return []
        return await self._customers(_BY_NAME, last_key=last, first_key=first)

    async def order(self, order_id: str) -> Order | None:
        found = await self._orders(_ORDER, id=order_id)
        return found[0] if found else None

    async def order_by_number(self, number: str) -> Order | None:
        """Letters and digits decide; digits alone are enough where only one order has them."""
        key = letters_and_digits(number)
        if not key:
            return None
        found = await self._orders(_BY_NUMBER, number_key=key)
        if found or key != digits(key):
            return found[0] if found else None
        found = await self._orders(_BY_DIGITS, digits_key=key)
        return found[0] if len(found) == 1 else None

    async def orders_of(self, customer_id: str) -> list[Order]:
        return await self._orders(_OF_CUSTOMER, customer_id=customer_id)

    async def all_orders(self) -> AsyncIterator[Order]:
        """Every order, streamed in file order."""
        async for body in self._stream(db.orders):
            yield native.order_from(body)

    async def all_customers(self) -> AsyncIterator[Customer]:
        """Every customer, streamed in file order."""
        async for body in self._stream(db.customers):
            yield native.customer_from(body)

    async def save(self, order: Order, *, customer: Customer | None = None, expected: Order | None = None,
                   expected_customer: Customer | None = None, operation_id: str = "") -> bool:
        rows = [(db.orders, order_row(order).row)]
        rows += [(db.customers, customer_row(customer).row)] if customer is not None else []
        return await self._put(rows, operation_id, expected, expected_customer)

    async def save_customer(self, customer: Customer, *, expected: Customer | None = None,
                            operation_id: str = "") -> bool:
        return await self._put([(db.customers, customer_row(customer).row)], operation_id, expected)

    async def _put(self, rows: Sequence[tuple[Table, Row]], operation_id: str,
                   *expected: Order | Customer | None) -> bool:
        """All rows, or none where the operation was applied before or what stands there is not what was expected."""
        def put(connection: Connection) -> None:
            if not (_first_time(connection, operation_id) and all(_still(connection, one) for one in expected)):
                raise Undone
            for table, row in rows:
                _write_row(connection, table, row)

        try:
            await self._write(put)
        except Undone:
            return False
        return True

    async def applied(self, operation_id: str) -> bool:
        return bool(await self._reads.all(_APPLIED, id=operation_id))

    async def _customers(self, query: Select[Any], **values: str) -> list[Customer]:
        return [customer_of(row[0]) for row in await self._reads.all(query, **values)]

    async def _orders(self, query: Select[Any], **values: str) -> list[Order]:
        return [order_of(row[0]) for row in await self._reads.all(query, **values)]

    async def _stream(self, table: Table) -> AsyncIterator[Row]:
        query = select(table.c.body).order_by(table.c.position, table.c.source, table.c.id)
        async with self._engine.connect() as connection:
            async for row in await connection.stream(query.execution_options(yield_per=PAGE)):
                yield json.loads(row.body)


def _first_time(connection: Connection, operation_id: str) -> bool:
    """Mark the operation as applied; on PostgreSQL this waits for a transaction that is just doing the same."""
    if not operation_id:
        return True
    mark = {"id": operation_id, "applied_at": time.time()}
    return run(connection, once(db.operations, connection.dialect.name), [mark]) == 1


def _still(connection: Connection, expected: Order | Customer | None) -> bool:
    """Whether the stored thing equals `expected`; its row stays locked until the transaction ends."""
    if expected is None:
        return True
    table = db.orders if isinstance(expected, Order) else db.customers
    body = connection.execute(_LOCKED[table], {"id": expected.id}).scalar()
    read = order_of if isinstance(expected, Order) else customer_of
    return body is not None and read(body) == expected


def _write_row(connection: Connection, table: Table, row: Row) -> None:
    """Write a row as changed here. What was last ingested stays known, so that the same file does not undo it."""
    values = {**row, "local_at": time.time()}
    if run(connection, _UPDATES[table], [values | {"of": row["id"]}]):
        return
    last = connection.execute(select(func.coalesce(func.max(table.c.position), 0))).scalar_one()
    connection.execute(insert(table).values(**values, source=LOCAL, position=last + 1, ingested_hash=""))
