"""The few sentences that are said outside any flow, one YAML file per language."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent
_FALLBACK = "en"


def say(name: str, locale: str) -> str:
    """The text `name` in the language of `locale` ("de-AT" → de), else in English. Raises KeyError for no such name."""
    language = locale.replace("_", "-").split("-")[0].lower()
    texts = _load(language) or _load(_FALLBACK)
    return texts.get(name) or _load(_FALLBACK)[name]


@lru_cache(maxsize=64)
def _load(language: str) -> dict[str, str]:
    path = _FOLDER / f"{language}.yml"
    if not language.isalpha() or not path.is_file():
        return {}
    texts: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return texts
