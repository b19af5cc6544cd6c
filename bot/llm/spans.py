"""Pointing instead of spelling: values in a prompt carry a tag, the reply holds tags, and the tags are filled.

    order_number: <v7> #W5918442        in the prompt
    I've cancelled order <v7> for you.  what the model writes

A small model copies a tag without fail, where it would misspell a name it never saw. `Rules` finds the values of
prompts that nobody marked: it learns from examples which stretches between delimiters are copied into replies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

MOST = 32  # tags in one prompt: <v0> … <v31>
TAG = re.compile(r"<v(\d{1,2})>")
_OPENERS, _CLOSERS = "=:[(\"|>", ";,)]\"|\n<"
_EDGE = r"(?<![^\W_])", r"(?![^\W_])"
_KEY = re.compile(r"""([^\W\d_][\w.-]*)["']?\s*$""")  # the word before an opener
_KEY_LENGTH = 60
_LOOKED_AT = 1500  # examples that decide about delimiters
_WORTH = 1.02  # a further delimiter must have this much more copied
_OFTEN, _HARDLY = 5, 0.15  # a value met so often, and repeated in fewer replies than that, is never pointed at


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
    """The target with the values that stand in it, as whole words and the longest first, replaced by their tags.

    Where several tags have the same value, its mentions take them in turn.
    """
    names: dict[str, list[str]] = {}
    for name, value in values.items():
        if value.strip():
            names.setdefault(value.strip(), []).append(name)
    if not names:
        return target
    longest_first = "|".join(re.escape(value) for value in sorted(names, key=len, reverse=True))

    def pointed(match: re.Match[str]) -> str:
        free = names.get(match[0])
        if free is None:  # a tag that stood there before
            return match[0]
        return free.pop(0) if len(free) > 1 else free[0]

    return re.sub(f"{TAG.pattern}|{_EDGE[0]}(?:{longest_first}){_EDGE[1]}", pointed, target)


def stands_in(value: str, text: str) -> bool:
    """Whether it stands there word for word, and not as a part of a word."""
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        before, after = text[at - 1 : at], text[end : end + 1]
        if not (before.isalnum() and value[:1].isalnum()) and not (after.isalnum() and value[-1:].isalnum()):
            return True
        at = text.find(value, at + 1)
    return False


class Span(NamedTuple):
    """A value in a prompt: the word before its opener, and where it stands."""

    key: str
    start: int
    stop: int


