"""The notation phrasings are written in: `(a|b|)` one of, `[x]` may be left out, nesting allowed, `\\(` a bracket.

`{fact}` is left in for whoever knows the facts.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import lru_cache

_CLOSES = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences; a sequence is made of texts and choices."""

    ways: tuple[tuple[str | Choice, ...], ...]


Parts = tuple["str | Choice", ...]


class NotGrammar(ValueError):
    """A phrasing that cannot be read: a bracket without its partner."""


def expand(text: str, rng: random.Random) -> str:
    """One of the texts a phrasing stands for; spaces that an empty alternative leaves behind are closed up."""
    return _tidy("".join(_draw(parse(text), rng)))


def count(text: str) -> int:
    """How many different ways through a phrasing there are."""
    return _count(parse(text))


@lru_cache(maxsize=100_000)
def parse(text: str) -> Parts:
    """Raises NotGrammar."""
    sequence, at = _sequence(text, 0, "")
    if at != len(text):
        raise NotGrammar(f"'{text}': a '{text[at]}' too many at {at}")
    return sequence


def _sequence(text: str, at: int, until: str) -> tuple[Parts, int]:
    parts: list[str | Choice] = []
    plain = ""
    while at < len(text) and text[at] not in ("|)]" if until else ")]"):
        if text[at] == "\\" and text[at + 1 : at + 2] in tuple("()[]|\\"):
            plain, at = plain + text[at + 1], at + 2
        elif text[at] in _CLOSES:
            choice, at = _choice(text, at)
            parts += [plain, choice] if plain else [choice]
            plain = ""
        else:
            plain, at = plain + text[at], at + 1
    return (*parts, plain) if plain else tuple(parts), at


def _choice(text: str, at: int) -> tuple[Choice, int]:
    opened, close = at, _CLOSES[text[at]]
    ways: list[Parts] = [()] if close == "]" else []
    while True:
        way, at = _sequence(text, at + 1, close)
        ways.append(way)
        if at >= len(text) or text[at] != "|":
            break
    if at >= len(text) or text[at] != close:
        raise NotGrammar(f"'{text}': the '{text[opened]}' at {opened} is not closed")
    return Choice(tuple(ways)), at + 1


def _draw(sequence: Parts, rng: random.Random) -> list[str]:
    pieces: list[str] = []
    for part in sequence:
        pieces += [part] if isinstance(part, str) else _draw(rng.choice(part.ways), rng)
    return pieces


def _count(sequence: Parts) -> int:
    ways = 1
    for part in sequence:
        if isinstance(part, Choice):
            ways *= sum(_count(way) for way in part.ways)
    return ways


def _tidy(text: str) -> str:
    text = re.sub(r" {2,}", " ", text)
    text = re.sub(r" +([.,!?])", r"\1", text)
    return "\n".join(line.strip() for line in text.split("\n"))
