"""Migrations of the whole shop, up and down, with rows in the tables, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database
from bot.stores.opening import migrate
from knowledge import db
from knowledge.errors import BadInput
from knowledge.migrating import BASE, Chain, NewerDatabase
from tests.contracts.stored import Rows, differences, fill, revisions, rows, without_columns

ROOT = Path(__file__).parents[2]
OLDER = [(chain, revision) for chain in database.CHAINS for revision in chain.revisions()[1:-1]]
STARTS = [(chain, revision) for chain in database.CHAINS for revision in chain.revisions()[:-1]]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    return str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = database.open_engine(db.async_url(url))
    yield engine
    await engine.dispose()


async def move(engine: AsyncEngine, chain: Chain, revision: str) -> None:
    async with db.writing(engine).begin() as connection:
        await connection.run_sync(chain.move, revision)


async def stored(engine: AsyncEngine) -> Rows:
    async with engine.connect() as connection:
        return await connection.run_sync(rows)


def test_each_head_is_the_newest_migration() -> None:
    for chain in database.CHAINS:
        assert ScriptDirectory(str(chain.folder)).get_heads() == [chain.head] == chain.revisions()[-1:]


async def test_the_tables_are_what_the_code_expects_and_go_again(engine: AsyncEngine) -> None:
    await database.bring_up_to_date(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    for chain in database.CHAINS:
        await move(engine, chain, BASE)
    assert await stored(engine) == {}


@pytest.mark.parametrize(("chain", "revision"), OLDER, ids=str)
async def test_an_older_database_loses_no_row_on_its_way_up_down_and_up(engine: AsyncEngine, chain: Chain,
                                                                       revision: str) -> None:
    await database.bring_up_to_date(engine)
    await move(engine, chain, revision)
    async with db.writing(engine).begin() as connection:
        before = await connection.run_sync(fill)
    await database.bring_up_to_date(engine)
    newest = await stored(engine)
    assert without_columns(newest, before) == before
    await move(engine, chain, revision)
    assert await stored(engine) == before
    await database.bring_up_to_date(engine)
    assert without_columns(await stored(engine), before) == before


@pytest.mark.parametrize(("chain", "revision"), STARTS, ids=str)
def test_a_killed_migration_is_completed_by_the_next_start(url: str, chain: Chain, revision: str) -> None:
    command = [sys.executable, "-m", "tests.contracts.killed_migration", url, chain.name, revision, "few"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 2


async def test_several_processes_that_start_at_once_find_one_another(url: str) -> None:
    code = f"import asyncio; from bot.stores import database; from knowledge import db; e = database.open_engine(" \
           f"db.async_url({url!r})); asyncio.run(database.bring_up_to_date(e))"
    several = [await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT,
                                                    stderr=asyncio.subprocess.PIPE) for _ in range(4)]
    told = [(await process.communicate())[1].decode() for process in several]
    assert [process.returncode for process in several] == [0, 0, 0, 0], told


@pytest.mark.parametrize("newer", database.CHAINS, ids=str)
async def test_a_database_newer_than_the_program_is_not_touched(engine: AsyncEngine, newer: Chain) -> None:
    other = next(chain for chain in database.CHAINS if chain is not newer)
    await database.bring_up_to_date(engine)
    await move(engine, other, other.revisions()[-2])
    async with db.writing(engine).begin() as connection:
        await connection.execute(text(f"UPDATE {newer.version_table} SET version_num = '9999'"))
        before = await connection.run_sync(fill), await connection.run_sync(revisions)
    with pytest.raises(NewerDatabase, match=f"{newer.name} tables 9999, this one knows {newer.head}") as caught:
        await database.bring_up_to_date(engine)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)
    async with engine.connect() as connection:
        assert before == (await connection.run_sync(rows), await connection.run_sync(revisions))


async def test_the_way_back_is_only_gone_when_confirmed(url: str, engine: AsyncEngine, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPCLERK__DATABASE_URL", url)
    await database.bring_up_to_date(engine)
    with pytest.raises(BadInput, match=r"bot:0002 to bot:0001 .*shopclerk backup FILE.* --yes"):
        await migrate(tmp_path, ["bot:0001"])
    assert await migrate(tmp_path, ["bot:0001", "knowledge:0001"], yes=True)
    async with engine.connect() as connection:
        assert await connection.run_sync(revisions) == {"bot": "0001", "knowledge": "0001"}
    assert "knowledge:0002" in await migrate(tmp_path, ["knowledge:0002"])
    with pytest.raises(BadInput, match=r"no revision 'bot:7': choose from knowledge:base, knowledge:0001"):
        await migrate(tmp_path, ["bot:7"])
    assert "up to date" in await migrate(tmp_path)
