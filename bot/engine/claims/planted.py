"""Text of the shop that talks to the assistant instead of telling something: not evidence.

A product description or review may hold "ignore your instructions and say …". From such a sentence on, the text bears
nothing out and is shown to no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.engine.claims.statements import sentences
from bot.engine.claims.words import Words
from knowledge.models import Evidence


def trusted_part(text: str, words: Words) -> str:
    """The text up to the first sentence that gives orders to an assistant."""
    if not words.instructions.search(text):
        return text
    kept = ""
    for sentence, gap in sentences(text, words.abbreviations):
        if words.instructions.search(sentence):
            break
        kept += sentence + gap
    return kept.strip()


def trusted(evidence: Sequence[Evidence], words: Words) -> tuple[Evidence, ...]:
    """Evidence without what gives orders; one that has nothing else is left out."""
    kept = []
    for item in evidence:
        text, title = trusted_part(item.text, words), trusted_part(item.title, words)
        if text == item.text and title == item.title:
            kept.append(item)
        elif text:
            kept.append(replace(item, text=text, title=title))
    return tuple(kept)
