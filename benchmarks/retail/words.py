"""Whether what had to be said was said: tokens in order, whatever the case, currency signs and thousands separators."""

from __future__ import annotations

import re
from collections.abc import Iterable

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_TOKEN = re.compile(r"\d+\.\d+|\w+")
_DECIMAL = re.compile(r"\d+\.\d+")


def tokens(text: str) -> list[str]:
    """Lower-case words and numbers; `$1,288.60` and `1288.6` are the same token."""
    found = _TOKEN.findall(_THOUSANDS.sub("", text.lower()))
    return [t.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(t) else t for t in found]


def missing_words(must_say: Iterable[str], said: Iterable[str]) -> list[str]:
    """Those of `must_say` that stand in none of the texts."""
    texts = [tokens(text) for text in said]
    return [word for word in must_say if not any(_within(tokens(word), text) for text in texts)]


def _within(wanted: list[str], text: list[str]) -> bool:
    return any(text[i:i + len(wanted)] == wanted for i in range(len(text) - len(wanted) + 1))
