"""The books of the soak: each fault they must find is found, and what is no fault is none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.domain import events as ev
from bot.domain.tracker import fold, snapshot
from tests.soak.evidence import Finding, Ledger, Stored, tagged, weigh

NAME = "c"


@dataclass
class ADoor:
    conversation_id: str = NAME
    channel: str = "rest"
    seen: dict[int, Any] = field(default_factory=dict)
    doubles: list[int] = field(default_factory=list)

    def message_id(self, client_id: str) -> str:
        return f"{NAME}/{client_id}"

    async def deliver(self, client_id: str, text: str) -> None: ...

    async def close(self) -> None: ...


def heard(*numbers: int) -> ev.UserUttered:
    return ev.UserUttered("\n".join(tagged("hello", 0, n) for n in numbers), f"{NAME}/c0n{numbers[-1]}")


def weighed(events: list[ev.Event], sent: int = 2, *, replies: dict[int, list[str]] | None = None,
            changed: dict[str, Any] | None = None, shown: range | None = None) -> dict[str, int]:
    """The faults of one conversation with these events, two messages sent one after the other."""
    names = [f"c0n{n}" for n in range(sent)]
    ledger = Ledger({NAME: names}, {name: frozenset(names[:n]) for n, name in enumerate(names)}, set(names))
    stamped = [ev.Stamped(n, 1.0, event) for n, event in enumerate(events, 1)]
    state = json.loads(json.dumps(snapshot(fold(NAME, stamped)))) | (changed or {})
    kept = replies if replies is not None else {n: [f"re {n}"] for n in range(sent)}
    inbox = {("rest", f"{NAME}/c0n{n}"): json.dumps([{"text": text} for text in texts]) for n, texts in kept.items()}
    said = {s.seq: {"text": s.event.text} for s in stamped if isinstance(s.event, ev.UserUttered | ev.BotUttered)}
    door = ADoor(seen={seq: frame for seq, frame in said.items() if shown is None or seq in shown})
    finding: Finding = weigh(ledger, [door], (), Stored({NAME: stamped}, {NAME: state}, inbox))
    return finding.faults


GOOD: list[ev.Event] = [ev.SessionStarted(), heard(0), ev.BotUttered("re 0"), heard(1), ev.BotUttered("re 1")]


def test_two_messages_and_their_answers_are_no_fault() -> None:
    assert weighed(GOOD) == {}


def test_a_burst_answered_as_one_is_no_fault() -> None:
    assert weighed([ev.SessionStarted(), heard(0, 1), ev.BotUttered("both")], replies={0: ["both"], 1: ["both"]}) == {}


def test_silence_while_a_person_has_the_conversation_is_no_fault() -> None:
    events = [ev.SessionStarted(), heard(0), ev.HandoffRequested("asked"), ev.BotUttered("re 0"), heard(1)]
    assert weighed(events, replies={0: ["re 0"], 1: []}) == {}


@pytest.mark.parametrize(("events", "replies", "fault"), [
    (GOOD[:3], {0: ["re 0"]}, "lost"),
    ([*GOOD, heard(1), ev.BotUttered("re 1")], None, "twice"),
    ([*GOOD, heard(7), ev.BotUttered("re 7")], None, "unexpected"),
    ([*GOOD[:4]], {0: ["re 0"], 1: []}, "unanswered"),
    (GOOD, {0: ["re 0"], 1: ["something else"]}, "wrong_reply"),
    (GOOD, {0: ["re 0"]}, "wrong_reply"),
    ([GOOD[0], *GOOD[3:], *GOOD[1:3]], None, "overtaken"),
    ([*GOOD, ev.TurnFailed("e1")], None, "apologies")])
def test_each_fault_of_the_turns_is_found(events: list[ev.Event], replies: dict[int, list[str]] | None, fault: str) -> None:
    assert fault in weighed(events, replies=replies)


def test_a_snapshot_that_is_not_the_fold_of_its_events_is_found() -> None:
    assert set(weighed(GOOD, changed={"turns": 9})) == {"other_state"}


def test_a_message_that_a_looker_on_was_never_shown_is_found() -> None:
    assert set(weighed(GOOD, shown=range(2, 5))) == {"not_shown"}
