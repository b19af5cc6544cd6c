"""Where facts may stand: between words that facts of their name were ever written between, response by response.

A model that points can still point at the wrong fact ("order $5.00 is cancelled"): both are facts, so no gate objects.
The words on either side give it away. The table comes with the weights, made from what they were trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.llm.spans import TAG

FILE = "places.json"
_WORD = re.compile(r"<v\d{1,2}>|[^\W_]+(?:['’][^\W_]+)?|[^\w\s]|\n")
_ANY_TAG = "<v>"
Sides = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Places:
    """"response fact" → words before, words after; the beginning and the end are ""."""

    sides: Mapping[str, Sides]

    def misplaced(self, response: str, written: str, names: Mapping[str, str]) -> str | None:
        """The name of the first fact that stands where none of its name stood, or None. `names`: tag → fact."""
        for tag, before, after in _neighbours(written):
            name = names.get(tag, "")
            known = self.sides.get(f"{response} {name}")
            if known is not None and not (before in known[0] and after in known[1]):
                return name
        return None

    @staticmethod
    def learn(examples: Iterable[tuple[str, str, Mapping[str, str]]]) -> Places:
        """From (response, reply with tags, tag → fact)."""
        sides: dict[str, tuple[set[str], set[str]]] = {}
        for response, reply, names in examples:
            for tag, before, after in _neighbours(reply):
                known = sides.setdefault(f"{response} {names[tag]}", (set(), set()))
                known[0].add(before)
                known[1].add(after)
        return Places({key: (frozenset(a), frozenset(b)) for key, (a, b) in sides.items()})

    def write(self, path: Path) -> None:
        plain = {key: [sorted(side) for side in sides] for key, sides in sorted(self.sides.items())}
        path.write_text(json.dumps({"version": 1, "sides": plain}, ensure_ascii=False) + "\n", encoding="utf-8")

    @staticmethod
    def read(path: Path) -> Places:
        """Knowing nothing where there is no such file."""
        if not path.is_file():
            return Places({})
        data = json.loads(path.read_text(encoding="utf-8"))
        return Places({key: (frozenset(a), frozenset(b)) for key, (a, b) in data["sides"].items()})


def _neighbours(text: str) -> list[tuple[str, str, str]]:
    """(tag, what stands before, what stands after) of every tag."""
    words = _WORD.findall(text)
    found = []
    for place, word in enumerate(words):
        if TAG.fullmatch(word):
            before = words[place - 1] if place else ""
            after = words[place + 1] if place + 1 < len(words) else ""
            found.append((word, _plain(before), _plain(after)))
    return found


def _plain(word: str) -> str:
    return _ANY_TAG if TAG.fullmatch(word) else word.lower()
