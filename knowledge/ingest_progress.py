"""Ingest's progress bar, by bytes, on stderr. It knows nothing of what is read."""

from __future__ import annotations

from pathlib import PurePath
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class IngestProgress:
    """A context manager; silent where stderr is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
                             console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> IngestProgress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, name: str, done: int, total: int) -> None:
        """`done` of `total` bytes (or rows, for the index) of `name`."""
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(PurePath(name).name, total=total)
        self._bar.update(self._tasks[name], completed=done, total=total)