@dataclass(frozen=True)
class Rules:
    """Which stretches of a prompt are values: those after a learned opening, up to a learned closing delimiter.

    `pairs` are (opener, closer) characters; `keys` the words before an opener whose values are copied into replies
    often enough to be pointed at; `plain` the values that replies hardly ever repeat ("yes", "none"), whatever their
    key. A stretch under any other key stays plain text. `said`: key → the part of its values that replies repeat.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    keys: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    said: Mapping[str, float] = field(default_factory=dict, hash=False)

    def find(self, prompt: str) -> list[Span]:
        """The values of a prompt, left to right, at most as many as there are tags; none in one that has tags."""
        if not self.keys or TAG.search(prompt):
            return []
        spans = (s for s in _stretches(prompt, _pattern(self.pairs)) if s.key in self.keys)
        return [s for s in spans if prompt[s.start : s.stop] not in self.plain][:MOST]

    def mark(self, prompt: str) -> Marked:
        """The prompt with a tag before each value; one that is tagged already is left alone.

        A key has a tag of its own, the same in every prompt: a small model learns that at once, and to follow tags
        that change from prompt to prompt hardly at all. Further values of a key take what is free.
        """
        places = {key: tag(place) for place, key in enumerate(sorted(self.keys)[:MOST])}
        free = [name for name in map(tag, range(MOST)) if name not in places.values()]
        values, pieces, end = dict[str, str](), list[str](), 0
        for span in self.find(prompt):
            name = places.get(span.key, "")
            if not name or name in values:
                if not free and not (free := [n for n in places.values() if n not in values]):
                    break
                name = free.pop()
            pieces += [prompt[end : span.start], name, " "]
            values[name], end = prompt[span.start : span.stop], span.start
        return Marked("".join([*pieces, prompt[end:]]), values)

    @staticmethod
    def learn(examples: Iterable[tuple[str, str]], share: float = 0.3, least: int = 20) -> Rules:
        """From (prompt, reply) pairs: delimiters that bound at least `least` copied stretches (fewer where examples are
        few), and their keys.

        `share`: the part of a key's values that must stand word for word in the reply.
        """
        pairs = [(prompt, reply) for prompt, reply in examples if not TAG.search(prompt)]
        bounds = _bounds(pairs[:_LOOKED_AT], min(least, max(2, len(pairs) // 20)))
        pattern = _pattern(bounds)
        seen, copied = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for prompt, reply in pairs:
            for key, start, stop in _stretches(prompt, pattern):
                seen[key, prompt[start:stop]] += 1
                copied[key, prompt[start:stop]] += stands_in(prompt[start:stop], reply)
        plain = _never_said(seen, copied)
        of_key, said = Counter[str](), Counter[str]()
        for (key, value), n in seen.items():
            if value not in plain:
                of_key[key] += n
                said[key] += copied[key, value]
        keys = frozenset(key for key, n in of_key.items() if said[key] >= max(share * n, 2))
        return Rules(bounds, keys, plain if keys else frozenset(), {k: round(said[k] / of_key[k], 4) for k in sorted(keys)})

    def to_json(self) -> dict[str, Any]:
        return {
            "version": 2,
            "pairs": [list(p) for p in self.pairs],
            "keys": sorted(self.keys),
            "plain": sorted(self.plain),
            "said": dict(self.said),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Rules:
        pairs = tuple((str(a), str(b)) for a, b in data["pairs"])
        said = {str(key): float(part) for key, part in data.get("said", {}).items()}
        return Rules(pairs, frozenset(map(str, data["keys"])), frozenset(map(str, data.get("plain", ()))), said)


def _never_said(seen: Counter[tuple[str, str]], copied: Counter[tuple[str, str]]) -> frozenset[str]:
    """Values met often, under whatever key, and hardly ever repeated."""
    often, repeated = Counter[str](), Counter[str]()
    for (key, value), n in seen.items():
        often[value] += n
        repeated[value] += copied[key, value]
    return frozenset(v for v, n in often.items() if n >= _OFTEN and repeated[v] < _HARDLY * n)


def _bounds(examples: Sequence[tuple[str, str]], least: int) -> tuple[tuple[str, str], ...]:
    """The delimiters between which most is copied, in characters: a pair is added while it makes that more.

    So a comma inside of values is no delimiter where the values are repeated whole, and is one where they are not.
    """
    counts = Counter[tuple[str, str]]()
    any_stretch = re.compile(f"(?=([{re.escape(_OPENERS)}])([^{re.escape(_CLOSERS)}]+)([{re.escape(_CLOSERS)}]|$))")
    for prompt, reply in examples:
        for match in any_stretch.finditer(prompt):
            start, stop = _trimmed(prompt, match.start(2), match.end(2))
            if start < stop and stands_in(prompt[start:stop], reply):
                counts[match[1], match[3] or "\n"] += 1
    candidates = sorted(pair for pair, n in counts.items() if n >= least)
    chosen: list[tuple[str, str]] = []
    most = 0
    while candidates:
        tried = [(_copied(examples, [*chosen, pair]), pair) for pair in candidates]
        best, pair = max(tried)
        if best <= most * _WORTH:
            break
        most = best
        chosen.append(pair)
        candidates.remove(pair)
    return tuple(sorted(chosen))


def _copied(examples: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]]) -> int:
    """Characters of stretches that stand in the reply."""
    pattern, total = _pattern(pairs), 0
    for prompt, reply in examples:
        for _, start, stop in _stretches(prompt, pattern):
            if stands_in(prompt[start:stop], reply):
                total += stop - start
    return total


@lru_cache(maxsize=64)
def _compiled(pairs: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    closers: dict[str, str] = {}
    for opener, closer in pairs:
        closers[opener] = closers.get(opener, "") + closer
    parts = (f"(?<={re.escape(o)})[^{re.escape(c)}]*" for o, c in closers.items())
    return re.compile("|".join(parts) or r"(?!)")


def _pattern(pairs: Sequence[tuple[str, str]]) -> re.Pattern[str]:
    return _compiled(tuple(pairs))


def _stretches(prompt: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    """Every stretch between an opener and the nearest of its closers that is not empty, left to right."""
    for match in pattern.finditer(prompt):
        start, stop = _trimmed(prompt, *match.span())
        if start < stop:
            before = _KEY.search(prompt, max(0, match.start() - _KEY_LENGTH), match.start() - 1)
            yield Span(before[1] if before else "", start, stop)


def _trimmed(text: str, start: int, stop: int) -> tuple[int, int]:
    """Without white space at the ends, and without quotes around the whole."""
    while start < stop and text[start].isspace():
        start += 1
    while start < stop and text[stop - 1].isspace():
        stop -= 1
    if stop - start >= 2 and text[start] in "\"'" and text[start] == text[stop - 1]:
        return start + 1, stop - 1
    return start, stop
