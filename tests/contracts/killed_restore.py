"""Makes or restores a backup and dies (SIGKILL) on the way: `python -m tests.contracts.killed_restore WHAT POINT …`.

    backup  POINT DIRECTORY FILE     rows: while a table is read · packed: the file is whole, but not in its place
    restore POINT DIRECTORY FILE     rows: while a table is filled · before: all is laid out, nothing counts yet ·
                                     journal: what goes where is written · moving: after the first entry was moved
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.stores import archive
from bot.stores.backup import write_backup
from bot.stores.folder_swap import FolderSwap
from bot.stores.restore import restore_backup
from knowledge.config import KnowledgeSettings


def die(*_arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., Any]:
    def both(*arguments: Any) -> None:
        first(*arguments)
        second()
    return both


def after_a_while() -> Callable[..., None]:
    calls = itertools.count(1)
    return lambda *_: die() if next(calls) == 4 else None


def moving(swap: FolderSwap, journal: Any) -> None:
    os.replace = then(os.replace, die)                                          # type: ignore[assignment]
    carry_out(swap, journal)


carry_out = FolderSwap.carry_out


async def no_index(_folder: Path, _settings: KnowledgeSettings) -> None:
    """The index is another matter."""


def main(what: str, point: str, directory: Path, file: Path) -> None:
    progress: Callable[[str, int, int], None] = after_a_while() if point == "rows" else lambda *_: None
    match point:
        case "packed":
            archive.pack = then(archive.pack, die)
        case "before":
            FolderSwap.write = die                                              # type: ignore[method-assign]
        case "journal":
            FolderSwap.write = then(FolderSwap.write, die)                      # type: ignore[method-assign]
        case "moving":
            FolderSwap.carry_out = moving                                       # type: ignore[method-assign]
    if what == "backup":
        asyncio.run(write_backup(directory, file, progress))
    else:
        asyncio.run(restore_backup(file, directory, replace=True, progress=progress, make_index=no_index))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
