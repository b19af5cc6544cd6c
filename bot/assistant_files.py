"""Reads an assistant folder: flows, responses, lexicons and rules. The shop's own copy wins over the shipped one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.domain.flow import Flow, FlowError, parse_flows
from bot.engine.responses import Responses, parse_responses
from bot.requests.lexicon import Lexicon, load_lexicon
from knowledge.errors import ConfigError
from knowledge.orders.rules import Rules

SHIPPED = Path(__file__).parent / "assistant"


@dataclass(frozen=True, slots=True)
class Assistant:
    folder: Path
    flows: Mapping[str, Flow]
    responses: Responses
    lexicons: Mapping[str, Lexicon]
    rules: Rules

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(self.lexicons)


def load_assistant(folder: Path = SHIPPED) -> Assistant:
    """Raises ConfigError that names the file and what is wrong in it."""
    flows: dict[str, Flow] = {}
    for path in sorted((folder / "flows").glob("*.yml")):
        flows |= _flows(path)
    if not flows:
        raise ConfigError(f"{folder / 'flows'}: no flows here (copy the shipped assistant with 'shopclerk init')")
    locales = [p.parent.name for p in sorted(folder.glob("*/responses.yml"))]
    responses = Responses({locale: _responses(folder / locale / "responses.yml") for locale in locales})
    _check_said(flows, responses, folder)
    lexicons = {locale: load_lexicon(folder / locale / "lexicon.yml", locale) for locale in locales}
    return Assistant(folder, flows, responses, lexicons, Rules.load(folder / "policies" / "rules.yml"))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must be a mapping")
    return data


def _flows(path: Path) -> dict[str, Flow]:
    try:
        return parse_flows(_read(path))
    except FlowError as error:
        raise ConfigError(f"{path}: {error}") from error


def _responses(path: Path) -> Any:
    try:
        return parse_responses(_read(path).get("responses") or {})
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _check_said(flows: Mapping[str, Flow], responses: Responses, folder: Path) -> None:
    """A flow may only call flows that exist and say responses that have a text."""
    for flow in flows.values():
        for step in flow.steps.values():
            if step.kind == "call" and step.name not in flows:
                raise ConfigError(f"{folder / 'flows'}: flow '{flow.id}' calls '{step.name}', which is no flow")
            if step.name.startswith("utter_") and not responses.knows(step.name):
                raise ConfigError(
                    f"{folder / 'flows'}: flow '{flow.id}' says '{step.name}', which has no text in responses.yml"
                )
