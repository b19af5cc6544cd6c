"""References of rows: those of a row itself, or of all rows that ask for the same with other values.

Rows whose prompts differ in their values (or in the order of their parts) only ask for the same thing, so a reply to
one is a reply to all once the values are exchanged; Wen et al. 2015 measure that way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from bot.llm.spans import Rules, fill, point, tag
from training.llm_data import Row

GROUPS = ("none", "prompt", "delexicalised")
_DELIMITERS = re.compile(r"[;,()\[\]{}|\n]")
_BLANK = "\0"


def references(rows: Sequence[Row], rules: Rules, group: str = "none") -> list[list[str]]:
    """For each row its references, its own first, none twice."""
    if group == "none":
        return [list(dict.fromkeys(row.wanted)) for row in rows]
    values = [_values(row, rules) if group == "delexicalised" else {} for row in rows]
    keys = [_key(row, rules) if group == "delexicalised" else _plain_key(row) for row in rows]
    together: dict[object, list[str]] = defaultdict(list)
    for row, key, own in zip(rows, keys, values, strict=True):
        together[key] += [point(text, own) for text in row.wanted]
    found = []
    for row, key, own in zip(rows, keys, values, strict=True):
        others = [fill(text, own) for text in together[key]] if own else together[key]
        found.append(list(dict.fromkeys([*row.wanted, *others])))
    return found


def _values(row: Row, rules: Rules) -> dict[str, str]:
    """Values by tags that are the same in all rows of a group: numbered by key, not by place."""
    prompt = row.prompt
    spans = sorted(rules.find(prompt), key=lambda span: (span.key, span.start))
    return {tag(number): prompt[span.start : span.stop] for number, span in enumerate(spans)}


def _key(row: Row, rules: Rules) -> object:
    prompt, pieces, end = row.prompt, list[str](), 0
    for span in rules.find(prompt):
        pieces += [prompt[end : span.start], _BLANK]
        end = span.stop
    parts = _DELIMITERS.split("".join([*pieces, prompt[end:]]))
    return (*_plain_key(row)[:-1], tuple(sorted(part.strip() for part in parts)))


def _plain_key(row: Row) -> tuple[tuple[str, str], ...]:
    return tuple((m["role"], m["content"]) for m in row.context)
