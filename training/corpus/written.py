"""The written data of a language, read once: responses with their plans, openers, cues, moods and customers' messages.

It checks what it reads and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

import bot
from bot.assistant_files import SHIPPED
from bot.engine.responses import Response, parse_responses
from knowledge.errors import DataError
from training.corpus.grammar import NotGrammar, parse
from training.intent_data import read_examples

FOLDER = Path(__file__).parent
KINDS = ("good", "bad", "ask", "info", "talk")
ANY = "*"


@dataclass(frozen=True, slots=True)
class Entry:
    """How one response may be said. `after`: intents of the messages it follows; `plans`: grammar, facts in braces.
    `lead`: whether an opener, or an answer to what the customer added, may come before it."""

    name: str
    kind: str
    after: tuple[str, ...]
    plans: tuple[str, ...]
    lead: bool = True


@dataclass(frozen=True, slots=True)
class Cue:
    """What a customer adds, and what a clerk answers to just that, by kind of reply."""

    messages: tuple[str, ...]
    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Written:
    language: str
    entries: Mapping[str, Entry]
    templates: Mapping[str, Response]
    openers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)  # kind → mood → grammar
    closers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cues: Mapping[str, Cue] = field(default_factory=dict)
    moods: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)  # mood → before|after → grammar
    messages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # intent → what customers write


@lru_cache(maxsize=4)
def read_written(language: str) -> Written:
    """Everything of the language's rephrase folder. Raises DataError naming file and entry."""
    folder = FOLDER / language / "rephrase"
    openers, moods = _optional(folder / "openers.yml"), _optional(folder / "messages.yml")
    templates = _templates(language)
    return Written(
        language,
        _entries(folder, templates),
        templates,
        {k: {m: _grammar(folder, v) for m, v in by.items()} for k, by in (openers.get("openers") or {}).items()},
        {k: _grammar(folder, v) for k, v in (openers.get("closers") or {}).items()},
        {name: _cue(folder, cue) for name, cue in (openers.get("cues") or {}).items()},
        {m: {k: _grammar(folder, v) for k, v in by.items()} for m, by in (moods.get("mood") or {}).items()},
        _messages(language),
    )


def _templates(language: str) -> dict[str, Response]:
    path = SHIPPED / language / "responses.yml"
    if not path.is_file():
        path = SHIPPED / "en" / "responses.yml"
    parsed = parse_responses(yaml.safe_load(path.read_text(encoding="utf-8"))["responses"])
    return {name.removeprefix("utter_"): response for name, response in parsed.items()}


def _entries(folder: Path, templates: Mapping[str, Response]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for path in sorted(folder.glob("*.yml")):
        if path.stem in ("openers", "messages"):
            continue
        for name, data in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            if name not in templates:
                raise DataError(str(path), f"'{name}' is no response", remedy="use a name of responses.yml without utter_")
            if name in entries:
                raise DataError(str(path), f"'{name}' is written twice", remedy="put its plans into one entry")
            if data.get("kind") not in KINDS:
                raise DataError(str(path), f"'{name}': kind '{data.get('kind')}'", remedy=f"use one of {', '.join(KINDS)}")
            plans = _grammar(path, data.get("plans") or ())
            if not plans:
                raise DataError(str(path), f"'{name}' has no plans", remedy="write at least one")
            entries[name] = Entry(name, data["kind"], tuple(data.get("after") or (ANY,)), plans, data.get("lead", True))
    return entries


def _cue(path: Path, data: Mapping[str, Any]) -> Cue:
    answers = {kind: _grammar(path, data[kind]) for kind in KINDS if data.get(kind)}
    return Cue(_grammar(path, data.get("message") or ()), answers)


def _grammar(path: Path, texts: Sequence[str]) -> tuple[str, ...]:
    for text in texts:
        try:
            parse(str(text))
        except NotGrammar as error:
            raise DataError(str(path), str(error), remedy="close every bracket, or write it as \\( or \\[") from error
    return tuple(str(text) for text in texts)


def _optional(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def _messages(language: str) -> dict[str, tuple[str, ...]]:
    folder = Path(bot.__file__).parent / "assistant" / language / "nlu"
    found: dict[str, list[str]] = {}
    for example in read_examples(folder) if folder.is_dir() else ():
        found.setdefault(example.label, []).append(example.text)
    own = _optional(FOLDER / language / "rephrase" / "messages.yml").get("messages") or {}
    for label, texts in own.items():
        found.setdefault(label, []).extend(map(str, texts))
    return {label: tuple(texts) for label, texts in found.items()}
