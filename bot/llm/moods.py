"""What mood a message is written in, by its words and marks: for the tone of a reply, never for a decision.

The words are data: `prompts/LANGUAGE/moods.yml`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent / "prompts"
NEUTRAL = "neutral"


def mood_of(message: str, language: str) -> str:
    """One of `forms.rephrase.MOODS`: the first in the file's order that has a sign in the message."""
    return next((mood for mood, sign in _signs(language) if sign.search(message)), NEUTRAL)


@lru_cache(maxsize=8)
def _signs(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    path = _FOLDER / language / "moods.yml"
    if not path.is_file():
        return ()
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple((mood, re.compile("|".join(f"(?:{s})" for s in signs))) for mood, signs in data["moods"].items())
