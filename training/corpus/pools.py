"""The written data of the corpus, read once: random pieces of it. Knows no shops and no tasks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from knowledge.errors import DataError
from training.corpus.grammar import expand

_HERE = Path(__file__).parent
_CAPITALS, _SMALL, _DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789abcdef", "0123456789"
_DRAWN = {"#": _DIGITS, "@": _CAPITALS, "%": _CAPITALS + _DIGITS, "~": _SMALL}


@lru_cache(maxsize=256)
def data(language: str, path: str) -> Any:
    """What a file of the corpus holds, such as `facts/money`. DataError names a file that is missing or unreadable."""
    file = _HERE / language / f"{path}.yml"
    try:
        return yaml.safe_load(file.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:160]
        raise DataError(f"{language}/{path}.yml", f"cannot be read: {why}", remedy="mend or restore it") from error


def pick(rng: random.Random, ways: Sequence[str]) -> str:
    """One of the phrasings, expanded."""
    return expand(str(rng.choice(ways)), rng)


def pattern(text: str, rng: random.Random) -> str:
    r"""`#` a digit, `@` a capital, `%` either, `~` a hex digit; `\#` the sign itself."""
    pieces, escaped = list[str](), False
    for letter in text:
        if escaped or (letter not in _DRAWN and letter != "\\"):
            pieces.append(letter)
            escaped = False
        elif letter == "\\":
            escaped = True
        else:
            pieces.append(rng.choice(_DRAWN[letter]))
    return "".join(pieces)


def some(rng: random.Random, items: Sequence[Any], least: int, most: int) -> list[Any]:
    """Between `least` and `most` different ones, few more often than many."""
    most = min(most, len(items))
    number = min(least + int(rng.expovariate(0.7)), most) if most > least else most
    return rng.sample(list(items), max(number, min(least, len(items))))
