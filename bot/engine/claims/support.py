"""What bears a reply out: everything the draft, the facts and the evidence say, read once for all sentences.

The draft and the facts report what happened and are believed about deeds; evidence is general text of the shop, quoted
but never taken as something that was done for this customer.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.engine.claims.pairing import NAME, Pairs, is_state, records, value_key
from bot.engine.claims.planted import trusted
from bot.engine.claims.statements import DONE, OTHER, PASSIVE, Statement, read, sentences
from bot.engine.claims.values import ANY, ANY_MONEY, Value, decimal_of, find_values, squeezed
from bot.engine.claims.words import Words
from knowledge.models import Evidence, EvidenceKind

_BARE = re.compile(r"[+-]?\d[\d.,']*")
_MONEY_LIKE = re.compile(r".*[.,]\d\d")
_NAMED = (EvidenceKind.PRODUCT, EvidenceKind.REVIEW, EvidenceKind.ORDER_LINE)  # their texts are about their title
_LONG_FACT = 6  # words; a longer fact is prose, required by its values and deeds only


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence of evidence: what is quoted must stand in one, so that two are not mixed into a third thing."""

    groups: frozenset[str]  # those of its title too
    affirmed: frozenset[str]
    denied: frozenset[str]
    values: tuple[Value, ...]


@dataclass(slots=True)
class Support:
    pairs: Pairs
    citable: int = 0
    values: list[Value] = field(default_factory=list)
    currencies: set[str] = field(default_factory=set)
    spellings: set[str] = field(default_factory=set)  # words as written, lower case
    neighbours: set[tuple[str, str]] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    affirmed: set[str] = field(default_factory=set)
    deniable: set[str] = field(default_factory=set)
    believed: set[str] = field(default_factory=set)  # groups of draft and facts
    unconditional: set[str] = field(default_factory=set)
    unlimited: set[str] = field(default_factory=set)
    believed_values: list[Value] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    moods: dict[str, set[str]] = field(default_factory=dict)
    quoted_moods: dict[str, set[str]] = field(default_factory=dict)
    negative: bool = False
    yes: bool = False
    asks: bool = False
    required_citations: set[int] = field(default_factory=set)
    required_values: list[Value] = field(default_factory=list)
    required_names: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    required_deeds: set[str] = field(default_factory=set)
    required_denials: set[str] = field(default_factory=set)

    def take(self, statement: Statement, words: Words, *, believed: bool) -> None:
        """Add one sentence of a source."""
        self.values += statement.values
        self.currencies |= {v.unit for v in statement.values if v.unit.isupper()}
        self.negative = self.negative or bool(statement.negative_clauses)
        self.yes = self.yes or bool(statement.tokens and statement.tokens[0].text.lower() in words.yes)
        spelt = [t.text.lower() for t in statement.tokens]
        self.spellings |= set(spelt)
        self.neighbours |= set(itertools.pairwise(spelt))
        if believed:
            self.believed_values += statement.values
        for token in statement.tokens:
            group = words.group(token.stem)
            self.groups.add(group)
            if token.clause in statement.negative_clauses:
                self.deniable.add(group)
            if not token.negated:
                self.affirmed.add(group)
            if believed:
                self.believed.add(group)
            if not statement.conditional:
                self.unconditional.add(group)
                if believed or not statement.limited:
                    self.unlimited.add(group)
            self._note_mood(group, token.mood, believed)

    def take_name(self, key: str, words: Words) -> None:
        """A field's name lends its words ("price"), without stating anything."""
        names = {words.group(words.stem(part)) for part in re.findall(r"[^\W\d_]+", key.lower())}
        self.groups |= names
        self.believed |= names

    def _note_mood(self, group: str, mood: str, believed: bool) -> None:
        if believed:
            self.moods.setdefault(group, set()).update({mood} | ({DONE} if mood == PASSIVE else set()))
        else:
            self.moods.setdefault(group, set()).add(OTHER if mood == DONE else mood)
            self.quoted_moods.setdefault(group, set()).add(mood)


def build(words: Words, draft: str, facts: Mapping[str, Any], evidence: Sequence[Evidence]) -> Support:
    """Read all sources of one act."""
    support = Support(Pairs(words), citable=len(evidence))
    drafted = [read(s, words) for s, _ in sentences(draft, words.abbreviations)]
    _take_facts(support, facts, words)
    for statement in drafted:
        support.take(statement, words, believed=True)
    evidence = trusted(evidence, words)
    for item in evidence:
        _take_evidence(support, item, words)
    _prefer_written_units(support, drafted)
    _pair(support, drafted, facts, evidence, words)
    _require(support, drafted, draft, facts, words)
    return support


def _take_facts(support: Support, facts: Mapping[str, Any], words: Words) -> None:
    for key, scalar in scalars(facts):
        bare = bare_value(scalar)
        if bare is not None:
            support.values.append(bare)
            support.believed_values.append(bare)
        support.take_name(key, words)
        for text in _said_by(key, scalar):
            for sentence, _ in sentences(text, words.abbreviations):
                support.take(read(sentence, words), words, believed=True)
            if text.strip().lower() in words.currencies:
                support.currencies.add(words.currencies[text.strip().lower()])


def _said_by(key: str, scalar: Any) -> Iterator[str]:
    """A fact in words; a flag is said by its name ("in_stock": no → "not in stock")."""
    if isinstance(scalar, bool):
        yield ("" if scalar else "not ") + key.replace("_", " ")
    elif isinstance(scalar, datetime | date):
        yield scalar.isoformat()
    elif isinstance(scalar, str) and not _BARE.fullmatch(scalar.strip()):
        yield scalar


