"""Backups of real stores on SQLite and on PostgreSQL: under load, killed on the way, from one database to the other."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.domain import events as ev
from bot.domain.message import OutboundMessage
from bot.domain.tracker import Tracker, fold, snapshot
from bot.stores import database
from bot.stores.opening import open_database
from bot.stores.restore import settle
from bot.stores.sql import SqlTrackerStore
from knowledge.errors import BadInput
from tests.contracts.shops import back_up, contents, engine_of, make_shop, put_back
from tests.contracts.stored import rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """What the shop's settings say: "" for SQLite in the folder."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
async def shop(url: str, tmp_path: Path) -> Path:
    return await make_shop(tmp_path / "shop", url, "old")


async def emptied(directory: Path) -> None:
    """As after the loss of everything but the settings."""
    await asyncio.to_thread(remove_all_but_settings, directory)
    engine = engine_of(directory)
    if engine.dialect.name == "postgresql":
        async with engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()


async def test_what_was_backed_up_is_there_again_after_a_loss(shop: Path, tmp_path: Path) -> None:
    before = await contents(shop)
    await back_up(shop, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    await emptied(shop)
    await put_back(tmp_path / "b.tar", shop)
    assert await contents(shop) == before
    assert (shop / "secret.key").stat().st_mode & 0o777 == 0o600
    assert not (shop / ".restore").exists()
    if (shop / "shop.db").exists():
        with sqlite3.connect(shop / "shop.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_numbers_given_by_the_database_go_on_after_a_restore(shop: Path, tmp_path: Path) -> None:
    await back_up(shop, tmp_path / "b.tar")
    await put_back(tmp_path / "b.tar", shop, replace=True)
    values = "(at, event, customer_id, conversation_id, subject) VALUES (1, 'e', 'c', 'v', 's')"
    async with open_database(shop) as engine, engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO order_audit {values}"))
        assert (await connection.execute(text("SELECT max(seq) FROM order_audit"))).scalar() == 4


async def test_one_file_leads_from_sqlite_to_postgresql_and_back(tmp_path: Path, empty_postgres: str) -> None:
    here = await make_shop(tmp_path / "here", "", "here")
    await back_up(here, tmp_path / "1.tar")
    there = tmp_path / "there"
    there.mkdir()
    (there / "shopclerk.toml").write_text(f'database_url = "{empty_postgres}"\n', encoding="utf-8")
    await put_back(tmp_path / "1.tar", there)
    await back_up(there, tmp_path / "2.tar")
    again = tmp_path / "again"
    again.mkdir()
    (again / "shopclerk.toml").write_text("", encoding="utf-8")
    await put_back(tmp_path / "2.tar", again)
    assert (await contents(here))[0] == (await contents(there))[0] == (await contents(again))[0]
    assert not (there / "shop.db").exists() and (again / "shop.db").exists()


async def test_a_backup_of_older_tables_is_brought_up_to_date(shop: Path, tmp_path: Path) -> None:
    async with open_database(shop) as engine, engine.execution_options(shopclerk_write=True).begin() as connection:
        for chain in database.CHAINS:
            await connection.run_sync(chain.move, chain.revisions()[1])
        older = await connection.run_sync(rows)
    manifest = await back_up(shop, tmp_path / "b.tar")
    assert manifest.revisions == {"knowledge": "0001", "bot": "0001"}
    await put_back(tmp_path / "b.tar", shop, replace=True)
    found = (await contents(shop))[0]
    assert {name: len(some) for name, some in found.items() if some} == {n: len(some) for n, some in older.items()}


def remove_all_but_settings(directory: Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.name != "shopclerk.toml":
            path.unlink()


class Writers:
    """Conversations that go on without a pause, each through the real store, until told to stop."""

    def __init__(self, store: SqlTrackerStore) -> None:
        self._store, self.committed, self._stop = store, dict[str, int](), asyncio.Event()
        self._began = asyncio.Barrier(13)

    async def __aenter__(self) -> Writers:
        self._tasks = [asyncio.create_task(self._talk(f"load-{n}")) for n in range(12)]
        await self._began.wait()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _talk(self, name: str) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            tracker = await self._store.load(name) or Tracker(name)
            before = tracker.seq
            said = [ev.UserUttered(f"message {count}", f"{name}-{count}"), ev.BotUttered(f"reply {count}", {})]
            stamped = [ev.Stamped(before + n, 100.0 + count, event) for n, event in enumerate(said, 1)]
            for item in stamped:
                tracker.apply(item)
            await self._store.commit(name, before, stamped, tracker, [("web", f"{name}-{count}")],
                                     [OutboundMessage(f"reply {count}")])
            self.committed[name] = tracker.seq
            if count == 1:
                await self._began.wait()


async def test_a_backup_made_under_load_holds_whole_turns_and_all_that_were_told_before(
        shop: Path, tmp_path: Path) -> None:
    async with open_database(shop) as engine:
        store = SqlTrackerStore(engine)
        async with Writers(store) as writers:
            told = dict(writers.committed)
            await back_up(shop, tmp_path / "b.tar")
            during = dict(writers.committed)
        live = {name: await store.events(name, limit=100_000) for name in told}
    assert sum(during.values()) > sum(told.values()), "nothing was written while the backup was made"
    await put_back(tmp_path / "b.tar", shop, replace=True)
    async with open_database(shop) as engine:
        store = SqlTrackerStore(engine)
        for name, seq in told.items():
            await check_whole(store, name, seq, live[name])
        async with engine.connect() as connection:
            marks = (await connection.execute(text("SELECT message_id FROM inbox WHERE channel = 'web'"))).scalars()
            query = text("SELECT count(*) FROM conversation_events WHERE conversation_id LIKE 'load-%'")
            assert len(marks.all()) * 2 == (await connection.execute(query)).scalar()


async def check_whole(store: SqlTrackerStore, name: str, at_least: int, live: list[ev.Stamped]) -> None:
    """No gap, no half turn, nothing that was never said, and snapshot and inbox say the same as the events."""
    history, tracker = await store.events(name, limit=100_000), await store.load(name)
    assert tracker is not None and at_least <= tracker.seq == len(history) <= len(live)
    assert history == live[:len(history)] and len(history) % 2 == 0
    assert snapshot(tracker) == snapshot(fold(name, history))
    for number in range(1, len(history) // 2 + 1):
        assert await store.answered("web", f"{name}-{number}") == [OutboundMessage(f"reply {number}")]
    assert await store.answered("web", f"{name}-{len(history) // 2 + 1}") is None


async def killed(*arguments: object) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contracts.killed_restore", *map(str, arguments), cwd=ROOT,
        stderr=subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()


@pytest.mark.parametrize("point", ["rows", "packed"])
async def test_a_killed_backup_leaves_the_older_file_and_works_again(shop: Path, tmp_path: Path, point: str) -> None:
    file = tmp_path / "b.tar"
    await back_up(shop, file)
    older = file.read_bytes()
    await killed("backup", point, shop, file)
    assert file.read_bytes() == older
    await back_up(shop, file)
    assert {path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))} == {"b.tar", "shop"}
    before = await contents(shop)
    await put_back(file, shop, replace=True)
    assert await contents(shop) == before


@pytest.mark.parametrize("point", ["rows", "before", "journal", "moving"])
async def test_a_killed_restore_leaves_all_as_it_was_or_is_completed_by_the_next_start(
        shop: Path, url: str, tmp_path: Path, point: str) -> None:
    await back_up(shop, tmp_path / "b.tar")
    kept = await contents(shop)
    await emptied(shop)
    (shop / "shopclerk.toml").unlink()
    await make_shop(shop, url, "other", count=5)
    other = await contents(shop)
    await killed("restore", point, shop, tmp_path / "b.tar")
    done = point == "moving" or (point == "journal" and not url)      # on PostgreSQL the commit comes after the journal
    await settle(shop)
    assert await contents(shop) == (kept if done else other)
    assert not (shop / ".restore").exists()
    await put_back(tmp_path / "b.tar", shop, replace=True)
    assert await contents(shop) == kept and not (shop / ".restore").exists()


async def test_what_is_there_is_only_replaced_when_told_so(shop: Path, tmp_path: Path) -> None:
    await back_up(shop, tmp_path / "b.tar")
    before = await contents(shop)
    with pytest.raises(BadInput, match=r"there is a shop in .*--replace"):
        await put_back(tmp_path / "b.tar", shop)
    assert await contents(shop) == before


async def test_rows_in_a_shared_database_count_as_a_shop_too(tmp_path: Path, empty_postgres: str) -> None:
    one = await make_shop(tmp_path / "one", empty_postgres, "one")
    await back_up(one, tmp_path / "b.tar")
    with pytest.raises(BadInput, match=r"there is a shop in database postgresql"):
        await put_back(tmp_path / "b.tar", tmp_path / "two")
    assert not (tmp_path / "two").exists()


async def test_a_database_in_use_is_not_replaced(tmp_path: Path) -> None:
    shop = await make_shop(tmp_path / "shop", "", "one")
    await back_up(shop, tmp_path / "b.tar")
    async with open_database(shop) as engine, engine.connect() as connection:
        await connection.execute(text("SELECT 1 FROM inbox"))
        with pytest.raises(BadInput, match=r"is in use .*stop the server first"):
            await put_back(tmp_path / "b.tar", shop, replace=True)
    await put_back(tmp_path / "b.tar", shop, replace=True)


async def test_a_damaged_database_can_be_replaced(tmp_path: Path) -> None:
    shop = await make_shop(tmp_path / "shop", "", "one")
    before = await contents(shop)
    await back_up(shop, tmp_path / "b.tar")
    (shop / "shop.db").write_bytes(b"\0" * 5000)
    await put_back(tmp_path / "b.tar", shop, replace=True)
    assert await contents(shop) == before


async def test_two_restores_at_once_do_not_mix(shop: Path, tmp_path: Path) -> None:
    from bot.stores.folder_swap import held

    await back_up(shop, tmp_path / "b.tar")
    with held(shop), pytest.raises(BadInput, match="under way"):
        await put_back(tmp_path / "b.tar", shop, replace=True)
