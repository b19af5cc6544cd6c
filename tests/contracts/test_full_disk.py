"""No space left: nothing is acknowledged that was not kept, nothing is damaged, and it goes on when there is room.

On a real full disk (a small tmpfs) where this process may mount one, and everywhere by SQLite's own limit on pages,
which fails in the same way.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.app import create_app
from bot.domain import events as ev
from bot.stores import database
from bot.stores.sql import SqlTrackerStore
from knowledge import db
from knowledge.writing import alone
from tests.fakes import EchoInbox, FakeShop

HOOK = "/webhooks/rest/webhook"
Client = TestClient[web.Request, web.Application]


def _may_mount() -> bool:
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return done.returncode == 0


class SmallDisk:
    """A disk of 4 MB that other files fill."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._ballast = folder, folder / "ballast"

    def opened(self, engine: AsyncEngine) -> None:
        """The database is open."""

    async def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(b"\0" * 4096)
            except OSError:
                pass

    async def free(self) -> None:
        self._ballast.unlink()


class FewPages:
    """A database that may not grow."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._pages = folder, 1_000_000

    def opened(self, engine: AsyncEngine) -> None:
        self._engine = engine
        event.listen(engine.sync_engine, "connect", self._limit)

    async def fill(self) -> None:
        self._pages = 1                    # SQLite takes the present size for less than that
        await self._engine.dispose()       # new connections learn the new limit

    async def free(self) -> None:
        self._pages = 1_000_000
        await self._engine.dispose()

    def _limit(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={self._pages}")
        cursor.close()


@pytest.fixture(params=["pages", *(["tmpfs"] if _may_mount() else [])])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk | FewPages]:
    if request.param == "pages":
        yield FewPages(tmp_path)
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(tmp_path)], check=True)
    yield SmallDisk(tmp_path)
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture
async def store(disk: SmallDisk | FewPages) -> AsyncIterator[SqlTrackerStore]:
    engine = database.open_engine(db.async_url(f"sqlite:///{disk.folder / 'shop.db'}"))
    disk.opened(engine)
    await database.bring_up_to_date(engine)
    yield SqlTrackerStore(engine, alone(engine))
    await engine.dispose()


@pytest.fixture
async def client(store: SqlTrackerStore) -> AsyncIterator[Client]:
    shop = FakeShop()
    shop.store, shop.inbox = store, EchoInbox(store, shop.lock, shop.clock)       # type: ignore[assignment]
    async with TestClient(TestServer(create_app(shop))) as client:                # type: ignore[arg-type]
        yield client


async def say(client: Client, number: int) -> Any:
    body = {"sender": "c1", "message": f"message {number} " + "x" * 1500, "metadata": {"message_id": f"m{number}"}}
    return await client.post(HOOK, json=body)


async def test_without_space_nothing_is_acknowledged_or_lost_and_with_space_it_goes_on(
        client: Client, store: SqlTrackerStore, disk: SmallDisk | FewPages) -> None:
    assert (await say(client, 0)).status == 200
    kept, number = [0], 0
    await disk.fill()
    while (response := await say(client, number := number + 1)).status == 200:    # what was allotted still takes some
        kept.append(number)
    assert response.status == 503 and int(response.headers["Retry-After"]) > 0
    problem = await response.json()
    assert problem["type"].endswith(":overloaded") and "disk" not in problem["detail"]
    assert await store.answered("rest", f"m{number}") is None
    assert (await say(client, number)).status == 503
    assert await said(store) == kept
    await disk.free()
    for again in (number, number, number + 1):
        assert (await say(client, again)).status == 200
    assert await said(store) == [*kept, number, number + 1]
    with sqlite3.connect(disk.folder / "shop.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def said(store: SqlTrackerStore) -> list[int]:
    """Numbers of the customer's messages, in their order, from the events."""
    history = await store.events("c1", limit=10_000)
    assert [stamped.seq for stamped in history] == list(range(1, len(history) + 1))
    return [int(s.event.text.split()[1]) for s in history if isinstance(s.event, ev.UserUttered)]
