"""The evidence gate: each sentence a model wrote is said only if the draft, the facts and the evidence bear it out.

Checked are values (numbers with units and limits, money, dates, ids, links, e-mails), names, every word that carries
meaning, polarity, conditions, deeds and promises, and which value belongs to which thing. Over the whole reply no
value, deed, denial or question of the draft may be missing. It errs on the side of the draft, which is always a valid
reply; it is pure text work and knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.engine.claims.statements import (
    ASK,
    CAN,
    DONE,
    FUTURE,
    OTHER,
    PASSIVE,
    PROMISE,
    Statement,
    Token,
    read,
    sentences,
)
from bot.engine.claims.support import Passage, Support, build
from bot.engine.claims.values import Value, borne_out
from bot.engine.claims.words import Words
from knowledge.models import Evidence

_MARKUP = re.compile(r"<[/!a-zA-Z][^>]*>|```|\{\{?\w*\}?\}|\[[A-Za-z][^\]]*\]|javascript:", re.IGNORECASE)
_LONG_NAME = 2  # words of a fact up to which all of them must be said; of longer ones half

Carry = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Dropped:
    sentence: str
    reason: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """`text` is what passed; say it only when `complete`, otherwise say the draft. `missing` says what it lacks."""

    text: str
    dropped: tuple[Dropped, ...] = ()
    complete: bool = True
    missing: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of one language. `unknown_words`: how many words without a source a sentence may have (0: none)."""

    words: Words
    unknown_words: int = 0

    def check(self, text: str, draft: str, facts: Mapping[str, Any], evidence: Sequence[Evidence] = ()) -> GateResult:
        """Keep the sentences that are borne out. Never raises on odd text."""
        support = build(self.words, draft, facts, evidence)
        kept: list[tuple[str, str]] = []
        statements: list[Statement] = []
        dropped: list[Dropped] = []
        carry: Carry = {}
        for sentence, gap in sentences(text.strip(), self.words.abbreviations):
            statement = read(sentence, self.words)
            reason = self.objection(sentence, statement, support, carry)
            if reason:
                dropped.append(Dropped(sentence.strip(), reason))
                continue
            carry = support.pairs.carry(statement, carry)
            statements.append(statement)
            kept.append((sentence, gap))
        said = "".join(sentence + (gap if i + 1 < len(kept) else "") for i, (sentence, gap) in enumerate(kept)).strip()
        missing = self._missing(support, statements)
        return GateResult(said, tuple(dropped), bool(said) and not missing, missing, tuple(s.strip() for s, _ in kept))

    def objection(self, sentence: str, statement: Statement, support: Support, carry: Carry) -> str:
        """Why a sentence may not be said, or ""."""
        if _MARKUP.search(sentence):
            return "markup or a placeholder"
        if any(not 1 <= n <= support.citable for n in statement.citations):
            return "cites a source that is not there"
        return (
            self._unborne_value(statement, support)
            or self._unknown_name(statement, support)
            or self._unknown_word(statement, support)
            or self._wrong_polarity(statement, support)
            or self._mixed_evidence(statement, support)
            or self._lost_condition(statement, support)
            or self._unborne_deed(statement, support)
            or support.pairs.wrong(statement, carry)
        )

    # --- one sentence ------------------------------------------------------------------------------------------------

    def _unborne_value(self, statement: Statement, support: Support) -> str:
        for value in statement.values:
            if value.unit.isupper() and value.unit not in support.currencies:
                return f"currency {value.unit} is in no fact"
            if not borne_out(value, support.values):
                return f"{value.kind} '{statement.text[value.start : value.end]}' is in no fact"
        return ""

    def _unknown_name(self, statement: Statement, support: Support) -> str:
        """A capitalised word inside a sentence must come from a source, and neighbours together."""
        last: Token | None = None
        for token in statement.tokens:
            low = token.text.lower()
            inside = token.start > 0 and token.text[0].isupper() and not _begins(statement.text, token.start)
            if inside and low not in support.spellings and not (len(low) <= 2 and token.stem in self.words.harmless):
                return f"name '{token.text}' is in no fact"
            beside = inside and last is not None and statement.text[last.start + len(last.text) : token.start] == " "
            if beside and last is not None and (last.text.lower(), low) not in support.neighbours:
                return f"name '{last.text} {token.text}' is in no fact"
            last = token if inside and len(low) > 2 else None
        return ""

    def _unknown_word(self, statement: Statement, support: Support) -> str:
        names_deed = any(self.words.group(t.stem) in support.groups for t in self._deeds(statement))
        unknown = [
            t.text
            for t in self._content(statement)
            if not (names_deed and t.stem in self.words.bare_modality)
            and self.words.group(t.stem) not in support.groups
            and t.text.lower() not in support.spellings
        ]
        deeds = [t.text for t in self._content(statement) if t.text in unknown and t.stem in self.words.actions]
        if deeds or len(unknown) > self.unknown_words:
            return f"'{(deeds or unknown)[0]}' is in no fact"
        return ""

    def _wrong_polarity(self, statement: Statement, support: Support) -> str:
        content = self._content(statement)
        first = statement.tokens[0].text.lower() if statement.tokens else ""
        if (
            first in self.words.yes
            and not statement.question
            and not support.yes
            and (statement.negative_clauses or not (statement.values or content))
        ):
            return "a yes that no fact gives"
        if (first in self.words.no or statement.negative_clauses) and not support.negative:
            return "a denial that no fact makes"
        for token in content:
            group = self.words.group(token.stem)
            if group not in support.groups:
                continue
            if token.negated and group not in support.deniable:
                return f"denies '{token.text}'"
            if (
                not token.negated
                and (token.stated or token.stem in self.words.actions)
                and group not in support.affirmed
            ):
                return f"affirms '{token.text}'"
        return ""

    def _mixed_evidence(self, statement: Statement, support: Support) -> str:
        """What draft and facts do not say must stand, with its polarity, in one sentence of the evidence."""
        content = [(self.words.group(t.stem), t) for t in self._content(statement)]
        quoted = {g for g, _ in content if g not in support.believed and g in support.groups}
        values = [v for v in statement.values if not borne_out(v, support.believed_values)]
        if not quoted and not values:
            return ""
        needed = {g for g, _ in content if g in support.groups} - (support.believed - quoted)
        denied = {g for g, t in content if t.negated} & needed
        stated = {g for g, t in content if not t.negated and (t.stated or t.stem in self.words.actions)} & needed
        for passage in support.passages:
            if (
                needed <= passage.groups
                and denied <= passage.denied
                and stated <= passage.affirmed | self._titles(passage)
                and all(borne_out(v, passage.values) for v in values)
            ):
                return ""
        return "no single sentence of the evidence says this"

    @staticmethod
    def _titles(passage: Passage) -> frozenset[str]:
        """Groups that only the passage's title has: named, neither affirmed nor denied."""
        return passage.groups - passage.denied

    def _lost_condition(self, statement: Statement, support: Support) -> str:
        if statement.question or statement.conditional:
            return ""
        narrow = statement.limited or statement.values
        kept = support.unconditional if narrow else support.unlimited
        lost = [t.text for t in self._deeds(statement) if not t.negated and self.words.group(t.stem) not in kept]
        return f"'{lost[0]}' without its condition" if lost else ""

    def _unborne_deed(self, statement: Statement, support: Support) -> str:
        reported = [t for t in self._content(statement) if t.stem in self.words.actions or t.mood == DONE]
        for token in reported:
            group = self.words.group(token.stem)
            if token.negated:
                continue
            if (
                token.mood in (DONE, PROMISE)
                and statement.conditional
                and token.mood in support.quoted_moods.get(group, set())
            ):
                continue
            if not _BEARS[token.mood] & support.moods.get(group, set()):
                return f"'{token.text}' is {_MOOD_NAMES[token.mood]} in no fact"
        return ""

    # --- the whole reply ---------------------------------------------------------------------------------------------

    def _missing(self, support: Support, said: Sequence[Statement]) -> tuple[str, ...]:
        values = [v for s in said for v in s.values]
        missing = [f"{v.kind} {v.key}" for v in support.required_values if not _is_said(v, values)]
        groups = {self.words.group(t.stem) for s in said for t in s.tokens}
        for name, wanted in support.required_names:
            found = sum(1 for g in wanted if g in groups)
            if found < (len(wanted) if len(wanted) <= _LONG_NAME else (len(wanted) + 1) // 2):
                missing.append(f"name '{name}'")
        missing += [f"deed '{g}'" for g in sorted(support.required_deeds) if g not in groups]
        denied = {self.words.group(t.stem) for s in said for t in s.tokens if t.negated}
        missing += [f"denial of '{g}'" for g in sorted(support.required_denials) if g not in denied]
        cited = {n for s in said for n in s.citations}
        missing += [f"source [{n}]" for n in sorted(support.required_citations - cited)]
        if support.asks and not any(s.question for s in said):
            missing.append("question")
        return tuple(missing)

    def _content(self, statement: Statement) -> list[Token]:
        return [t for t in statement.tokens if t.stem not in self.words.harmless]

    def _deeds(self, statement: Statement) -> list[Token]:
        return [t for t in statement.tokens if t.stem in self.words.actions]


_BEARS: Mapping[str, frozenset[str]] = {
    DONE: frozenset({DONE}),
    PROMISE: frozenset({PROMISE, DONE}),
    PASSIVE: frozenset({PASSIVE, DONE}),
    FUTURE: frozenset({FUTURE, PROMISE, DONE, PASSIVE, OTHER}),
    ASK: frozenset({ASK, CAN}),
    CAN: frozenset({ASK, CAN, DONE, FUTURE, PROMISE, PASSIVE, OTHER}),
    OTHER: frozenset({CAN, DONE, FUTURE, PROMISE, PASSIVE, OTHER}),
}
_MOOD_NAMES: Mapping[str, str] = {
    DONE: "done",
    PROMISE: "promised",
    PASSIVE: "done",
    FUTURE: "foreseen",
    ASK: "offered",
    CAN: "possible",
    OTHER: "named",
}


def _is_said(required: Value, said: Sequence[Value]) -> bool:
    """Also an order number without its sign and letters, a date without its year."""
    looser = [
        v for v in said if (v.kind == "number" and required.kind == "id") or (_has_day(v) and required.kind == "date")
    ]
    return borne_out(required, said) or any(borne_out(v, [required]) for v in looser)


def _has_day(value: Value) -> bool:
    return any(month and day for _, month, day in value.days)


def _begins(text: str, position: int) -> bool:
    """Whether a word begins a sentence part, where a capital says nothing."""
    before = text[:position].rstrip(" \"'“‘(")
    return not before or before[-1] in ":.!?–—-•"
