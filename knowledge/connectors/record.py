"""What every connector yields, and where it reads from. It knows no format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knowledge.line_memory import Known, LineMemory
from knowledge.records import Kind


@dataclass(frozen=True, slots=True)
class Record:
    """One thing read from a file.

    `item` may be `Seen`, for a line that came before; `digest` tells a line that may come again. `part`: other records of
    the same id complete it (variants of a feed, customers seen in several orders); parts are merged before they are
    stored.
    """

    kind: Kind
    line: int
    item: Any
    part: bool = False
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Seen:
    """A line that became this row the last time; `read` makes the thing of it where that is not what is stored now."""

    known: Known
    read: Callable[[], Any]


@dataclass(slots=True)
class SourceFile:
    """A file to read. `advance` is told how many bytes were read; `warnings` collects what was odd but usable."""

    path: Path
    source: str
    advance: Callable[[int], None] = lambda count: None
    memory: LineMemory | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.path)
