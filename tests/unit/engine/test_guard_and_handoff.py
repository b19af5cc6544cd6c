"""What comes in is cleaned, what goes out links only to the shop; and when a waiting conversation comes back."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import events as ev
from bot.domain.message import InboundMessage, OutboundMessage
from bot.domain.tracker import Tracker, fold
from bot.engine.guard import Guard
from bot.engine.handoff import is_overdue


def cleaned(text: str, guard: Guard | None = None) -> str:
    return (guard or Guard()).clean(InboundMessage("talk", text)).text


@pytest.mark.parametrize(("text", "kept"), [
    ("  hello \n", "hello"), ("a\x00b\x07c", "abc"), ("left\u202eright", "leftright"), ("zero\u200bwidth", "zerowidth"),
    ("line\nbreak\ttab", "line\nbreak\ttab"), ("\ufeffbom", "bom"), ("Cafe\u0301", "Café"),
    ("ｆｕｌｌ", "full"), ("", ""),
    ("شكرا", "شكرا"), ("👍🏽", "👍🏽"), ("'; DROP TABLE orders; --", "'; DROP TABLE orders; --"), ("\ud83d", ""),
])
def test_what_cannot_be_seen_is_taken_out(text, kept):
    assert cleaned(text) == kept


@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(text):
    once = cleaned(text)
    assert cleaned(once) == once
    assert all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") for c in once)


@given(st.text(alphabet="ab ﷺ\u0301\x00", max_size=120))
def test_length_is_bounded_whatever_the_letters(text):
    assert len(cleaned(text, Guard(max_chars=40))) <= 40 * 18        # one ligature becomes at most eighteen letters


def test_a_huge_message_is_cut():
    assert len(cleaned("a" * 100_000)) == 4_000


def test_the_limit_holds_for_what_is_read():
    assert len(cleaned("\ufdfa" * 4_000)) <= 4_000


def test_only_the_text_is_touched():
    message = InboundMessage("talk", " hi ", "m1", "widget", "C1", "en", "/affirm")
    assert Guard().clean(message) == InboundMessage("talk", "hi", "m1", "widget", "C1", "en", "/affirm",
                                                    received_at=message.received_at)


@pytest.mark.parametrize(("text", "released"), [
    ("See https://shop.example/returns today.", "See https://shop.example/returns today."),
    ("See http://evil.example/x today.", "See  today."),
    ("See HTTPS://EVIL.example/x", "See "),
    ("Click javascript:alert(1) now", "Click  now"),
    ("[here](https://evil.example/a) ok", "[here]() ok"),
    ("https://shop.example.evil.example/x", ""),
    ("https://shop.example@evil.example/x", ""),
    ("no links at all", "no links at all"),
])
def test_replies_link_only_to_the_shop(text, released):
    guard = Guard(link_hosts=frozenset({"shop.example"}))
    (reply,) = guard.release([OutboundMessage(text)])
    assert reply.text == released


def test_a_broken_link_is_no_reason_to_say_nothing():
    (reply,) = Guard().release([OutboundMessage("Look: http://a.example:99999/x and http://[not-an-address done")])
    assert reply.text.startswith("Look:")


# --- handoff ---------------------------------------------------------------------------------------------------------

def waiting(*events: ev.Event) -> Tracker:
    return fold("talk", [ev.Stamped(n, 100.0 * n, event) for n, event in enumerate(events, 1)])


ASKED, JOINED = ev.HandoffRequested("asked"), ev.AgentJoined("Ida")


@pytest.mark.parametrize(("events", "now", "overdue"), [
    ((), 99_999.0, False),
    ((ASKED,), 160.0, False), ((ASKED,), 161.0, True),
    ((ASKED, JOINED), 700.0, False), ((ASKED, JOINED), 701.0, True),
    ((ASKED, JOINED, ev.AgentUttered("hi")), 701.0, False),
    ((ASKED, JOINED, ev.HandoffEnded("agent")), 99_999.0, False),
])
def test_a_wait_is_over_after_its_time(events, now, overdue):
    assert is_overdue(waiting(*events), now, queue_timeout=60.0, agent_timeout=500.0) is overdue


def test_a_customer_who_writes_on_and_on_is_not_left_alone_by_a_silent_person():
    tracker = waiting(ASKED, JOINED, ev.UserUttered("hello?"), ev.UserUttered("anybody?"), ev.UserUttered("hello??"))
    assert is_overdue(tracker, 701.0, queue_timeout=60.0, agent_timeout=500.0)
