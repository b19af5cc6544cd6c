"""Is this message in a language the assistant does not speak? By script and by the commonest words of each language.

Data in `languages.yml`: per language its common words, its script, and what to say. It translates nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Language:
    words: frozenset[str]
    script: str  # a prefix of Unicode character names: "CJK", "CYRILLIC"; "" for Latin
    text: str  # the honest answer, in that language


@dataclass(frozen=True, slots=True)
class Languages:
    known: Mapping[str, Language]

    def foreign(self, text: str, spoken: Sequence[str]) -> str | None:
        """The code of the language the text is written in, when it is surely none of `spoken`."""
        letters = [c for c in text if c.isalpha()]
        if len(letters) < 2:
            return None
        scripts = {} if text.isascii() else self.known
        for code, language in scripts.items():
            if language.script and code not in spoken and _share(letters, language.script) > 0.5:
                return code
        said = [w.lower() for w in _WORD.findall(text)]
        if len(said) < 2:
            return None
        hits = {
            code: sum(w in language.words for w in said) for code, language in self.known.items() if not language.script
        }
        at_home = max((hits.get(code, 0) for code in spoken), default=0)
        best = max(hits, key=lambda code: hits[code], default="")
        return best if best and best not in spoken and hits[best] >= 2 and hits[best] > at_home + 1 else None

    def reply(self, code: str) -> str:
        return self.known[code].text


def _share(letters: Sequence[str], script: str) -> float:
    return sum(unicodedata.name(c, "").startswith(script) for c in letters) / len(letters)


def load_languages(path: Path) -> Languages:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Languages(
        {
            code: Language(
                frozenset(str(node.get("words", "")).split()), str(node.get("script", "")), str(node["text"])
            )
            for code, node in data.items()
        }
    )
