"""Reads price limits from the words of a query, by a lexicon's words for under, over, between and around.

It knows numbers and currencies' signs, nothing of products. "under 5 kg" is a measure and no price.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from knowledge.lexicon import Lexicon

_NUMBER = re.compile(r"\d{1,9}(?:[.,]\d{1,3})*")
Phrase = tuple[str, ...]


@dataclass
class Words:
    """The query's words with a mark on each that has been understood."""

    words: list[str]
    used: list[bool]

    @classmethod
    def of(cls, words: Sequence[str]) -> Words:
        return cls(list(words), [False] * len(words))

    def at(self, position: int, phrase: Phrase) -> bool:
        """Whether the phrase stands here and none of it is used."""
        end = position + len(phrase)
        return tuple(self.words[position:end]) == phrase and not any(self.used[position:end])

    def first(self, position: int, phrases: Sequence[Phrase]) -> int:
        """Length of the first of `phrases` that stands here, else 0."""
        if position >= len(self.words) or self.used[position]:
            return 0
        word = self.words[position]
        return next((len(phrase) for phrase in phrases if phrase[0] == word and self.at(position, phrase)), 0)

    def use(self, start: int, end: int) -> None:
        for i in range(start, end):
            self.used[i] = True

    def __len__(self) -> int:
        return len(self.words)


def phrases(words: Sequence[str]) -> list[Phrase]:
    """The lexicon's entries as tuples of words, longest first."""
    return sorted((tuple(word.split()) for word in words), key=len, reverse=True)


def number(word: str) -> Decimal | None:
    """ "1,299.50", "1.299,50" and "1299" alike; None when it is no number."""
    if not _NUMBER.fullmatch(word):
        return None
    last = max(word.rfind(","), word.rfind("."))
    if last < 0:
        return Decimal(word)
    whole, tail = re.sub(r"[.,]", "", word[:last]), word[last + 1:]
    try:
        return Decimal(whole + tail) if len(tail) == 3 else Decimal(f"{whole}.{tail}")
    except InvalidOperation:
        return None


class PriceReader:
    """Finds (lowest, highest) and marks the words it understood."""

    def __init__(self, lexicon: Lexicon) -> None:
        def words(*path: str) -> list[Phrase]:
            return phrases(lexicon.words(*path))

        self._max, self._min = words("price", "max"), words("price", "min")
        self._max_after, self._min_after = words("price", "max_after"), words("price", "min_after")
        self._between, self._joiner = words("price", "between"), words("price", "between_joiner")
        self._around, self._filler = words("price", "around"), words("price", "filler")
        self._share = Decimal(lexicon.text("price", "around_share", default="0.15"))
        self._currencies, self._units = set(lexicon.words("price", "currencies")), set(lexicon.words("units"))

    def read(self, words: Words) -> tuple[Decimal | None, Decimal | None]:
        low: Decimal | None = None
        high: Decimal | None = None
        for position in range(len(words)):
            if words.used[position]:
                continue
            found = self._range(words, position) or self._limit(words, position) or self._limit_after(words, position)
            if found:
                start, end, least, most = found
                words.use(start, end)
                low, high = low if least is None else least, high if most is None else most
        return low, high

    def _amount(self, words: Words, position: int) -> tuple[int, Decimal, bool] | None:
        """(end, value, whether a currency stands with it) of an amount that starts here."""
        signed = False
        if position < len(words) and words.words[position] in self._currencies:
            position, signed = position + 1, True
        value = number(words.words[position]) if position < len(words) and not words.used[position] else None
        if value is None:
            return None
        end = position + 1
        if end < len(words) and words.words[end] in self._currencies:
            return end + 1, value, True
        following = end + 1 if end < len(words) and words.words[end] == "-" else end
        if not signed and following < len(words) and words.words[following] in self._units:
            return None
        return end, value, signed

    def _skip_filler(self, words: Words, position: int) -> int:
        while length := words.first(position, self._filler):
            position += length
        return position

    def _range(self, words: Words, position: int) -> tuple[int, int, Decimal | None, Decimal | None] | None:
        cue = words.first(position, self._between)
        first = self._amount(words, self._skip_filler(words, position + cue))
        if not first:
            return None
        joiner = words.first(first[0], self._joiner)
        second = self._amount(words, first[0] + joiner) if joiner else None
        if not second or not (cue or first[2] or second[2]):
            return None
        low, high = sorted((first[1], second[1]))
        return position, second[0], low, high

    def _limit(self, words: Words, position: int) -> tuple[int, int, Decimal | None, Decimal | None] | None:
        for cues, kind in ((self._min, "min"), (self._max, "max"), (self._around, "around")):
            length = words.first(position, cues)
            amount = self._amount(words, self._skip_filler(words, position + length)) if length else None
            if amount and self._longest(words, position, length):
                low, high = self._limits(kind, amount[1])
                return position, amount[0], low, high
        return None

    def _longest(self, words: Words, position: int, length: int) -> bool:
        """No longer cue of another kind stands here ("no more than" is a maximum though "more than" is a minimum)."""
        return all(words.first(position, cues) <= length for cues in (self._min, self._max, self._around))

    def _limit_after(self, words: Words, position: int) -> tuple[int, int, Decimal | None, Decimal | None] | None:
        amount = self._amount(words, position)
        if not amount:
            return None
        for cues, kind in ((self._max_after, "max"), (self._min_after, "min")):
            if length := words.first(amount[0], cues):
                low, high = self._limits(kind, amount[1])
                return position, amount[0] + length, low, high
        return None

    def _limits(self, kind: str, value: Decimal) -> tuple[Decimal | None, Decimal | None]:
        if kind == "around":
            return value * (1 - self._share), value * (1 + self._share)
        return (value, None) if kind == "min" else (None, value)
