"""Responses `utter_*`: the texts of a language, with variables and variations, in Rasa's domain format.

    responses:
      utter_cancelled:
        - text: "Done: order {order_number} is cancelled. {refund}"
        - text: "…"                       a variation
      utter_confirm:
        - text: "…"
          metadata: {verbatim: true}      said as written, never rephrased

A variable that has no value empties the sentence it stands in, so that an optional fact needs no second template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.ports import Act

_VARIABLE = re.compile(r"\{(\w+)\}")
_SENTENCES = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Response:
    texts: tuple[str, ...]
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Responses:
    """locale → name → response."""

    by_locale: Mapping[str, Mapping[str, Response]]
    fallback_locale: str = "en"

    def render(self, act: Act, locale: str, variation: int = 0) -> str:
        """The act's text in the language (or the fallback language), with its facts. KeyError for an unknown response."""
        response = self._find(act.response, locale)
        text = response.texts[variation % len(response.texts)]
        return fill(text, act.facts)

    def is_verbatim(self, name: str) -> bool:
        return self._find(name, self.fallback_locale).verbatim

    def texts(self, name: str, locale: str) -> tuple[str, ...]:
        """The variations of a response in a language (or the fallback language)."""
        return self._find(name, locale).texts

    def variables(self, name: str, locale: str) -> tuple[str, ...]:
        """The facts its texts speak of, in the order they are named."""
        return variables(self.texts(name, locale))

    def knows(self, name: str) -> bool:
        return name in self.by_locale[self.fallback_locale]

    def _find(self, name: str, locale: str) -> Response:
        spoken = self.by_locale.get(locale.split("-")[0], {})
        return spoken.get(name) or self.by_locale[self.fallback_locale][name]


def variables(texts: Sequence[str]) -> tuple[str, ...]:
    """The variables of texts, in the order they are first named."""
    return tuple(dict.fromkeys(v for text in texts for v in _VARIABLE.findall(text)))


def fill(text: str, facts: Mapping[str, Any]) -> str:
    """Put the facts in; drop each sentence with a variable that has no value. Lines are kept."""
    lines = [_fill_line(line, facts) for line in text.split("\n")]
    return "\n".join(line for line in lines if line is not None).strip()


def _fill_line(line: str, facts: Mapping[str, Any]) -> str | None:
    if not line.strip():
        return ""
    sentences = [
        s for s in _SENTENCES.split(line) if all(facts.get(v) not in (None, "", []) for v in _VARIABLE.findall(s))
    ]
    return " ".join(_VARIABLE.sub(lambda m: str(facts[m.group(1)]), s) for s in sentences) if sentences else None


def parse_responses(data: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Response]:
    """The `responses` section of a Rasa domain file. Raises ValueError naming the response."""
    parsed: dict[str, Response] = {}
    for name, variants in data.items():
        if (
            not isinstance(variants, list)
            or not variants
            or not all(isinstance(v, Mapping) and isinstance(v.get("text"), str) for v in variants)
        ):
            raise ValueError(f"response '{name}': must be a list of variations with 'text'")
        parsed[name] = Response(
            tuple(v["text"].strip() for v in variants), any((v.get("metadata") or {}).get("verbatim") for v in variants)
        )
    return parsed
