"""Makes a query ready for the shelves: its terms, the other ways to read them, its vector, and what kind it is.

"head set" is also read as "headset", and a word nobody here knows as the word it was probably meant to be. It knows
words; it neither ranks nor filters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge.analysis import Analyzer, fold
from knowledge.handles import without_handles
from knowledge.lexicon import Lexicon
from knowledge.ports import Embedder, Vectors
from knowledge.spelling import Speller

_WORD = re.compile(r"[^\W_]+")
_WORDS = 8_192            # remembered with what they were meant to be
LONG_QUESTION = 6         # so many words are a sentence, not keywords


@dataclass(frozen=True, slots=True)
class Question:
    """`readings`: alternative lists of terms, the one as typed first. `natural`: a sentence rather than keywords."""

    text: str
    readings: tuple[tuple[str, ...], ...]
    vector: Vectors | None
    natural: bool = False

    @property
    def terms(self) -> tuple[str, ...]:
        return self.readings[0]


class QuestionReader:
    """`spellers` know the words of the shelves; `surfaces` gives a stem back its usual word. Thread-safe, blocking."""

    def __init__(self, analyzer: Analyzer, lexicon: Lexicon, embedder: Embedder | None,
                 spellers: Sequence[Speller] = (), surfaces: Mapping[str, str] | None = None) -> None:
        self._analyzer, self._embedder, self._spellers = analyzer, embedder, spellers
        self._surfaces = dict(surfaces or {})
        self._words = Speller.of(dict.fromkeys(self._surfaces.values(), 1))
        self._asking = set(lexicon.words("questions"))
        self._meant = lru_cache(maxsize=_WORDS)(self._mended_word)

    def read(self, text: str, vector: Vectors | None = None) -> Question:
        mended = self.mended(text)
        readings = [tuple(self._analyzer.terms(text))]
        if mended != text:
            readings.append(tuple(self._analyzer.terms(mended)))
        readings += [joined for reading in list(readings) for joined in self._joined(reading)]
        if vector is None and self._embedder is not None:
            vector = self._embedder.embed([mended])[0]
        return Question(text, tuple(dict.fromkeys(readings)), None if vector is None else vector.reshape(-1),
                        self._natural(text))

    def mended(self, text: str) -> str:
        """The text with each misspelt word replaced; words that any shelf knows stay."""
        if not self._spellers:
            return text
        for word in dict.fromkeys(self._analyzer.words(without_handles(text))):
            if meant := self._meant(word):
                text = self._replaced(text, word, meant)
        return text

    def _mended_word(self, word: str) -> str | None:
        """The word that was probably meant; None for one that any shelf knows, or that is like none."""
        term = self._analyzer.stem(word)
        if any(speller.knows(term) for speller in self._spellers):
            return None
        return self._words.mend(word) or self._by_stem(term)

    def _by_stem(self, term: str) -> str | None:
        meant = next((found for speller in self._spellers if (found := speller.mend(term))), None)
        return self._surfaces.get(meant, meant) if meant else None

    @staticmethod
    def _replaced(text: str, word: str, meant: str) -> str:
        """Letters and digits of `word` may be joined by other characters in the text ("TR3-RD-42")."""
        pattern = r"[^\w\s]*".join(re.escape(letter) for letter in word)
        return re.sub(rf"(?<!\w){pattern}(?!\w)", lambda _: meant, fold(text))

    def _joined(self, terms: Sequence[str]) -> list[tuple[str, ...]]:
        """Readings in which two neighbours are one known word."""
        found = []
        for i in range(len(terms) - 1):
            term = self._analyzer.stem(terms[i] + terms[i + 1])
            if len(term) >= 5 and any(speller.knows(term) for speller in self._spellers):
                found.append((*terms[:i], term, *terms[i + 2:]))
        return found

    def _natural(self, text: str) -> bool:
        words = _WORD.findall(fold(text))
        return "?" in text or len(words) >= LONG_QUESTION or bool(words and words[0] in self._asking)
