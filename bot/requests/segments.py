"""A message cut into the parts that each ask for one thing.

Sentences first, then before a conjunction that opens a new act ("…, and also cancel …"). What kind of act a part is,
the reader says; here only the places to cut are found.
"""

from __future__ import annotations

import re

from bot.requests.lexicon import Lexicon

_SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=\S)|\n+")
_ABBREVIATION = re.compile(r"\b(?:st|ave|apt|mr|mrs|ms|dr|no|e\.g|i\.e|vs|approx|inc|ste|blvd|rd)\.$", re.IGNORECASE)


def segments(text: str, lexicon: Lexicon) -> list[str]:
    """The parts in order, none empty. Joined with spaces they are the message again, conjunctions aside."""
    parts: list[str] = []
    for sentence in _sentences(text):
        parts += _cut_acts(sentence, lexicon)
    return [part for part in (p.strip(" ,;\n\t") for p in parts) if part]


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    for piece in _SENTENCE.split(text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def _cut_acts(sentence: str, lexicon: Lexicon) -> list[str]:
    """Cut before ", and" / "then" / "also" where an act's verb follows within a few words."""
    conjunction, verb = lexicon.pattern("conjunction"), lexicon.pattern("act_verbs")
    if lexicon.said(sentence, "condition_start"):
        return [sentence]
    cuts = [0]
    for match in conjunction.finditer(sentence):
        following = sentence[match.end() :].lstrip(" ,")
        opens = verb.match(following) or verb.match(_without_opening(following, lexicon))
        before = sentence[cuts[-1] : match.start()]
        if opens and verb.search(before):
            cuts.append(match.start())
    pieces = [sentence[a:b] for a, b in zip(cuts, [*cuts[1:], len(sentence)], strict=True)]
    return [
        conjunction.sub("", piece, count=1) if i and conjunction.match(piece) else piece
        for i, piece in enumerate(pieces)
    ]


def _without_opening(text: str, lexicon: Lexicon) -> str:
    """ "I'd like to", "can you please" before the verb carry nothing."""
    match = lexicon.pattern("openings").match(text)
    while match:
        text = text[match.end() :].lstrip(" ,")
        match = lexicon.pattern("openings").match(text)
    return text
