"""Reads the hand-written data beside this module; it knows where the files lie and nothing of what they mean."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
DATA = HERE / "data"
DOCUMENTS = HERE / "documents"

# libyaml parses the 150 KB of families ten times faster than the pure Python loader; not every wheel has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def read(name: str) -> Any:
    """The parsed data file `name` (without suffix)."""
    return _parse(DATA / f"{name}.yml")


@cache
def families() -> tuple[dict[str, Any], ...]:
    """Every product family of every department, in the order of file names; each knows its `department`."""
    found: list[dict[str, Any]] = []
    for path in sorted((DATA / "families").glob("*.yml")):
        content = _parse(path)
        for family in content["families"]:
            found.append({**family, "department": content["department"], "care": family.get("care", content["care"])})
    return tuple(found)


def documents() -> list[Path]:
    """The policy, FAQ and guide pages."""
    return sorted(DOCUMENTS.glob("*.md"))


def randomness(seed: int, *names: str) -> random.Random:
    """A generator of its own for each thing, so that adding one thing does not reshuffle the others."""
    return random.Random(":".join((str(seed), *names)))


def _parse(path: Path) -> Any:
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=_Loader)