def _take_evidence(support: Support, item: Evidence, words: Words) -> None:
    titles = [read(title, words) for title in (item.title, *item.headings)]
    named = {words.group(t.stem) for s in titles for t in s.tokens}
    for statement in titles:
        support.take(statement, words, believed=False)
    for text in (item.text, str(item.data.get("quote", ""))):
        for sentence, _ in sentences(text, words.abbreviations):
            statement = read(sentence, words)
            support.take(statement, words, believed=False)
            support.passages.append(_passage(statement, named, words))


def _passage(statement: Statement, named: set[str], words: Words) -> Passage:
    groups = [(words.group(t.stem), t) for t in statement.tokens]
    return Passage(
        frozenset(named | {g for g, _ in groups}),
        frozenset(g for g, t in groups if not t.negated),
        frozenset(g for g, t in groups if t.clause in statement.negative_clauses),
        statement.values,
    )


def scalars(facts: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(name, value) of every plain value in nested facts."""
    if isinstance(facts, Mapping):
        for name, value in facts.items():
            yield from scalars(value, str(name))
    elif isinstance(facts, Sequence | set | frozenset) and not isinstance(facts, str | bytes):
        for value in facts:
            yield from scalars(value, key)
    elif facts is not None:
        yield key, facts


def bare_value(scalar: Any) -> Value | None:
    """A number without words: its unit is open, unless it is written like money."""
    if isinstance(scalar, bool) or not isinstance(scalar, int | float | Decimal | str):
        return None
    text = str(scalar).strip()
    if not _BARE.fullmatch(text):
        return None
    try:
        number = abs(decimal_of(text.lstrip("+-")))
    except ArithmeticError:  # "1.2.3" is no number
        return Value("id", squeezed(text), 0, 0)
    return Value("number", f"{number}", 0, 0, number, unit=ANY_MONEY if _MONEY_LIKE.fullmatch(text) else ANY)


def _prefer_written_units(support: Support, drafted: Sequence[Statement]) -> None:
    """Where the draft writes a number with its unit, the bare fact leaves the unit open no more."""
    written = {v.number for s in drafted for v in s.values if v.kind in ("number", "range") and v.unit}
    written |= {v.high for s in drafted for v in s.values if v.high is not None}
    support.values = [v for v in support.values if not (v.unit == ANY and v.number in written)]
    support.believed_values = [v for v in support.believed_values if not (v.unit == ANY and v.number in written)]


def _pair(
    support: Support, drafted: Sequence[Statement], facts: Mapping[str, Any], evidence: Sequence[Evidence], words: Words
) -> None:
    found = records(facts, words)
    for name in (anchor for record in found for anchor in record.anchors):
        support.pairs.add_thing(name)
    for item in evidence:
        if item.kind in _NAMED:
            support.pairs.add_thing(item.title)
    for statement in drafted:
        support.pairs.learn_context(statement)
        for name in _names(statement, support.pairs, words):
            support.pairs.add_thing(name, NAME)
        for value in statement.values:
            if value.kind == "id" and value.key not in support.pairs.signs:
                support.pairs.add_thing(statement.text[value.start : value.end])
    for record in found:
        _own_scalars(support, record.anchors, record.scalars, words)
    carry: dict[str, tuple[str, ...]] = {}
    for statement in drafted:
        carry = support.pairs.learn(statement, carry)
    for item in evidence:
        if item.kind in _NAMED:
            start: dict[str, tuple[str, ...]] = {"thing": (item.title,)}
            for sentence, _ in sentences(item.text, words.abbreviations):
                start = support.pairs.learn(read(sentence, words), start)


def _names(statement: Statement, pairs: Pairs, words: Words) -> list[str]:
    """Capitalised words inside a sentence that are no known thing; neighbours are one name."""
    names: list[tuple[str, int]] = []
    for token in statement.tokens:
        if token.start == 0 or not token.text[0].isupper() or token.stem in pairs.signs or token.stem in words.harmless:
            continue
        if names and statement.text[names[-1][1] : token.start] == " ":
            names[-1] = (f"{names[-1][0]} {token.text}", token.start + len(token.text))
        else:
            names.append((token.text, token.start + len(token.text)))
    return [name for name, _ in names]


def _own_scalars(support: Support, anchors: Sequence[str], values: Sequence[Any], words: Words) -> None:
    for scalar in values:
        bare = bare_value(scalar)
        if bare is not None:
            support.pairs.own(anchors, value_key(bare))
        elif isinstance(scalar, str):
            for value in find_values(words.rewrite(scalar), words):
                support.pairs.own(anchors, value_key(value))
            if is_state(scalar):
                for token in read(scalar, words).tokens:
                    support.pairs.own(anchors, ("word", words.group(token.stem), token.negated))


def _require(
    support: Support, drafted: Sequence[Statement], draft: str, facts: Mapping[str, Any], words: Words
) -> None:
    """What the draft says and a reply may not leave out."""
    for statement in drafted:
        support.required_values += statement.values
        support.required_citations |= set(statement.citations)
        support.asks = support.asks or statement.question
        for token in statement.tokens:
            if token.stem in words.actions and not statement.question:
                group = words.group(token.stem)
                if group in words.vague:
                    continue
                if token.negated:
                    support.required_denials.add(group)
                elif token.mood in (DONE, PASSIVE):
                    support.required_deeds.add(group)
    low = draft.lower()
    for _, scalar in scalars(facts):
        if isinstance(scalar, str) and scalar.strip() and scalar.lower() in low and len(scalar.split()) <= _LONG_FACT:
            stems = frozenset(words.group(t.stem) for t in read(scalar, words).tokens if t.stem not in words.harmless)
            if stems:
                support.required_names.append((scalar, stems))
