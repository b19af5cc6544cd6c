"""The form of *rephrase*: one act with its facts, the customer's last message, mood and tone → what is said.

    rephrase en
    tone: warm
    mood: annoyed
    after: -
    customer: please cancel my order, i found it cheaper
    act: done_cancel_order
    order_number: <v7> #W5918442
    refund: <v21> $54.10
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.llm.spans import TAG, Marked, Numbers

TONES = ("warm", "brief", "formal")
MOODS = ("neutral", "happy", "annoyed", "worried", "hurried")
NOTHING = "-"
_SHOWN = 48  # characters of a value
_MESSAGE = 160


@dataclass(frozen=True, slots=True)
class Saying:
    """What one act has to say. `facts`: name → text as the customer reads it; `after`: the act said before it."""

    response: str
    facts: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    mood: str = "neutral"
    tone: str = "warm"
    after: str = ""
    language: str = "en"


def render(saying: Saying, numbers: Numbers | None = None) -> Marked:
    """The prompt, with a tag for every fact. ValueError for more facts than there are tags."""
    numbers = numbers or Numbers()
    values: dict[str, str] = {}
    lines = [
        f"rephrase {saying.language}",
        f"tone: {saying.tone}",
        f"mood: {saying.mood}",
        f"after: {short(saying.after) or NOTHING}",
        f"customer: {shown(saying.message, _MESSAGE) or NOTHING}",
        f"act: {short(saying.response)}",
    ]
    for name, value in saying.facts.items():
        tag = numbers.next()
        if tag is None:
            raise ValueError(f"{saying.response}: more facts than tags")
        values[tag] = value
        lines.append(f"{name}: {tag} {shown(value)}")
    return Marked("\n".join(lines), values)


def short(response: str) -> str:
    return response.removeprefix("utter_")


def shown(value: str, limit: int = _SHOWN) -> str:
    """A value as the model sees it: on one line, cut, and without anything that reads as a tag."""
    plain = re.sub(r"<\|[^|]*\|>", " ", TAG.sub(" ", value))
    line = " / ".join(" ".join(part.split()) for part in plain.strip().split("\n"))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
