"""The form of *rephrase*: one act with its facts, the customer's last message, mood and tone → what is said.

    rephrase en
    tone: warm
    mood: annoyed
    after: -
    customer: please cancel my order, i found it cheaper
    act: done_cancel_order
    order_number: <v0> #W5918442
    refund: <v1> $54.10

A fact's tag is its place among the facts the response may have, whether or not the ones before it are there: so it is
the same in every prompt of that response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.llm.spans import MOST, TAG, Marked, tag

TONES = ("warm", "brief", "formal")
MOODS = ("neutral", "happy", "annoyed", "worried", "hurried")
NOTHING = "-"
_SHOWN = 48  # characters of a value
_MESSAGE = 160


@dataclass(frozen=True, slots=True)
class Saying:
    """What one act has to say. `facts`: name → text as the customer reads it; `names`: every fact its texts may speak
    of, in their order (those of `facts` where it is empty); `after`: the act said before it."""

    response: str
    facts: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    mood: str = "neutral"
    tone: str = "warm"
    after: str = ""
    language: str = "en"
    names: tuple[str, ...] = ()


def render(saying: Saying) -> Marked:
    """The prompt, with a tag for every fact. ValueError for more facts than there are tags."""
    values: dict[str, str] = {}
    lines = [
        f"rephrase {saying.language}",
        f"tone: {saying.tone}",
        f"mood: {saying.mood}",
        f"after: {short(saying.after) or NOTHING}",
        f"customer: {shown(saying.message, _MESSAGE) or NOTHING}",
        f"act: {short(saying.response)}",
    ]
    for place, name in enumerate(saying.names or tuple(saying.facts)):
        if name not in saying.facts:
            continue
        if place >= MOST:
            raise ValueError(f"{saying.response}: more facts than tags")
        values[tag(place)] = saying.facts[name]
        lines.append(f"{name}: {tag(place)} {shown(saying.facts[name])}")
    return Marked("\n".join(lines), values)


def short(response: str) -> str:
    return response.removeprefix("utter_")


def shown(value: str, limit: int = _SHOWN) -> str:
    """A value as the model sees it: on one line, cut, and without anything that reads as a tag."""
    plain = re.sub(r"<\|[^|]*\|>", " ", TAG.sub(" ", value))
    line = " / ".join(" ".join(part.split()) for part in plain.strip().split("\n"))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
