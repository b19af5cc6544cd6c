"""Which value belongs to which thing: "the jacket is $120, the tent $80" must not become "the tent is $120".

Things are what records of the facts are about (their title, number …), names in the draft, and ways money goes
(refund, charge). In a text a value belongs to the nearest thing of its clause, else the last one named before it.
It knows nothing of whether a value is true at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.engine.claims.statements import Statement
from bot.engine.claims.values import Value, squeezed
from bot.engine.claims.words import Words

THING, NAME, DIRECTION = "thing", "name", "direction"
Key = tuple[str, str, bool]
_WORDS_OF_A_STATE = 3


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the facts: what it is about, and the plain values in it."""

    anchors: tuple[str, ...]
    scalars: tuple[Any, ...]


@dataclass(slots=True)
class Pairs:
    """The things of a reply's sources and what belongs to them."""

    words: Words
    signs: dict[str, set[str]] = field(default_factory=dict)  # stem or id → things it may mean
    family: dict[str, str] = field(default_factory=dict)
    owners: dict[tuple[str, Key], set[str]] = field(default_factory=dict)
    contexts: dict[Key, set[str]] = field(default_factory=dict)  # number → the words its clauses hold

    def add_thing(self, name: str, family: str = THING) -> None:
        if name in self.family:
            return
        self.family[name] = family
        stems = {self.words.stem(w) for w in re.findall(r"[^\W\d_]+", self.words.rewrite(name).lower())}
        ids = {squeezed(w) for w in name.split() if any(c.isdigit() for c in w)}
        for sign in (stems - self.words.harmless) | ids:
            self.signs.setdefault(sign, set()).add(name)

    def own(self, things: Iterable[str], key: Key) -> None:
        for thing in things:
            self.owners.setdefault((self.family[thing], key), set()).add(thing)

    def learn(self, statement: Statement, carry: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Take over what a source's sentence pairs; returns the things it named last, by family."""
        for family in (THING, NAME, DIRECTION):
            named = self._named(statement, family)
            for position, key in self._keys(statement):
                if family != DIRECTION or key[0] == "number":
                    self.own(self._belongs_in_source(statement, position, named, carry.get(family, ())), key)
        return self._carry(statement, carry)

    def wrong(self, statement: Statement, carry: Mapping[str, tuple[str, ...]]) -> str:
        """The first value that a sentence gives to a thing it does not belong to, or ""."""
        if strayed := self._strayed(statement):
            return strayed
        for family in (THING, NAME, DIRECTION):
            named = self._named(statement, family)
            for position, key in self._keys(statement):
                owners = self.owners.get((family, key), set())
                given = _nearest(statement, position, named) or carry.get(family, ())
                if owners and given and not owners & set(given):
                    return f"'{key[1]}' belongs to {', '.join(sorted(owners))}, not to {', '.join(given)}"
        return ""

    def learn_context(self, statement: Statement) -> None:
        """Note which words stand by a number in a draft: "the card has $20, and $45 is needed"."""
        for value in statement.values:
            if value.kind == "number":
                self.contexts.setdefault(value_key(value), set()).update(self._beside(statement, value))

    def _strayed(self, statement: Statement) -> str:
        """A number among words that stand by other numbers only."""
        for value in statement.values:
            own = self.contexts.get(value_key(value))
            if own is None:
                continue
            beside = self._beside(statement, value)
            if beside & own:
                continue
            others = set().union(*(words for key, words in self.contexts.items() if key != value_key(value)))
            if beside & others:
                return f"'{value.key}' stands by '{min(beside & others)}'"
        return ""

    def _beside(self, statement: Statement, value: Value) -> set[str]:
        clause = statement.clause_at(value.start)
        near = (t for t in statement.tokens if t.clause == clause and t.stem not in self.words.harmless)
        return {self.words.group(t.stem) for t in near}

    def carry(self, statement: Statement, before: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """The things a following sentence may mean by "it"."""
        return self._carry(statement, before)

    def _carry(self, statement: Statement, before: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        found = {
            family: tuple(dict.fromkeys(name for _, name in self._named(statement, family))) for family in (THING, NAME)
        }
        return {family: names or before.get(family, ()) for family, names in found.items()}

    def _named(self, statement: Statement, family: str) -> list[tuple[int, str]]:
        """(position, thing) for each word or id that can mean one thing of the family only."""
        if family == DIRECTION:
            groups = ((t.start, self.words.actions.get(t.stem, "")) for t in statement.tokens)
            return [(start, self._direction(group)) for start, group in groups if group in self.words.directions]
        signs = [(t.start, t.stem) for t in statement.tokens] + [
            (v.start, v.key) for v in statement.values if v.kind == "id"
        ]
        found = []
        for position, sign in sorted(signs):
            things = {name for name in self.signs.get(sign, ()) if self.family[name] == family}
            if len(things) == 1:
                found.append((position, next(iter(things))))
        return found

    def _direction(self, group: str) -> str:
        name = f"a {group}"
        self.family.setdefault(name, DIRECTION)
        return name

    def _keys(self, statement: Statement) -> Iterator[tuple[int, Key]]:
        """(position, key) of values, and of words that state something."""
        for value in statement.values:
            if not (value.kind == "id" and value.key in self.signs):
                yield value.start, value_key(value)
        for token in statement.tokens:
            if token.stem in self.words.harmless or token.stem in self.signs:
                continue
            if (
                token.stated
                or token.stem in self.words.actions
                or ("word", self.words.group(token.stem), token.negated) in self._states
            ):
                yield token.start, ("word", self.words.group(token.stem), token.negated)

    @property
    def _states(self) -> set[Key]:
        return {key for family, key in self.owners if family == THING}

    def _belongs_in_source(
        self, statement: Statement, position: int, named: Sequence[tuple[int, str]], carry: tuple[str, ...]
    ) -> tuple[str, ...]:
        return _nearest(statement, position, named) or carry


def value_key(value: Value) -> Key:
    """Without the unit: the same amount may be written with or without it."""
    if value.kind == "date":
        return ("date", "/".join(f"{m}-{d}" for _, m, d in value.days), False)
    return (value.kind, value.key, False)


def _nearest(statement: Statement, position: int, named: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    place = _segment(statement, position)
    here = [(abs(at - position), name) for at, name in named if _segment(statement, at) == place]
    if here:
        return (min(here)[1],)
    before = [name for at, name in named if at < position]
    after = [name for at, name in named if at >= position]
    return (before[-1],) if before else tuple(after[:1])


def _segment(statement: Statement, position: int) -> tuple[int, int]:
    """The clause, and within it the stretch between commas."""
    commas = [at for at, sign in enumerate(statement.text[:position]) if sign in ",，"]
    return statement.clause_at(position), sum(
        1 for at in commas if not any(v.start <= at < v.end for v in statement.values)
    )


def records(facts: Any, words: Words, above: tuple[str, ...] = ()) -> list[Record]:
    """Records of nested facts: a value belongs to its record, to what contains it and to its parts."""
    if isinstance(facts, Mapping):
        return _record(facts, words, above)
    if isinstance(facts, Sequence) and not isinstance(facts, str | bytes):
        return [record for item in facts for record in records(item, words, above)]
    return []


def _record(facts: Mapping[str, Any], words: Words, above: tuple[str, ...]) -> list[Record]:
    own = tuple(str(v) for k, v in facts.items() if k in words.anchors and isinstance(v, str) and v.strip())
    nested = [r for v in facts.values() for r in records(v, words, (*above, *own))]
    scalars = tuple(v for k, v in facts.items() if not isinstance(v, Mapping | list | tuple) and k not in words.anchors)
    below = tuple(name for record in nested for name in record.anchors)
    mine = [Record(tuple(dict.fromkeys((*own, *above, *below))), scalars)] if own else []
    return [*mine, *nested]


def is_state(text: str) -> bool:
    """A short value in words, like a status or a colour."""
    return 0 < len(text.split()) <= _WORDS_OF_A_STATE
