"""Words of a language that search needs, as data: one `<language>.yml` each. Code holds none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from knowledge.analysis import Analyzer, fold
from knowledge.errors import ConfigError


@dataclass(frozen=True)
class Lexicon:
    """One language's words; `section` and `words` read the file's keys."""

    language: str
    data: Mapping[str, Any]

    def words(self, *path: str) -> tuple[str, ...]:
        """A list of words, folded, longest first, so that "no more than" wins over "no". Empty when absent."""
        found: Any = self.data
        for key in path:
            found = found.get(key, ()) if isinstance(found, Mapping) else ()
        return tuple(sorted((fold(str(word)) for word in found), key=len, reverse=True))

    def text(self, *path: str, default: str = "") -> str:
        found: Any = self.data
        for key in path:
            found = found.get(key, default) if isinstance(found, Mapping) else default
        return str(found)

    def table(self, key: str) -> dict[str, Any]:
        return {fold(str(name)): value for name, value in dict(self.data.get(key, {})).items()}

    def analyzer(self) -> Analyzer:
        return Analyzer(self.text("stemmer"), self._plain(self.data.get("stopwords", ())))

    @staticmethod
    def _plain(words: Sequence[Any]) -> list[str]:
        return [str(word) for word in words]


@cache
def load_lexicon(language: str = "en") -> Lexicon:
    """Raises ConfigError for a language without a file."""
    path = Path(__file__).with_name(f"{language}.yml")
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yml")))
        raise ConfigError(f"language '{language}' has no search lexicon (known: {known})")
    return Lexicon(language, yaml.safe_load(path.read_text(encoding="utf-8")))
