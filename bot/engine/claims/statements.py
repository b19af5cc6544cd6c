"""One sentence, read for what it states: words with their polarity and mood, clause by clause, and its values.

Negation is scoped by rule (NegEx: Chapman et al. 2001, "A simple algorithm for identifying negated findings", with
clauses as windows): it reaches from the negator to the end of its clause, and over the whole clause where what is
negated is a possibility ("cancelling is not possible").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.engine.claims.values import Value, find_values
from bot.engine.claims.words import Words

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_CITATION = re.compile(r"\s*\[(\d{1,2})\]")
_END = re.compile(r"([.!?]+[\"'”’)\]]*(?:\s*\[\d{1,2}\])*)(\s+)|([。！？]+[”’」）]*)(\s*)|(\s*\n+\s*)")
_LIST_MARK = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}[.)]\s+)")
_REACH = 6  # tokens before a verb in which its auxiliary stands

ASK, DONE, FUTURE, PROMISE, CAN, PASSIVE, OTHER = "ask", "done", "future", "promise", "can", "passive", "other"


@dataclass(frozen=True, slots=True)
class Token:
    text: str  # as written
    stem: str
    start: int
    clause: int
    negated: bool = False  # right of a negator in its clause, or in a clause whose possibility is negated
    stated: bool = False  # right of a copula or modal
    mood: str = OTHER  # of words for deeds only


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` is the rewritten sentence that positions refer to."""

    text: str
    tokens: tuple[Token, ...]
    values: tuple[Value, ...]
    clauses: tuple[tuple[int, int], ...]
    negative_clauses: frozenset[int]
    question: bool
    conditional: bool
    limited: bool  # "within", "usually": narrows a general statement
    citations: tuple[int, ...]

    def clause_at(self, position: int) -> int:
        return next((i for i, (_, end) in enumerate(self.clauses) if position < end), len(self.clauses) - 1)


def sentences(text: str, abbreviations: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """(sentence, what separates it from the next). Nothing is lost: joining all pieces gives the text back."""
    pieces: list[tuple[str, str]] = []
    start = 0
    for match in _END.finditer(text):
        mark, gap = match[1] or match[3] or "", match[2] or match[4] or match[5] or ""
        end = match.start() + len(mark)
        if mark.startswith(".") and _is_abbreviation(text[start : match.start()], abbreviations):
            continue
        if text[start:end].strip():
            pieces.append((text[start:end], gap))
        start = match.end()
    if text[start:].strip():
        pieces.append((text[start:], ""))
    return pieces


def _is_abbreviation(before: str, abbreviations: frozenset[str]) -> bool:
    """Like "No.", "e.g.", an initial, or a list's number."""
    word = before.rsplit(None, 1)[-1] if before.strip() else ""
    bare = word.lstrip("(\"'").lower()
    return (
        bare in abbreviations
        or (len(bare) == 1 and bare.isalpha() and word[-1].isupper())
        or (before.strip().isdigit() and len(before.strip()) < 3)
    )


def read(sentence: str, words: Words) -> Statement:
    """Analyse one sentence."""
    citations = tuple(int(n) for n in _CITATION.findall(sentence))
    text = words.rewrite(_LIST_MARK.sub("", _CITATION.sub("", sentence))).strip()
    values = find_values(text, words)
    bounds = _clauses(text, values, words)
    tokens = tuple(_tokens(text, values, bounds, words))
    statement = Statement(
        text,
        tokens,
        values,
        bounds,
        frozenset(),
        text.rstrip("\"')").endswith(("?", "？")),
        bool(words.conditions.search(text)),
        bool(words.limits.search(text)),
        citations,
    )
    return _with_moods(_with_polarity(statement, words), words)


def _clauses(text: str, values: tuple[Value, ...], words: Words) -> tuple[tuple[int, int], ...]:
    """Spans; a comma begins a clause only before a subject, a mark inside a value never does."""
    cuts: list[int] = []
    for match in words.breaks.finditer(text):
        if not any(v.start < match.end() and match.start() < v.end for v in values):
            cuts.append(match.start())
    for match in re.finditer(r"[,，]\s*([^\W\d_]+)", text):
        if match[1].lower() in words.subjects and not any(v.start <= match.start() < v.end for v in values):
            cuts.append(match.start())
    edges = [0, *sorted(set(cuts) - {0}), len(text)]
    return tuple(itertools.pairwise(edges))


def _tokens(
    text: str, values: tuple[Value, ...], clauses: tuple[tuple[int, int], ...], words: Words
) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        if any(v.start <= match.start() < v.end for v in values):
            continue
        clause = next((i for i, (_, end) in enumerate(clauses) if match.start() < end), 0)
        yield Token(match[0], words.stem(match[0].lower()), match.start(), clause)


def _with_polarity(statement: Statement, words: Words) -> Statement:
    """Mark what is negated and what is stated of something, clause by clause."""
    marked: list[Token] = []
    negative: set[int] = set()
    for number in range(len(statement.clauses)):
        tokens = [t for t in statement.tokens if t.clause == number]
        negators = [i for i, t in enumerate(tokens) if t.text.lower() in words.negators]
        carrier = next((i for i, t in enumerate(tokens) if t.text.lower() in words.carriers), len(tokens))
        if negators:
            negative.add(number)
        odd = [sum(n < i for n in negators) % 2 == 1 for i in range(len(tokens))]
        whole = any(odd[i] and t.stem in words.modality for i, t in enumerate(tokens))
        marked += [
            replace(t, negated=odd[i] or (whole and i < (negators[0] if negators else 0)), stated=i > carrier)
            for i, t in enumerate(tokens)
        ]
    return replace(statement, tokens=tuple(marked), negative_clauses=frozenset(negative))


def _with_moods(statement: Statement, words: Words) -> Statement:
    tokens = [
        replace(t, mood=_mood(statement, i, words)) if t.stem in words.actions or _is_participle(t.text, words) else t
        for i, t in enumerate(statement.tokens)
    ]
    return replace(statement, tokens=tuple(tokens))


def _mood(statement: Statement, index: int, words: Words) -> str:
    """Whether a deed is asked about, done, promised, possible, done as a rule, or only named."""
    token = statement.tokens[index]
    if statement.question:
        return ASK
    before = _words_before(statement, index, words)
    for position in range(len(before) - 1, -1, -1):
        if before[position] in words.future:
            return PROMISE if words.first_person & set(before[: position + 1]) else FUTURE
        if before[position] in words.ability:
            return CAN
        if before[position] in words.perfect and _is_participle(token.text, words):
            return DONE
    if words.present_be & set(before) and token.text.lower().endswith(words.progressive):
        return PROMISE if words.first_person & set(before) else PASSIVE
    if not _is_participle(token.text, words):
        return OTHER
    if not before or before[-1] in words.first_person or (len(before) > 1 and before[-2] in words.first_person):
        return DONE
    return PASSIVE if words.present_be & set(before) else OTHER


def _words_before(statement: Statement, index: int, words: Words) -> list[str]:
    """What stands before a verb in its clause; one that begins with it shares the one before ("ahead and sent")."""
    near = statement.tokens[max(0, index - _REACH) : index]
    clause = statement.tokens[index].clause
    own = [t.text.lower() for t in near if t.clause == clause and not words.breaks.fullmatch(t.text)]
    return own or [t.text.lower() for t in near]


def _is_participle(text: str, words: Words) -> bool:
    low = text.lower()
    return low in words.irregular or (low.endswith(words.endings) and len(low) > 4)
