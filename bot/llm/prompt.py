"""Prompts and the gate's words per language: versioned files beside this module, rendered with plain substitution.

It knows no model. Text from outside (customers, documents) goes in between marks that it cannot forge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from bot.engine.claims.words import Words, parse_words
from bot.engine.gate import Gate

_FOLDER = Path(__file__).parent / "prompts"
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_FRONT_MATTER = re.compile(r"\A---\n(?P<head>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
_STEMMERS = {"en": "english"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task's prompt: `system` says what to do, `user` holds what it is done on. `version` goes into logs."""

    task: str
    language: str
    version: int
    system: str
    user: str

    def render(self, values: Mapping[str, str]) -> tuple[str, str]:
        """(system, user) with the variables filled. KeyError names a variable without a value."""
        return _fill(self.system, values), _fill(self.user, values)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values[match[1]], text)


def language_of(locale: str) -> str:
    """The language of a locale: "en-GB" → "en"."""
    return locale.replace("_", "-").split("-")[0].lower()


def speaks(locale: str) -> bool:
    """Whether prompts and the gate's words exist in the language."""
    language = language_of(locale)
    return language.isalpha() and (_FOLDER / language / "gate.yml").is_file()


@lru_cache(maxsize=64)
def prompt(task: str, language: str) -> Prompt:
    """The prompt of a task ("rephrase", "answer", "understand"). FileNotFoundError for a language without one."""
    text = (_FOLDER / language / f"{task}.md").read_text(encoding="utf-8")
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise ValueError(f"prompts/{language}/{task}.md: must begin with front matter that gives its version")
    head = yaml.safe_load(match["head"])
    system, _, user = match["body"].partition("\n---user---\n")
    return Prompt(task, language, int(head["version"]), system.strip(), user.strip())


@lru_cache(maxsize=8)
def gate_words(language: str) -> Words:
    """The gate's words of a language. FileNotFoundError where it has none."""
    data = yaml.safe_load((_FOLDER / language / "gate.yml").read_text(encoding="utf-8"))
    return parse_words(data, _stemmer(_STEMMERS.get(language, "")))


class _stemmer:
    """Stems with a memory: PyStemmer's object is not safe to share between threads without one."""

    def __init__(self, name: str) -> None:
        import Stemmer

        self._stem = Stemmer.Stemmer(name).stemWord if name else str.lower
        self._known: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        stem = self._known.get(word)
        if stem is None:
            stem = self._stem(word)
            if len(self._known) < 200_000:
                self._known[word] = stem
        return stem


def gate_for(locale: str, unknown_words: int = 0) -> Gate | None:
    """The evidence gate of a language, or None where there are no words for one: templates speak there."""
    return Gate(gate_words(language_of(locale)), unknown_words) if speaks(locale) else None


def fenced(text: str, limit: int = 4000) -> str:
    """Foreign text as data: cut, and without anything that looks like one of our marks."""
    return re.sub(
        r"<{2,}|>{2,}|\[\[|\]\]|</?\s*(?:data|act|source|message)[^>]*>", " ", text[:limit], flags=re.IGNORECASE
    ).strip()
