"""The language's small words that steer a request: cues, quantifiers, comparatives. Data in `<locale>/lexicon.yml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import yaml

from knowledge.errors import ConfigError

T = TypeVar("T")
_REMEMBERED = 4096  # readings of each kind


def pattern_of(phrases: Sequence[str]) -> re.Pattern[str]:
    """One pattern that finds any of the phrases as whole words; a phrase is a regular expression."""
    return _pattern(tuple(phrases))


@lru_cache(maxsize=1024)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    if not phrases:
        return re.compile(r"(?!)")
    alternatives = "|".join(
        sorted((p.replace(" ?", r"\s*").replace(" ", r"\s+") for p in phrases), key=len, reverse=True)
    )
    return re.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True)
class Lexicon:
    locale: str
    data: Mapping[str, Any]

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {}

    @cached_property
    def _word_sets(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _made(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        return {}

    def once(self, make: Callable[..., T], *args: Hashable) -> T:
        """`make(lexicon, *args)`, remembered for the latest arguments: nobody may change what comes back."""
        if make not in self._made:
            self._made[make] = lru_cache(maxsize=_REMEMBERED)(partial(make, self))
        made: T = self._made[make](*args)
        return made

    def pattern(self, section: str, key: str | None = None) -> re.Pattern[str]:
        """The compiled phrases of `section` (a list) or of `section.key` (a mapping of lists)."""
        name = section if key is None else f"{section}.{key}"
        if name not in self._patterns:
            node = self.data.get(section, [])
            self._patterns[name] = pattern_of(node if key is None else node.get(key, []))
        return self._patterns[name]

    def keys(self, section: str) -> tuple[str, ...]:
        return tuple(self.data.get(section, {}))

    def said(self, text: str, section: str, key: str | None = None) -> bool:
        return self.pattern(section, key).search(text) is not None

    def which(self, text: str, section: str) -> list[str]:
        """Keys of `section` said in the text, in the order they stand there."""
        found = [
            (match.start(), key) for key in self.keys(section) if (match := self.pattern(section, key).search(text))
        ]
        return [key for _, key in sorted(found)]

    def words(self, section: str) -> frozenset[str]:
        """A list section as a set of plain lower-case words."""
        if section not in self._word_sets:
            self._word_sets[section] = frozenset(str(word).lower() for word in self.data.get(section, []))
        return self._word_sets[section]

    def number(self, text: str) -> int | None:
        """A small number written as word or digits."""
        numbers: Mapping[str, int] = self.data.get("numbers", {})
        return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else numbers.get(text.lower())


def load_lexicon(path: Path, locale: str) -> Lexicon:
    """Raises ConfigError naming the file, or the phrase that is no valid pattern."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    lexicon = Lexicon(locale, data)
    for section, key in _phrase_lists(data):
        try:
            lexicon.pattern(section, key)
        except re.error as error:
            raise ConfigError(f"{path}: '{section}': not a valid pattern: {error}") from error
    return lexicon


def _phrase_lists(data: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Sections (and their keys) that hold lists of phrases; other sections are plain data."""
    found: list[tuple[str, str | None]] = []
    for section, node in data.items():
        lists = node.items() if isinstance(node, dict) else [(None, node)]
        found += [
            (section, key)
            for key, items in lists
            if isinstance(items, list) and all(isinstance(item, str) for item in items)
        ]
    return found
