"""The words of one language that the evidence gate needs: numbers, months, units, negation, actions, small talk.

They come from a data file per language; no code of the gate names a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, eq=False)
class Words:
    """`stem` reduces a lower-case word; every set of stems was made with it."""

    stem: Callable[[str], str]
    rewrites: tuple[tuple[re.Pattern[str], str], ...]  # phrases → canonical words, in this order
    numbers: Mapping[str, int]  # "two" → 2
    scales: Mapping[str, int]  # "hundred" → 100
    joiners: frozenset[str]  # "and" in "two hundred and fifty"
    spans: frozenset[str]  # "to" in "5 to 7"
    ordinals: frozenset[str]  # endings of "1st", "2nd"
    single: frozenset[str]  # "one", "a": a number only before a unit
    months: Mapping[str, int]
    unsure_months: frozenset[str]  # words that are a month only after one of `month_cues`
    month_cues: frozenset[str]
    weekdays: Mapping[str, int]  # Monday is 0
    units: Mapping[str, str]  # any form → canonical ("working days" → "business day")
    currencies: Mapping[str, str]  # symbol or word → code
    durations: frozenset[str]  # canonical units of time
    bounds: Mapping[str, str]  # "up to" → "max", "at least" → "min"
    abbreviations: frozenset[str]
    negators: frozenset[str]
    modality: frozenset[str]  # stems that, negated, negate their whole clause ("possible")
    bare_modality: frozenset[str]
    breaks: re.Pattern[str]  # where one clause ends and the next begins
    subjects: frozenset[str]  # words that, after a comma, begin a clause
    carriers: frozenset[str]  # copulas and modals: what follows them is stated
    conditions: re.Pattern[str]
    limits: re.Pattern[str]  # narrow a general statement ("within", "usually")
    yes: frozenset[str]
    no: frozenset[str]
    first_person: frozenset[str]
    future: frozenset[str]
    ability: frozenset[str]
    progressive: tuple[str, ...]  # endings of what is under way
    perfect: frozenset[str]
    present_be: frozenset[str]
    irregular: frozenset[str]  # participles that do not end like the others
    endings: tuple[str, ...]  # of regular participles
    actions: Mapping[str, str]  # stem → group of words for the same deed or state
    vague: frozenset[str]  # groups too general to be required of a reply
    directions: frozenset[str]  # groups that say which way money goes
    synonyms: Mapping[str, str]  # stem → group of words of the same meaning
    harmless: frozenset[str]  # stems of small talk and grammar
    instructions: re.Pattern[str]  # text that gives orders to an assistant
    anchors: frozenset[str] = field(default_factory=frozenset)  # keys of facts that name a thing

    def rewrite(self, text: str) -> str:
        """Typographic signs made plain, contractions and phrases made canonical, number words made digits."""
        text = text.replace("’", "'").replace("‘", "'").replace("\u00a0", " ").replace("\u202f", " ")
        text = re.sub(r"[*`]+|(?<!\w)_+|_+(?!\w)", "", text)
        for pattern, replacement in self.rewrites:
            text = pattern.sub(replacement, text)
        return self._digits(text)

    def group(self, stem: str) -> str:
        """The group a stem belongs to, itself where it belongs to none."""
        return self.actions.get(stem) or self.synonyms.get(stem) or stem

    def _digits(self, text: str) -> str:
        """Makes "twenty-five lamps" → "25 lamps", "a week" → "1 week"."""
        parts = re.split(r"(\s+|-|,)", text)
        out: list[str] = []
        i = 0
        while i < len(parts):
            end, number = self._number_at(parts, i)
            if number is None:
                out.append(parts[i])
                i += 1
            else:
                out.append(str(number) + _tail(parts[end - 1]))
                i = end
        return "".join(out)

    def _number_at(self, parts: list[str], start: int) -> tuple[int, int | None]:
        """The number words from `start` on: (index behind them, value)."""
        first = _bare(parts[start])
        if first in self.single:
            follower = _bare(parts[start + 2]) if start + 2 < len(parts) else ""
            if follower in self.scales:
                return self._add_up(parts, start + 2, 0)
            is_unit = follower in self.units or self.currencies.get(follower, "") != ""
            return (start + 1, 1) if is_unit and parts[start + 1].strip() in ("", "-") else (start, None)
        return self._add_up(parts, start, 0) if first in self.numbers else (start, None)

    def _add_up(self, parts: list[str], start: int, total: int) -> tuple[int, int | None]:
        group, end = 0, start
        i = start
        while i < len(parts):
            word = _bare(parts[i])
            if word in self.numbers:
                group += self.numbers[word]
            elif word in self.scales:
                scale = self.scales[word]
                group = max(group, 1) * scale
                if scale >= 1000:
                    total, group = total + group, 0
            else:
                break
            end = i + 1
            if _tail(parts[i]) or i + 2 >= len(parts) or parts[i + 1].strip() not in ("", "-"):
                break
            if (
                word in self.scales
                and _bare(parts[i + 2]) in self.joiners
                and i + 4 < len(parts)
                and _bare(parts[i + 4]) in self.numbers
            ):
                i += 4
                continue
            small = self.numbers.get(word, 0) < 20 and word not in self.scales
            if small and _bare(parts[i + 2]) in self.numbers:  # "two three" are two numbers
                break
            i += 2
        return end, total + group


def _bare(part: str) -> str:
    return part.rstrip(".,;:!?)").lower()


def _tail(part: str) -> str:
    return part[len(part.rstrip(".,;:!?)")) :]


def parse_words(data: Mapping[str, Any], stem: Callable[[str], str]) -> Words:
    """The content of a language's gate file. Raises KeyError naming a section that is missing."""

    def stems(words: Iterable[str]) -> frozenset[str]:
        return frozenset(stem(w.lower()) for entry in words for w in _WORD.findall(entry))

    def groups(section: Mapping[str, str]) -> dict[str, str]:
        return {stem(w): name for name, line in section.items() for w in line.split()}

    def lines(section: str | Iterable[str]) -> list[str]:
        return section.split() if isinstance(section, str) else [word for line in section for word in line.split()]

    def forms(section: Mapping[str, Iterable[str]]) -> dict[str, str]:
        return {form.lower(): name for name, entries in section.items() for form in entries}

    return Words(
        stem=stem,
        rewrites=tuple((re.compile(pattern, re.IGNORECASE), str(put)) for pattern, put in data["rewrites"]),
        numbers=data["numbers"],
        scales=data["scales"],
        joiners=frozenset(data["joiners"]),
        spans=frozenset(data["spans"]),
        ordinals=frozenset(data["ordinals"]),
        single=frozenset(data["single"]),
        months={name: number for number, entries in data["months"].items() for name in entries},
        unsure_months=frozenset(data["unsure_months"]),
        month_cues=frozenset(data["month_cues"]),
        weekdays={name: number for number, entries in data["weekdays"].items() for name in entries},
        units=forms(data["units"]),
        currencies=forms(data["currencies"]),
        durations=frozenset(data["durations"]),
        bounds=forms(data["bounds"]),
        abbreviations=frozenset(data["abbreviations"]),
        negators=frozenset(data["negators"]),
        modality=stems(data["modality"]),
        bare_modality=stems(data["bare_modality"]),
        breaks=_alternatives(data["breaks"]),
        subjects=frozenset(lines(data["subjects"])),
        carriers=frozenset(lines(data["carriers"])),
        conditions=_alternatives(data["conditions"]),
        limits=_alternatives(data["limits"]),
        progressive=tuple(data["progressive"]),
        yes=frozenset(data["yes"]),
        no=frozenset(data["no"]),
        first_person=frozenset(data["first_person"]),
        future=frozenset(data["future"]),
        ability=frozenset(data["ability"]),
        perfect=frozenset(data["perfect"]),
        present_be=frozenset(data["present_be"]),
        irregular=frozenset(lines(data["irregular"])),
        endings=tuple(data["endings"]),
        actions=groups(data["actions"]),
        vague=frozenset(data["vague"]),
        directions=frozenset(data["directions"]),
        synonyms=groups(data["synonyms"]),
        harmless=stems(data["harmless"]) - frozenset(groups(data["actions"])),
        instructions=_alternatives(data["instructions"]),
        anchors=frozenset(data["anchors"]),
    )


def _alternatives(entries: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(entries), re.IGNORECASE)
