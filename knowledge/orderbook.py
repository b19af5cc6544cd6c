"""Customers and orders in the database: the OrderBook port. It checks no ownership and knows no rule of the shop."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Select, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from knowledge import db, native
from knowledge.keys import digits, folded, letters_and_digits
from knowledge.models import Customer, Order
from knowledge.records import Row, customer_row, order_row

PAGE = 500
LOCAL = "local"      # source of what was made here and came from no file


class SqlOrderBook:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = db.writing(engine)

    async def customer(self, customer_id: str) -> Customer | None:
        found = await self._customers(select(db.customers.c.body).where(db.customers.c.id == customer_id))
        return found[0] if found else None

    async def customer_by_email(self, email: str) -> Customer | None:
        """Case-insensitive; the first in file order where a shop has one address twice."""
        key = folded(email)
        if key is None:
            return None
        found = await self._customers(select(db.customers.c.body).where(db.customers.c.email_key == key))
        return found[0] if found else None

    async def customers_by_name(self, first_name: str, last_name: str) -> list[Customer]:
        table, first, last = db.customers, folded(first_name), folded(last_name)
        if first is None or last is None:
            return []
        return await self._customers(select(table.c.body).where(table.c.last_key == last, table.c.first_key == first))

    async def order(self, order_id: str) -> Order | None:
        found = await self._orders(select(db.orders.c.body).where(db.orders.c.id == order_id))
        return found[0] if found else None

    async def order_by_number(self, number: str) -> Order | None:
        """Letters and digits decide; digits alone are enough where only one order has them."""
        key = letters_and_digits(number)
        if not key:
            return None
        table = db.orders
        found = await self._orders(select(table.c.body).where(table.c.number_key == key))
        if found or key != digits(key):
            return found[0] if found else None
        found = await self._orders(select(table.c.body).where(table.c.digits_key == key).limit(2))
        return found[0] if len(found) == 1 else None

    async def orders_of(self, customer_id: str) -> list[Order]:
        table = db.orders
        query = select(table.c.body).where(table.c.customer_id == customer_id)
        return await self._orders(query.order_by(table.c.placed_at.is_(None), table.c.placed_at.desc()))

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
        async with self._writer.connect() as connection, connection.begin() as transaction:
            if not (await _first_time(connection, operation_id) and await _still(connection, db.orders, expected)
                    and await _still(connection, db.customers, expected_customer)):
                await transaction.rollback()
                return False
            await _put(connection, db.orders, order_row(order).row)
            if customer is not None:
                await _put(connection, db.customers, customer_row(customer).row)
        return True

    async def save_customer(self, customer: Customer, *, expected: Customer | None = None,
                            operation_id: str = "") -> bool:
        async with self._writer.connect() as connection, connection.begin() as transaction:
            if not (await _first_time(connection, operation_id) and await _still(connection, db.customers, expected)):
                await transaction.rollback()
                return False
            await _put(connection, db.customers, customer_row(customer).row)
        return True

    async def applied(self, operation_id: str) -> bool:
        query = select(db.operations.c.id).where(db.operations.c.id == operation_id)
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).scalar() is not None

    async def _customers(self, query: Select[Any]) -> list[Customer]:
        return [native.customer_from(body) for body in await self._bodies(query, db.customers)]

    async def _orders(self, query: Select[Any]) -> list[Order]:
        return [native.order_from(body) for body in await self._bodies(query, db.orders)]

    async def _bodies(self, query: Select[Any], table: Table) -> list[Row]:
        in_file_order = query.order_by(table.c.position, table.c.source, table.c.id)
        async with self._engine.connect() as connection:
            return [json.loads(row.body) for row in await connection.execute(in_file_order)]

    async def _stream(self, table: Table) -> AsyncIterator[Row]:
        query = select(table.c.body).order_by(table.c.position, table.c.source, table.c.id)
        async with self._engine.connect() as connection:
            async for row in await connection.stream(query.execution_options(yield_per=PAGE)):
                yield json.loads(row.body)


async def _first_time(connection: AsyncConnection, operation_id: str) -> bool:
    """Mark the operation as applied; on PostgreSQL this waits for a transaction that is just doing the same."""
    if not operation_id:
        return True
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    mark = dialect.insert(db.operations).values(id=operation_id, applied_at=time.time()).on_conflict_do_nothing()
    return (await connection.execute(mark)).rowcount == 1


async def _still(connection: AsyncConnection, table: Table, expected: Order | Customer | None) -> bool:
    """Whether the stored thing equals `expected`; its row stays locked until the transaction ends."""
    if expected is None:
        return True
    query = select(table.c.body).where(table.c.id == expected.id).with_for_update()
    body = (await connection.execute(query)).scalar()
    read = native.order_from if isinstance(expected, Order) else native.customer_from
    return body is not None and read(json.loads(body)) == expected


async def _put(connection: AsyncConnection, table: Table, row: Row) -> None:
    """Write a row as changed here. What was last ingested stays known, so that the same file does not undo it."""
    values = {**row, "local_at": time.time()}
    if (await connection.execute(update(table).where(table.c.id == row["id"]).values(values))).rowcount:
        return
    last = (await connection.execute(select(func.coalesce(func.max(table.c.position), 0)))).scalar_one()
    await connection.execute(insert(table).values(**values, source=LOCAL, position=last + 1, ingested_hash=""))
