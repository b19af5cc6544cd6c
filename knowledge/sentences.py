"""Splits shown text into sentences that can stand alone: prose, list items, "key: value" attributes, table rows.

It knows punctuation, no language's words; abbreviations are told by shape (one letter, or a lower-case word following).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LINE = re.compile(r"\s*(?:[-*+•–]|\d{1,3}[.)]|#{1,6}|>)?\s*(.*\S)?")
_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\Wa-z_])|(?<=[。！？])")
_ABBREVIATED = re.compile(r"(?:\b[^\W\d_]|\b(?:e\.g|i\.e|approx|vs|no|nr|mr|mrs|dr))\.$", re.IGNORECASE)
LONGEST = 400             # characters: a longer one is no sentence to quote


def sentences(text: str) -> list[str]:
    """In order, without list signs; a question stands with what follows, since that answers it.

    A line goes on in the next one unless that is a list item.
    """
    found: list[str] = []
    for paragraph in _paragraphs(text):
        found += _split(paragraph)
    return [sentence for sentence in found if any(c.isalnum() for c in sentence)]


def place_of(headings: Sequence[str], title: str) -> str:
    """Where a text stands, in words: "Returns and refunds, What it costs you"."""
    return ", ".join(headings) if headings else title


def in_place(text: str, headings: Sequence[str], title: str) -> str:
    """The text with where it stands, as the encoder should read it."""
    return f"{place_of(headings, title)}. {text}"


def _paragraphs(text: str) -> list[str]:
    paragraphs: list[str] = []
    open_line = False
    for line in text.splitlines():
        content = (_LINE.fullmatch(line) or [None, None])[1]
        if not content:
            open_line = False
            continue
        item = content != line.strip()
        if open_line and not item:
            paragraphs[-1] += f" {content}"
        else:
            paragraphs.append(content)
        open_line = True
    return paragraphs


def _split(paragraph: str) -> list[str]:
    parts: list[str] = []
    for part in _END.split(paragraph):
        if parts and (_ABBREVIATED.search(parts[-1]) or parts[-1].endswith(("?", "？"))):
            parts[-1] = f"{parts[-1]} {part}"
        elif part.strip():
            parts.append(part.strip())
    return [part[:LONGEST] for part in parts]
