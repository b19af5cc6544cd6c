"""Two processes on one PostgreSQL: what one commits, whoever looks on at the other one sees."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from bot.domain import events as ev
from bot.domain.tracker import Tracker
from bot.stores import database, notices
from bot.stores.notices import listen_forever, serving
from bot.stores.sql import SqlTrackerStore
from knowledge import db


class Woken:
    """A feed that counts."""

    def __init__(self) -> None:
        self.conversations: list[str] = []
        self.listening, self.heard = asyncio.Event(), asyncio.Event()

    def wake(self, conversation_id: str) -> None:
        self.conversations.append(conversation_id)
        self.heard.set()

    def wake_all(self) -> None:
        self.listening.set()


async def begin(store: SqlTrackerStore, name: str) -> None:
    tracker = Tracker(name)
    stamped = ev.Stamped(1, 1.0, ev.SessionStarted())
    tracker.apply(stamped)
    await store.commit(name, 0, [stamped], tracker)


async def test_a_commit_wakes_the_lookers_on_of_other_processes_and_not_our_own(empty_postgres: str) -> None:
    engine = database.open_engine(db.async_url(empty_postgres))
    await database.bring_up_to_date(engine)
    store, feed = SqlTrackerStore(engine), Woken()
    listener = asyncio.create_task(listen_forever(engine, feed))
    try:
        await asyncio.wait_for(feed.listening.wait(), 10)
        await begin(store, "ours")
        async with engine.begin() as connection:        # as another process does, whose origin is not ours
            await connection.execute(text(f"SELECT pg_notify('{notices.CHANNEL}', 'another theirs')"))
        await asyncio.wait_for(feed.heard.wait(), 10)
        assert feed.conversations == ["theirs"]
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        await engine.dispose()


async def test_after_a_lost_connection_everybody_looks_for_what_was_missed(
        empty_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "AGAIN_S", 0.05)
    engine = database.open_engine(db.async_url(empty_postgres))
    await database.bring_up_to_date(engine)
    feed = Woken()
    listener = asyncio.create_task(listen_forever(engine, feed))
    try:
        await asyncio.wait_for(feed.listening.wait(), 10)
        feed.listening.clear()
        async with engine.begin() as connection:
            await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE 'LISTEN%%'")
        await asyncio.wait_for(feed.listening.wait(), 10)
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        await engine.dispose()


async def test_whoever_begins_to_serve_knows_whether_somebody_else_does(empty_postgres: str) -> None:
    engine = database.open_engine(db.async_url(empty_postgres))
    try:
        async with serving(engine) as first:
            async with serving(engine) as second:
                assert (first, second) == (True, False)
            async with serving(engine) as third:
                assert third is False
        async with serving(engine) as again:
            assert again is True
    finally:
        await engine.dispose()
