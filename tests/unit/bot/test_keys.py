"""API keys: shown once, kept as a hash, checked for force and scope; and the commands that make them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database, keys
from bot.stores.keys import KNOWN_S, SqlKeyStore
from bot.stores.opening import create_key, open_database
from knowledge.db import async_url
from knowledge.errors import BadInput, NotFound
from tests.fakes import FakeClock


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    opened = database.open_engine(async_url(f"sqlite:///{tmp_path}/shop.db"))
    await database.upgrade(opened)
    yield opened
    await opened.dispose()


async def test_a_key_opens_with_its_scopes_until_it_is_revoked(engine: AsyncEngine) -> None:
    store = SqlKeyStore(engine)
    key, text = await store.create(["tracker", "orders", "tracker"], "shop's backend")
    assert key.scopes == ("tracker", "orders")
    assert (await store.verify(text)) == key
    await store.revoke(key.id)
    assert await store.verify(text) is None
    assert [k.id for k in await store.all() if k.revoked_at] == [key.id]
    with pytest.raises(NotFound):
        await store.revoke(key.id)


async def test_a_key_revoked_by_another_process_closes_within_seconds(engine: AsyncEngine) -> None:
    clock = FakeClock()
    here, elsewhere = SqlKeyStore(engine, clock.now), SqlKeyStore(engine)
    key, text = await elsewhere.create(["tracker"])
    assert await here.verify(text) == key
    await elsewhere.revoke(key.id)
    clock.time += KNOWN_S - 0.1
    assert await here.verify(text) == key, "still believed"
    clock.time += 0.2
    assert await here.verify(text) is None
    assert await elsewhere.verify(text) is None


async def test_a_known_key_is_found_without_the_database(engine: AsyncEngine) -> None:
    asked: list[str] = []
    sqlalchemy.event.listen(engine.sync_engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    store = SqlKeyStore(engine)
    _, text = await store.create(["tracker"])
    for _ in range(3):
        assert await store.verify(text)
        assert await store.verify("sck_00000000_guess") is None
    looked = [statement for statement in asked if "FROM api_keys" in statement]
    assert len(looked) == 1 + 3, "a key is looked up once, a guess every time: it must not fill the memory"


async def test_what_is_remembered_of_keys_is_bounded(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST_KNOWN", 2)
    store = SqlKeyStore(engine)
    for _ in range(4):
        assert await store.verify((await store.create(["tracker"]))[1])
    assert len(store._known) == 2


@pytest.mark.parametrize("text", ["", "sck_", "sck_00000000_x", "\x00", "\ud83d", "' OR 1=1 --"])
async def test_what_is_no_key_opens_nothing(engine: AsyncEngine, text: str) -> None:
    await SqlKeyStore(engine).create(["tracker"])
    assert await SqlKeyStore(engine).verify(text) is None


async def test_the_keys_text_is_nowhere_in_the_database(tmp_path: Path) -> None:
    text = await create_key(tmp_path, ["tracker"], "")
    assert text.encode() not in (await asyncio.to_thread((tmp_path / "shop.db").read_bytes))
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert text not in dump and text.split("_")[1] in dump


@pytest.mark.parametrize("scopes", [[], ["everything"], ["tracker", "root"]])
async def test_unknown_scopes_make_no_key_and_no_database(tmp_path: Path, scopes: list[str]) -> None:
    with pytest.raises(BadInput, match="choose from tracker, orders"):
        await create_key(tmp_path, scopes, "")
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


async def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no shop in"):
        async with open_database(tmp_path / "typo"):
            pass
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


async def test_migrating_twice_changes_nothing(engine: AsyncEngine) -> None:
    assert await database.upgrade(engine) is False


def test_the_newest_migration_is_the_one_that_is_run() -> None:
    revisions = sorted(p.name[:4] for p in (database.MIGRATIONS / "versions").glob("0*.py"))
    assert revisions[-1] == database.HEAD


async def test_migrations_make_the_tables_that_the_code_uses(engine: AsyncEngine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import Connection

    from bot.stores.schema import VERSION_TABLE, metadata

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return list(compare_metadata(context, metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2      # FULL
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
