"""A customer's part of a conversation, as data (YAML): what they say by themselves, and what they say when asked.

    id: "12"
    opening: ["hi, …", "…"]              said first, one after the other
    answers:                              by what the assistant asks for (`custom.requested_slot`)
      identity: ["Ana Ruiz, 1 2345"]      taken in order; the last one may be said three times in all
      payment_method:
        - {if: "lamp", say: "paypal"}     only where the assistant's words, cards or response names match; `unless` is
                                          the opposite
        - "the card"
    changes:                              said instead of the answer to a confirmation, each once
      - {at: 1, say: "wait, only the lamp"}        at the n-th confirmation
      - {if: "bottle", say: "not the bottle"}      matched against the card alone, where there is one
    then: ["and now …"]                   said when nothing is asked any more; `if`/`unless` skip one that does not fit
    on_response:                          once each, when one of these was said (wildcards allowed)
      "utter_refused*": "then forget it"

`clarify` (two readings, as buttons) and `offer` (something else instead) are asked for by no slot; an offer without an
answer is passed over.

It knows nothing of HTTP or of what the right outcome is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

SLOTS = ("identity", "order", "items", "options", "payment_method", "reason", "address", "confirmation", "remedy", "either",
         "clarify", "offer")
FALLBACKS = {"confirmation": "yes", "clarify": "the first one", "": "I don't know, you tell me"}
REPEATS = 3                               # how often the last answer may be said
FALLBACK_LIMIT = 3                        # unanswered questions in a row after which the customer gives up


@dataclass(frozen=True)
class Line:
    """One thing to say, with when it fits. `pattern` and `unless` are searched without regard to case."""

    say: str
    pattern: str = ""
    unless: str = ""
    at: int = 0

    def fits(self, heard: str) -> bool:
        return (not self.pattern or re.search(self.pattern, heard, re.I | re.S) is not None) and (
            not self.unless or re.search(self.unless, heard, re.I | re.S) is None)


@dataclass(frozen=True)
class Script:
    id: str
    opening: tuple[Line, ...]
    answers: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)
    changes: tuple[Line, ...] = ()
    then: tuple[Line, ...] = ()
    on_response: tuple[tuple[str, Line], ...] = ()


@dataclass(frozen=True)
class Heard:
    """What one turn of the assistant amounts to."""

    texts: tuple[str, ...] = ()
    cards: str = ""                       # the confirmation cards as text
    responses: tuple[str, ...] = ()
    asked: str = ""                       # a slot of SLOTS, or ""

    @property
    def words(self) -> str:
        """Everything a condition may look at: what was said, the cards, the responses' names."""
        return "\n".join((*self.texts, self.cards, *self.responses))


def read_script(path: Path) -> Script:
    """Raises ValueError naming the file and the key that is wrong."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = set(data) - {"id", "opening", "answers", "changes", "then", "on_response"}
    unknown |= set(data.get("answers") or {}) - set(SLOTS)
    if unknown:
        raise ValueError(f"{path}: unknown {', '.join(sorted(unknown))}")
    return Script(id=str(data["id"]), opening=_lines(data["opening"]), changes=_lines(data.get("changes")),
                  answers={slot: _lines(lines) for slot, lines in (data.get("answers") or {}).items()},
                  then=_lines(data.get("then")),
                  on_response=tuple((pattern, line) for pattern, lines in (data.get("on_response") or {}).items()
                                    for line in _lines(lines)))


def _lines(value: Any) -> tuple[Line, ...]:
    items: Sequence[Any] = [] if value is None else value if isinstance(value, list) else [value]
    return tuple(Line(item["say"], item.get("if", ""), item.get("unless", ""), int(item.get("at", 0)))
                 if isinstance(item, dict) else Line(str(item)) for item in items)


class Customer:
    """Says a script's lines. `notes` tells where the script had no answer."""

    def __init__(self, script: Script) -> None:
        self.notes: list[str] = []
        self._script = script
        self._opening, self._then, self._changes = list(script.opening), list(script.then), list(script.changes)
        self._reactions = list(script.on_response)
        self._answers = {slot: list(lines) for slot, lines in script.answers.items()}
        self._repeated: dict[tuple[str, str], int] = {}
        self._confirmations = self._unanswered = 0

    def next(self, heard: Heard) -> str | None:
        """What to say to that; None when there is nothing more to say."""
        if self._opening:
            return self._opening.pop(0).say
        if heard.asked == "confirmation":
            self._confirmations += 1
        said = self._reaction(heard) or self._change(heard) or self._answer(heard)
        if said is not None:
            return said
        return self._topic(heard) if heard.asked in ("", "offer") else self._fallback(heard)

    def _reaction(self, heard: Heard) -> str | None:
        for pattern, line in self._reactions:
            if any(fnmatchcase(name, pattern) for name in heard.responses) and line.fits(heard.words):
                self._reactions.remove((pattern, line))
                return line.say
        return None

    def _change(self, heard: Heard) -> str | None:
        if heard.asked != "confirmation":
            return None
        for line in self._changes:
            if line.at in (0, self._confirmations) and line.fits(heard.cards or heard.words):
                self._changes.remove(line)
                return line.say
        return None

    def _answer(self, heard: Heard) -> str | None:
        lines = self._answers.get(heard.asked, [])
        fitting = [line for line in lines if line.fits(heard.words)]
        fitting.sort(key=lambda line: not (line.pattern or line.unless))     # the particular before the general
        if not fitting:
            return None
        line, left = fitting[0], len(fitting) > 1
        said = self._repeated[heard.asked, line.say] = self._repeated.get((heard.asked, line.say), 0) + 1
        if left or said >= REPEATS:
            lines.remove(line)
        self._unanswered = 0
        return line.say

    def _fallback(self, heard: Heard) -> str | None:
        self._unanswered += heard.asked != "confirmation"
        if self._unanswered > FALLBACK_LIMIT:
            self.notes.append("gave up: asked again and again")
            return None
        if heard.asked != "confirmation":
            self.notes.append(f"no answer for {heard.asked}")
        return FALLBACKS.get(heard.asked, FALLBACKS[""])

    def _topic(self, heard: Heard) -> str | None:
        while self._then:
            line = self._then.pop(0)
            if line.fits(heard.words):
                return line.say
        return None
