"""One contract for every tracker store: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import events as ev
from bot.domain.message import Button, Card, InboundMessage, OutboundMessage, Source
from bot.domain.tracker import Mode, Tracker, fold, snapshot
from bot.ports import StaleTracker, TrackerStore
from bot.stores import database
from bot.stores.memory import MemoryTrackerStore
from bot.stores.sql import SqlTrackerStore
from knowledge.db import async_url

REPLY = OutboundMessage("Done.", (Button("Yes", "/affirm"),), (Card("order", "W1", {"total": "12.50"}),),
                        (Source(1, "chunk:a", "Returns", "document", "30 days"),), custom={"responses": ["u"]})


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TrackerStore]:
    if request.param == "memory":
        yield MemoryTrackerStore()
        return
    url = f"sqlite:///{tmp_path}/shop.db" if request.param == "sqlite" else request.getfixturevalue("empty_postgres")
    engine = database.open_engine(async_url(url))
    await database.upgrade(engine)
    async with database.open_writer(engine) as write:
        yield SqlTrackerStore(engine, write)
    await engine.dispose()


def turn(tracker: Tracker, *events: ev.Event, at: float = 100.0) -> tuple[int, list[ev.Stamped], Tracker]:
    """What `commit` takes: the seq it was read at, the new events, the tracker after them."""
    before = tracker.seq
    stamped = [ev.Stamped(before + n, at, event) for n, event in enumerate(events, 1)]
    for item in stamped:
        tracker.apply(item)
    return before, stamped, tracker


async def test_what_was_committed_is_loaded_again(store: TrackerStore) -> None:
    events = [ev.SessionStarted("rest"), ev.UserUttered("hi", "m1"), ev.FlowStarted("f1", "cancel_order", {"n": 1}),
              ev.SlotSet("reason", "no longer needed", "f1"), ev.BotUttered("Which?", {"buttons": []})]
    await store.commit("c1", *turn(Tracker("c1"), *events))
    tracker = await store.load("c1")
    assert tracker is not None
    history = await store.events("c1")
    assert [s.event for s in history] == events
    assert snapshot(tracker) == snapshot(fold("c1", history))


async def test_a_conversation_nobody_began_is_none(store: TrackerStore) -> None:
    assert await store.load("nobody") is None
    assert await store.events("nobody") == []
    assert await store.answered("rest", "m1") is None


async def test_what_is_loaded_is_the_callers_own(store: TrackerStore) -> None:
    await store.commit("c1", *turn(Tracker("c1"), ev.SlotSet("a", [1])))
    mine = await store.load("c1")
    assert mine is not None
    mine.slots["a"].append(2)
    theirs = await store.load("c1")
    assert theirs is not None and theirs.slots == {"a": [1]}


async def test_a_writer_who_read_too_early_writes_nothing(store: TrackerStore) -> None:
    await store.commit("c1", *turn(Tracker("c1"), ev.SessionStarted()))
    one, two = await store.load("c1"), await store.load("c1")
    assert one is not None and two is not None
    await store.commit("c1", *turn(one, ev.UserUttered("first")), [("rest", "m1")], [REPLY])
    with pytest.raises(StaleTracker):
        await store.commit("c1", *turn(two, ev.UserUttered("second")), [("rest", "m2")], [REPLY])
    assert [s.seq for s in await store.events("c1")] == [1, 2]
    assert await store.answered("rest", "m2") is None


async def test_of_two_who_begin_a_conversation_one_wins(store: TrackerStore) -> None:
    await store.commit("c1", *turn(Tracker("c1"), ev.SessionStarted()))
    with pytest.raises(StaleTracker):
        await store.commit("c1", *turn(Tracker("c1"), ev.SessionStarted()))


async def test_racing_writers_leave_no_gap_and_no_double(store: TrackerStore) -> None:
    async def write(n: int) -> None:
        while True:
            tracker = await store.load("c1") or Tracker("c1")
            try:
                return await store.commit("c1", *turn(tracker, ev.UserUttered(str(n))), [("rest", str(n))])
            except StaleTracker:
                await asyncio.sleep(0)

    await asyncio.gather(*(write(n) for n in range(8)))
    history = await store.events("c1")
    assert [s.seq for s in history] == list(range(1, 9))
    assert sorted(s.event.text for s in history if isinstance(s.event, ev.UserUttered)) == list("01234567")


async def test_a_reply_is_kept_whole_under_channel_and_message(store: TrackerStore) -> None:
    await store.commit("c1", *turn(Tracker("c1"), ev.UserUttered("hi")), [("rest", "m1"), ("rest", "m2")], [REPLY])
    assert await store.answered("rest", "m1") == await store.answered("rest", "m2") == [REPLY]
    assert await store.answered("web", "m1") is None
    await store.commit("c2", *turn(Tracker("c2"), ev.UserUttered("hi")), [("rest", "m3")])
    assert await store.answered("rest", "m3") == []


async def test_a_message_answered_already_is_not_answered_twice(store: TrackerStore) -> None:
    await store.commit("c1", *turn(Tracker("c1"), ev.UserUttered("hi")), [("rest", "m1")], [REPLY])
    tracker = await store.load("c1")
    assert tracker is not None
    with pytest.raises(StaleTracker):
        await store.commit("c1", *turn(tracker, ev.UserUttered("hi")), [("rest", "m1")], [])
    kept = await store.load("c1")
    assert kept is not None and kept.seq == 1
    assert await store.answered("rest", "m1") == [REPLY]


async def test_events_come_in_pages(store: TrackerStore) -> None:
    await store.commit("c1", *turn(Tracker("c1"), *(ev.UserUttered(str(n)) for n in range(10))))
    assert [s.seq for s in await store.events("c1", after=3, limit=4)] == [4, 5, 6, 7]
    assert await store.events("c1", after=10) == []


async def test_who_waits_longest_comes_first(store: TrackerStore) -> None:
    for name, at in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
        await store.commit(name, *turn(Tracker(name), ev.HandoffRequested("asked"), at=at))
    await store.commit("bot", *turn(Tracker("bot"), ev.UserUttered("hi")))
    middle = await store.load("middle")
    assert middle is not None
    await store.commit("middle", *turn(middle, ev.AgentJoined("Mia"), at=40.0))
    assert [t.conversation_id for t in await store.in_mode(Mode.QUEUED, Mode.AGENT)] == ["early", "late", "middle"]
    assert [t.conversation_id for t in await store.in_mode("agent")] == ["middle"]


# --- messages kept before they are answered ---------------------------------------------------------------------------

SENT = InboundMessage("c1", "where is it?", "m1", "widget", "C7", "en", "/order W1", {"url": "/p", "cart": [{"q": 1}]})


async def test_an_accepted_message_is_kept_whole_until_it_is_answered(store: TrackerStore) -> None:
    await store.accept(SENT)
    assert await store.pending(time.time() + 60) == [SENT]
    assert await store.answered("widget", "m1") is None
    await store.commit("c1", *turn(Tracker("c1"), ev.UserUttered("where is it?")), [("widget", "m1")], [REPLY])
    assert await store.pending(time.time() + 60) == []
    assert await store.answered("widget", "m1") == [REPLY]


async def test_accepting_again_changes_nothing(store: TrackerStore) -> None:
    await store.accept(SENT)
    await store.accept(replace(SENT, text="something else"))
    assert await store.pending(time.time() + 60) == [SENT]
    await store.commit("c1", *turn(Tracker("c1"), ev.UserUttered("hi")), [("widget", "m1")], [REPLY])
    await store.accept(SENT)
    assert await store.pending(time.time() + 60) == []
    assert await store.answered("widget", "m1") == [REPLY]


async def test_only_what_waited_since_before_is_pending_and_the_oldest_comes_first(store: TrackerStore) -> None:
    for name in ("m1", "m2", "m3"):
        await store.accept(replace(SENT, message_id=name))
    assert [m.message_id for m in await store.pending(time.time() + 60)] == ["m1", "m2", "m3"]
    assert await store.pending(time.time() - 60) == []


async def test_what_is_pending_in_one_conversation_is_told_apart(store: TrackerStore) -> None:
    await store.accept(SENT)
    await store.accept(replace(SENT, conversation_id="c2", message_id="m2"))
    await store.accept(replace(SENT, message_id="m3"))
    assert [m.message_id for m in await store.pending_of("c1")] == ["m1", "m3"]
    assert await store.pending_of("c3") == []


class Heard:
    """A feed that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int], str]] = []

    def committed(self, conversation_id: str, events: Sequence[ev.Stamped], mode: str) -> None:
        self.told.append((conversation_id, [s.seq for s in events], mode))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_the_feed_hears_of_what_was_committed_and_of_nothing_else(kind: str, tmp_path: Path) -> None:
    feed = Heard()
    engine = database.open_engine(async_url(f"sqlite:///{tmp_path}/shop.db"))
    await database.upgrade(engine)
    store: TrackerStore = SqlTrackerStore(engine, feed=feed) if kind == "sqlite" else MemoryTrackerStore(feed)
    await store.commit("c1", *turn(Tracker("c1"), ev.SessionStarted(), ev.HandoffRequested("asked")))
    with pytest.raises(StaleTracker):
        await store.commit("c1", *turn(Tracker("c1"), ev.SessionStarted()))
    assert feed.told == [("c1", [1, 2], "queued")]
    await engine.dispose()


