"""Complaint cases in the shop's database."""

from __future__ import annotations

import time
from dataclasses import asdict, fields

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.case import Case
from bot.stores.schema import cases
from knowledge.writing import Write, alone


class SqlCaseBook:
    def __init__(self, engine: AsyncEngine, write: Write | None = None) -> None:
        self._engine, self._write = engine, write or alone(engine)

    async def open(self, case: Case) -> None:
        row = insert(cases).values(**asdict(case))
        await self._write(lambda connection: connection.execute(row).rowcount)

    async def of_customer(self, customer_id: str) -> list[Case]:
        query = select(cases).where(cases.c.customer_id == customer_id).order_by(cases.c.opened_at.desc())
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [Case(**{f.name: row[f.name] for f in fields(Case)}) for row in rows]

    def now(self) -> float:
        return time.time()
