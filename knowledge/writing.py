"""Writing to the shop's database: work in one transaction, durable when it returns.

Whoever opens a shop may hand in a writer that lets several works share a transaction (the service does, on SQLite);
this one gives each its own. It knows no tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db

T = TypeVar("T")


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
