"""Whole turns on the in-memory store: bursts, duplicates, order, failures, and a person who takes over."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.domain import commands as cmd
from bot.domain import events as ev
from bot.domain.message import OutboundMessage
from bot.domain.tracker import Mode, fold, snapshot
from bot.engine.inbox import KEEP_AFTER_S, Inbox, merge
from bot.ports import StaleTracker
from bot.stores.locks import ProcessLock
from tests.unit.engine.desk_flows import Counter, message

LOOK = (cmd.StartFlow("look"),)
FETCH = (cmd.StartFlow("fetch"),)


@pytest.fixture
def counter() -> Counter:
    counter = Counter()
    counter.reader.script |= {
        "look": LOOK, "look\nlook": LOOK, "fetch": FETCH, "attic": (cmd.SetSlot("place", "attic"),),
        "crash": (cmd.StartFlow("circle"),), "person": (cmd.HumanHandoff("asked"),)}
    return counter


@pytest.fixture
def inbox(counter) -> Inbox:
    return Inbox(counter.engine(), counter.store, ProcessLock())


def texts(reply: tuple[OutboundMessage, ...]) -> list[str]:
    return [bubble.text for bubble in reply]


# --- one message after the other -------------------------------------------------------------------------------------

async def test_a_conversation_goes_on_where_it_was(counter, inbox):
    asked = await inbox.receive(message("fetch"))
    assert texts(asked) == ["Where?"]
    assert asked[-1].custom["requested_slot"] == "place"
    await inbox.receive(message("attic"))
    assert counter.actions.ran == ["action_fetch"]


async def test_the_stored_tracker_is_the_fold_over_the_stored_events(counter, inbox):
    for text in ("fetch", "look", "attic", "nonsense", "crash"):
        await inbox.receive(message(text))
    events = await counter.store.events("talk")
    assert [s.seq for s in events] == list(range(1, len(events) + 1))
    assert snapshot(fold("talk", events)) == snapshot(await counter.tracker())


async def test_what_was_heard_understood_and_said_stands_in_the_events(counter, inbox):
    await inbox.receive(message("look", "m1", channel="widget"))
    kinds = {type(s.event): s.event for s in await counter.store.events("talk")}
    heard = kinds[ev.UserUttered]
    assert (heard.text, heard.message_id, heard.channel) == ("look", "m1", "widget")
    assert [c["name"] for c in heard.commands] == ["StartFlow"]
    assert kinds[ev.BotUttered].data["custom"]["responses"] == ["utter_did"]
    assert kinds[ev.SessionStarted].channel == "widget"


async def test_a_channel_that_knows_the_customer_says_so_once(counter, inbox):
    for _ in range(2):
        await inbox.receive(message("look", customer_id="C7"))
    events = [s.event for s in await counter.store.events("talk")]
    assert [e.customer_id for e in events if isinstance(e, ev.CustomerIdentified)] == ["C7"]


async def test_what_is_read_has_been_cleaned(counter, inbox):
    await inbox.receive(message(" lo\x00ok \u202e"))
    assert counter.reader.heard == ["look"]


# --- the same message twice, several at once -------------------------------------------------------------------------

async def test_the_same_message_again_gets_the_same_reply_and_does_nothing_twice(counter, inbox):
    first = await inbox.receive(message("look", "m1"))
    again = await inbox.receive(message("look", "m1"))
    assert texts(again) == texts(first)
    assert counter.actions.ran == ["action_look"]


async def test_a_message_without_an_id_is_a_new_one(counter, inbox):
    for _ in range(2):
        await inbox.receive(message("look"))
    assert counter.actions.ran == ["action_look"] * 2


async def test_the_same_message_twice_at_the_same_time_is_one(counter, inbox):
    first, again = await asyncio.gather(*(inbox.receive(message("look", "m1")) for _ in range(2)))
    assert counter.actions.ran == ["action_look"]
    assert texts(first) == texts(again)


async def test_a_burst_gets_one_reply_and_its_words_are_read_in_order(counter, inbox):
    held = asyncio.Event()

    async def slow() -> tuple[cmd.Command, ...]:
        await held.wait()
        return LOOK

    counter.reader.script["slow"] = slow
    first = asyncio.create_task(inbox.receive(message("slow", "m1")))
    await asyncio.sleep(0.01)
    words = enumerate(["one", "two", "three"])
    burst = [asyncio.create_task(inbox.receive(message(text, f"b{n}"))) for n, text in words]
    await asyncio.sleep(0.01)
    held.set()
    assert texts(await first)
    replies = [await task for task in burst]
    assert counter.reader.heard == ["slow", "one\ntwo\nthree"]
    assert [bool(r) for r in replies] == [True, False, False]
    assert texts(await inbox.receive(message("one", "b0"))) == texts(replies[0])
    assert counter.reader.heard == ["slow", "one\ntwo\nthree"]


async def test_other_conversations_do_not_wait(counter, inbox):
    held = asyncio.Event()

    async def slow() -> tuple[cmd.Command, ...]:
        await held.wait()
        return LOOK

    counter.reader.script["slow"] = slow
    waiting = asyncio.create_task(inbox.receive(message("slow")))
    await asyncio.sleep(0)
    other = message("look")
    reply = await asyncio.wait_for(inbox.receive(type(other)("other talk", "look")), 1)
    assert texts(reply)
    held.set()
    await waiting


async def test_many_at_once_are_all_answered_once(counter, inbox):
    replies = await asyncio.gather(*(inbox.receive(message("look", f"m{n}")) for n in range(30)))
    heard = "\n".join(counter.reader.heard).split("\n")
    assert len(heard) == 30
    assert sum(bool(r) for r in replies) == len(counter.reader.heard)
    assert [s.seq for s in await counter.store.events("talk")] == list(range(1, (await counter.tracker()).seq + 1))


def test_a_merged_burst_keeps_words_and_who_it_was_but_no_button():
    merged = merge([message("return the boots", "m1", customer_id="C1"), message("", "m2", payload="/affirm"),
                    message("no wait", "m3")])
    assert (merged.text, merged.payload, merged.customer_id) == ("return the boots\nno wait", None, "C1")
    alone = message("", payload="/affirm")
    assert merge([alone]) == alone


# --- when something fails --------------------------------------------------------------------------------------------

async def test_a_failed_turn_is_answered_and_keeps_what_was_under_way(counter, inbox):
    await inbox.receive(message("fetch"))
    (apology,) = await inbox.receive(message("crash"))
    error_id, error = counter.watcher.failures[0]
    assert error_id in apology.text
    assert "circle" in str(error)
    assert "circle" not in apology.text
    tracker = await counter.tracker()
    assert [f.flow for f in tracker.stack] == ["fetch"]
    counter.actions.ran.clear()
    await inbox.receive(message("attic"))
    assert counter.actions.ran == ["action_fetch"]


async def test_a_reader_that_fails_is_apologised_for_too(counter, inbox):
    async def broken() -> tuple[cmd.Command, ...]:
        raise ValueError("no model")

    counter.reader.script["hm"] = broken
    (apology,) = await inbox.receive(message("hm", "m1"))
    assert apology.custom["responses"] == ["utter_internal_error"]
    assert texts(await inbox.receive(message("hm", "m1"))) == [apology.text]


class StaleAtFirst:
    """A store to which somebody else was faster, a number of times."""

    def __init__(self, counter: Counter, times: int) -> None:
        self._store, self.left = counter.store, times

    async def commit(self, *args, **kwargs) -> None:
        if self.left:
            self.left -= 1
            raise StaleTracker("talk")
        await self._store.commit(*args, **kwargs)

    def __getattr__(self, name: str):
        return getattr(self._store, name)


async def test_a_turn_that_lost_the_race_is_read_again(counter):
    counter.store = StaleAtFirst(counter, 2)
    reply = await Inbox(counter.engine(), counter.store, ProcessLock()).receive(message("look", "m1"))
    assert texts(reply)
    assert sum(isinstance(s.event, ev.UserUttered) for s in await counter.store.events("talk")) == 1


async def test_a_race_lost_for_ever_is_an_error_and_nobody_waits_on(counter):
    counter.store = StaleAtFirst(counter, 99)
    inbox = Inbox(counter.engine(), counter.store, ProcessLock())
    results = await asyncio.gather(*(inbox.receive(message("look", f"m{n}")) for n in range(3)), return_exceptions=True)
    assert all(isinstance(r, StaleTracker) for r in results)
    counter.store.left = 0
    assert texts(await inbox.receive(message("look", "m9")))


async def one_leaves_another_stays(counter: Counter, inbox: Inbox) -> tuple[OutboundMessage, ...]:
    """Two messages wait for a running turn; the sender of the first goes away. What the second is answered."""
    held = asyncio.Event()

    async def slow() -> tuple[cmd.Command, ...]:
        await held.wait()
        return LOOK

    counter.reader.script["slow"] = slow
    first = asyncio.create_task(inbox.receive(message("slow")))
    await asyncio.sleep(0.01)
    gone, stays = (asyncio.create_task(inbox.receive(message("look", f"m{n}"))) for n in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    held.set()
    await first
    await asyncio.gather(gone, return_exceptions=True)
    return await asyncio.wait_for(stays, 1)


async def test_a_visitor_who_leaves_does_not_stop_the_others(counter, inbox):
    await one_leaves_another_stays(counter, inbox)
    assert texts(await asyncio.wait_for(inbox.receive(message("look", "m5")), 1))


async def test_the_reply_of_a_burst_reaches_who_is_still_there(counter, inbox):
    assert texts(await one_leaves_another_stays(counter, inbox))


async def test_a_message_another_process_answered_meanwhile_gets_that_answer(counter):
    """Two processes resume the same message: the slower one finds it answered when it wants to commit."""
    slower = Inbox(counter.engine(), counter.store, ProcessLock())
    faster = Inbox(counter.engine(), counter.store, ProcessLock())
    held = asyncio.Event()

    async def slow() -> tuple[cmd.Command, ...]:
        if not held.is_set():
            held.set()
            await faster.receive(message("slow", "m1"))
        return LOOK

    counter.reader.script["slow"] = slow
    reply = await slower.receive(message("slow", "m1"))
    assert texts(reply)
    assert sum(isinstance(s.event, ev.UserUttered) for s in await counter.store.events("talk")) == 1


# --- kept before they are answered ------------------------------------------------------------------------------------

async def test_a_quick_turn_keeps_its_message_by_its_own_commit(counter, inbox):
    told: list[str] = []

    async def kept() -> None:
        told.append("kept")

    await inbox.receive(message("look", "m1"), on_kept=kept)
    await asyncio.sleep(KEEP_AFTER_S + 0.1)
    assert told == []
    assert await counter.store.pending(time.time() + 60) == []


async def test_a_slow_turn_has_its_message_kept_first_and_says_so_once(counter, inbox):
    held, kept = asyncio.Event(), asyncio.Event()

    async def slow() -> tuple[cmd.Command, ...]:
        await held.wait()
        return LOOK

    async def tell() -> None:
        assert not kept.is_set()
        kept.set()

    counter.reader.script["slow"] = slow
    turn = asyncio.create_task(inbox.receive(message("slow", "m1"), on_kept=tell))
    await asyncio.wait_for(kept.wait(), 5)
    assert [m.text for m in await counter.store.pending(time.time() + 60)] == ["slow"]
    held.set()
    assert texts(await turn)
    assert await counter.store.pending(time.time() + 60) == []


async def test_what_a_process_that_died_had_accepted_is_answered_once_by_the_next(counter, inbox):
    for number, text in enumerate(("look", "fetch")):
        await counter.store.accept(message(text, f"m{number}"))
    counter.reader.script["look\nfetch"] = LOOK
    assert await inbox.resume(time.time() + 60) == 2
    assert await counter.store.answered("rest", "m0") and await counter.store.answered("rest", "m1")
    assert await inbox.resume(time.time() + 60) == 0
    assert counter.actions.ran == ["action_look"]


async def test_what_was_accepted_before_a_crash_is_not_overtaken_by_what_comes_after(counter, inbox):
    await counter.store.accept(message("fetch", "m1"))
    counter.reader.script["fetch\nlook"] = LOOK
    assert texts(await inbox.receive(message("look", "m2")))
    assert counter.reader.heard == ["fetch\nlook"]
    assert await counter.store.pending(time.time() + 60) == []
    assert await counter.store.answered("rest", "m1") == await counter.store.answered("rest", "m2")


# --- a person --------------------------------------------------------------------------------------------------------

async def test_the_assistant_is_silent_while_a_person_is_wanted(counter, inbox):
    assert texts(await inbox.receive(message("person"))) == ["You are in the queue."]
    assert await inbox.receive(message("look")) == ()
    assert counter.actions.ran == ["action_queue"]
    assert (await counter.tracker()).mode is Mode.QUEUED


async def test_when_nobody_comes_the_assistant_says_so_and_helps(counter, inbox):
    await inbox.receive(message("person"))
    counter.clock.time += 601
    reply = texts(await inbox.receive(message("look")))
    assert reply[0] == "Nobody came."
    assert counter.actions.ran[-1] == "action_look"
    assert (await counter.tracker()).mode is Mode.BOT