async def test_of_writes_that_share_a_transaction_a_stale_one_takes_no_other_along(store: TrackerStore) -> None:
    await store.commit("taken", *turn(Tracker("taken"), ev.SessionStarted()))
    names = ["a", "taken", "b", "c"]
    done = await asyncio.gather(*(store.commit(n, *turn(Tracker(n), ev.SessionStarted())) for n in names),
                                return_exceptions=True)
    assert [type(d) for d in done] == [type(None), StaleTracker, type(None), type(None)]
    assert [t is not None for t in [await store.load(n) for n in names]] == [True] * 4


@pytest.mark.parametrize("text", ["a\x00b", "\ud83d", "😀 مرحبا 你好", "x" * 100_000, "'; DROP TABLE inbox; --"])
async def test_any_text_survives(store: TrackerStore, text: str) -> None:
    await store.commit("c1", *turn(Tracker("c1"), ev.UserUttered(text)), [("rest", "m1")], [OutboundMessage(text)])
    tracker = await store.load("c1")
    assert tracker is not None and tracker.last_user is not None and tracker.last_user.text == text
    assert await store.answered("rest", "m1") == [OutboundMessage(text)]


async def test_old_replies_can_be_forgotten_and_new_ones_stay(tmp_path: Path) -> None:
    engine = database.open_engine(async_url(f"sqlite:///{tmp_path}/shop.db"))
    await database.upgrade(engine)
    store = SqlTrackerStore(engine)
    await store.commit("c1", *turn(Tracker("c1"), ev.UserUttered("old"), at=10.0), [("rest", "old")], [REPLY])
    await store.commit("c2", *turn(Tracker("c2"), ev.UserUttered("new"), at=90.0), [("rest", "new")], [REPLY])
    await store.accept(InboundMessage("c3", "still waiting", "m9"))
    assert await store.forget_replies(before=50.0) == 1
    assert (await store.answered("rest", "old"), await store.answered("rest", "new")) == (None, [REPLY])
    assert await store.forget_replies(before=time.time() + 60) == 1
    assert [m.text for m in await store.pending(time.time() + 60)] == ["still waiting"]
    await engine.dispose()
