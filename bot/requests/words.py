"""Words of a text with their places, and when two of them are the same word.

It knows spelling (stems, typos, compounds), not meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import Stemmer
from rapidfuzz.distance import DamerauLevenshtein

_WORD = re.compile(r"[#$€£]?\d+(?:[.,]\d+)*%?|[^\W\d_]+(?:['’][^\W\d_]+)?", re.UNICODE)
_STEMMERS = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "nl": "dutch"}


@dataclass(frozen=True, slots=True)
class Word:
    text: str  # lower case
    stem: str
    start: int  # character offsets in the text
    end: int


@lru_cache(maxsize=8)
def _stemmer(locale: str) -> Stemmer.Stemmer | None:
    name = _STEMMERS.get(locale.split("-")[0])
    return Stemmer.Stemmer(name) if name else None


@lru_cache(maxsize=65536)
def stem(word: str, locale: str = "en") -> str:
    stemmer = _stemmer(locale)
    return str(stemmer.stemWord(word)) if stemmer else word


@lru_cache(maxsize=4096)
def words(text: str, locale: str = "en") -> tuple[Word, ...]:
    """Letters and numbers are split apart: "500ml" gives "500" and "ml", "T-Shirt" gives "t" and "shirt"."""
    found = []
    for match in _WORD.finditer(text):
        lower = match.group().lower().replace("’", "'")
        lower = lower.removesuffix("'s")
        found.append(Word(lower, stem(lower, locale), match.start(), match.end()))
    return tuple(found)


def stems(text: str, locale: str = "en") -> tuple[str, ...]:
    return tuple(word.stem for word in words(text, locale))


@lru_cache(maxsize=65536)
def likeness(said: str, meant: str) -> float:
    """1.0 the same stem, 0.9 the tail of a compound ("watch" in "wristwatch"), 0.8 a typo, 0.6 the other way round."""
    if said == meant:
        return 1.0
    if said.isdigit() or meant.isdigit():
        return 0.0
    if min(len(said), len(meant)) >= 4 and (meant.endswith(said) or said.endswith(meant)):
        return 0.9 if meant.endswith(said) else 0.6
    if said.startswith(meant) or meant.startswith(said):
        return 0.0  # "make" and "maker" are two words
    longest = max(len(said), len(meant))
    if longest >= 5 and said[0] == meant[0]:
        allowed = 1 if longest < 8 else 2
        if DamerauLevenshtein.distance(said, meant, score_cutoff=allowed) <= allowed:
            return 0.8
    return 0.0


def joined(first: Word, second: Word, locale: str = "en") -> str:
    """The stem of two words written as one: "book shelf" → "bookshelf"."""
    return stem(first.text + second.text, locale)
