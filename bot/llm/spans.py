"""Pointing instead of spelling: values in a prompt carry a tag, the reply holds tags, and the tags are filled.

    order_number: <v7> #W5918442        in the prompt
    I've cancelled order <v7> for you.  what the model writes

A small model copies a tag without fail, where it would misspell a name it never saw. `Rules` finds the values of
prompts that nobody marked: it learns from examples which stretches between delimiters are copied into replies.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

MOST = 32  # tags in one prompt: <v0> … <v31>
TAG = re.compile(r"<v(\d{1,2})>")
_OPENERS, _CLOSERS = "=:[(\"|>", ";,)]\"|\n<"
_EDGE = r"(?<![^\W_])", r"(?![^\W_])"


class UnknownTag(ValueError):
    """A reply points at a value that its prompt does not have."""


class Marked(NamedTuple):
    """A prompt with tags, and the value behind each."""

    text: str
    values: dict[str, str]


def tag(number: int) -> str:
    return f"<v{number}>"


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its tags replaced. Raises UnknownTag for a tag that no value has."""

    def value(match: re.Match[str]) -> str:
        if match[0] not in values:
            raise UnknownTag(match[0])
        return values[match[0]]

    return TAG.sub(value, text)


def point(target: str, values: Mapping[str, str]) -> str:
    """The target with the values that stand in it, as whole words and the longest first, replaced by their tags."""
    for name, value in sorted(values.items(), key=lambda item: -len(item[1])):
        if value.strip():
            target = re.sub(_EDGE[0] + re.escape(value) + _EDGE[1], name, target)
    return target


class Numbers:
    """Hands out tags, each once: in order, or shuffled so that a model learns to point and not to count."""

    def __init__(self, shuffle: random.Random | None = None) -> None:
        self._free = list(range(MOST))
        if shuffle is not None:
            shuffle.shuffle(self._free)

    def next(self) -> str | None:
        """A tag, or None when all are taken."""
        return tag(self._free.pop(0)) if self._free else None


@dataclass(frozen=True)
class Rules:
    """Which stretches of a prompt are values: those after a learned opening, up to a learned closing delimiter.

    `pairs` are (opener, closer) characters; `keys` the words before an opener whose values are copied into replies
    often enough to be pointed at. A stretch under any other key stays plain text.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    keys: frozenset[str] = frozenset()

    def mark(self, prompt: str, shuffle: random.Random | None = None) -> Marked:
        """The prompt with a tag before each value; one that is tagged already is left alone."""
        if TAG.search(prompt):
            return Marked(prompt, {})
        numbers, values, pieces, end = Numbers(shuffle), dict[str, str](), list[str](), 0
        for key, start, stop in _stretches(prompt, self.pairs):
            value = prompt[start:stop]
            if key not in self.keys or not value.strip() or (name := numbers.next()) is None:
                continue
            pieces += [prompt[end:start], name, " "]
            values[name], end = value.strip(), start
        return Marked("".join([*pieces, prompt[end:]]), values)

    @staticmethod
    def learn(examples: Iterable[tuple[str, str]], share: float = 0.3, least: int = 20) -> Rules:
        """From (prompt, reply) pairs: delimiters that bound at least `least` copied stretches, and their keys.

        `share`: the part of a key's values that must stand word for word in the reply.
        """
        pairs = list(examples)
        bounds = _bounds(pairs, least)
        seen, copied = Counter[str](), Counter[str]()
        for prompt, reply in pairs:
            for key, start, stop in _stretches(prompt, bounds):
                value = prompt[start:stop].strip()
                seen[key] += 1
                copied[key] += bool(value) and _stands_in(value, reply)
        keys = frozenset(k for k, n in seen.items() if copied[k] >= max(share * n, 2))
        return Rules(bounds, keys)

    def to_json(self) -> dict[str, Any]:
        return {"version": 1, "pairs": [list(p) for p in self.pairs], "keys": sorted(self.keys)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Rules:
        return Rules(tuple((str(a), str(b)) for a, b in data["pairs"]), frozenset(map(str, data["keys"])))


def _stands_in(value: str, reply: str) -> bool:
    return re.search(_EDGE[0] + re.escape(value) + _EDGE[1], reply) is not None


def _bounds(examples: Sequence[tuple[str, str]], least: int) -> tuple[tuple[str, str], ...]:
    """(opener, closer) between which values are copied often: each candidate pair is counted by itself."""
    counts = Counter[tuple[str, str]]()
    for prompt, reply in examples[:5000]:
        for match in re.finditer(f"([{re.escape(_OPENERS)}])([^{re.escape(_CLOSERS)}]+)([{re.escape(_CLOSERS)}]|$)", prompt):
            value = match[2].strip()
            if value and _stands_in(value, reply):
                counts[match[1], match[3] or "\n"] += 1
    most = max(counts.values(), default=0)
    return tuple(sorted(p for p, n in counts.items() if n >= max(least, most / 10)))


def _stretches(prompt: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, int, int]]:
    """(key, start, end) of every stretch between an opener and the nearest of its closers, left to right."""
    closers: dict[str, str] = {}
    for opener, closer in pairs:
        closers[opener] = closers.get(opener, "") + closer
    found, at = list[tuple[str, int, int]](), 0
    while at < len(prompt):
        if prompt[at] not in closers:
            at += 1
            continue
        ends = [e for c in closers[prompt[at]] if (e := prompt.find(c, at + 1)) >= 0]
        stop = min(ends, default=len(prompt))
        start = at + 1
        while start < stop and prompt[start].isspace():
            start += 1
        key = re.search(r"[^\W\d_][\w.-]*\s*$", prompt[:at])
        found.append((key[0].strip() if key else "", start, stop))
        at = stop if start < stop else at + 1
    return found
