"""Look-ups and small writes by compiled SQL: the same rows and the same errors as through SQLAlchemy, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Integer, String, bindparam, column, insert, select, table, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from knowledge import db
from knowledge.reading import reads
from knowledge.writing import Undone, run

THINGS = table("things", column("id", String), column("size", Integer))
_BY_SIZE = select(THINGS.c.id).where(THINGS.c.size >= bindparam("least")).order_by(THINGS.c.id).limit(2)
_NEW, _SIZED = insert(THINGS), update(THINGS).where(THINGS.c.id == bindparam("of"), THINGS.c.size.in_([1, 2]))


@pytest.fixture(params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_postgres")
    made = db.open_engine(db.async_url(url))
    async with made.begin() as connection:
        await connection.execute(text("CREATE TABLE things (id VARCHAR(20) PRIMARY KEY, size INTEGER NOT NULL)"))
    yield made
    await made.dispose()


@pytest.fixture
async def things(engine: AsyncEngine) -> AsyncEngine:
    async with database.open_writer(engine) as write:
        await write(lambda c: run(c, _NEW, [{"id": f"t{n}", "size": n} for n in range(1, 8)]))
    return engine


async def test_a_query_written_once_answers_for_any_value(things: AsyncEngine) -> None:
    for least, expected in ((1, ["t1", "t2"]), (7, ["t7"]), (9, [])):
        assert [row[0] for row in await reads(things).all(_BY_SIZE, least=least)] == expected


@pytest.mark.parametrize("count", [0, 1, 3, 8, 700])
async def test_rows_of_any_number_of_keys(things: AsyncEngine, count: int) -> None:
    keys = [f"t{n}" for n in range(count)]
    found = await reads(things).among(THINGS.c.id, keys, THINGS.c.id, THINGS.c.size)
    assert sorted(tuple(row) for row in found) == [(f"t{n}", n) for n in range(1, 8) if n < count]


async def test_what_is_committed_is_read_at_once(things: AsyncEngine) -> None:
    assert await reads(things).all(_BY_SIZE, least=50) == []
    async with database.open_writer(things) as write:
        assert await write(lambda c: run(c, _SIZED, [{"of": "t2", "size": 50}])) == 1
        assert await write(lambda c: run(c, _SIZED, [{"of": "t3", "size": 50}])) == 0
    assert [row[0] for row in await reads(things).all(_BY_SIZE, least=50)] == ["t2"]


async def test_errors_are_those_of_sqlalchemy_and_leave_nothing(things: AsyncEngine) -> None:
    async with database.open_writer(things) as write:
        with pytest.raises(IntegrityError):
            await write(lambda c: run(c, _NEW, [{"id": "new", "size": 1}, {"id": "t1", "size": 1}]))
        with pytest.raises(Undone):
            await write(lambda c: _begin_and_give_up(run(c, _NEW, [{"id": "new", "size": 99}])))
    assert await reads(things).all(_BY_SIZE, least=99) == []
    assert await reads(things).among(THINGS.c.id, ["new"], THINGS.c.id) == []


def _begin_and_give_up(_: int) -> None:
    raise Undone


async def test_the_reader_of_a_sqlite_shop_cannot_write(tmp_path: Path) -> None:
    engine = db.open_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    await db.upgrade(engine)
    with pytest.raises(OperationalError, match="readonly"):
        await reads(engine).all(text("DELETE FROM shop_orders"))  # type: ignore[arg-type]
    await engine.dispose()
