"""Dataclasses as plain data for JSON: like `dataclasses.asdict`, without its deep copies, which cost most of a turn's
bookkeeping. What comes back shares its leaves with what went in: write it out, do not change it.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

_ATOMS = frozenset({str, int, float, bool, type(None)})
_FIELDS: dict[type[Any], tuple[str, ...] | None] = {}   # as many as there are types


def plain(of: Any) -> dict[str, Any]:
    """A dataclass as a dictionary, and every one within; lists, tuples and dictionaries are copied and keep their kind."""
    return {name: _plain(getattr(of, name)) for name in _fields(type(of)) or ()}


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {key: _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return kind(map(_plain, value))
    return value if _fields(kind) is None else plain(value)


def _fields(kind: type[Any]) -> tuple[str, ...] | None:
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(f.name for f in fields(kind)) if is_dataclass(kind) else None
    return _FIELDS[kind]
