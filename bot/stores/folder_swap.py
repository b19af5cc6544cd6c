"""Changes several entries of a shop's folder as one: all of them, or none.

The new ones are laid out in `.restore/new`. A journal then says what goes where; once it is there, the change has
happened, and only moves are left, which can be repeated as often as it takes. It knows files, not what is in them.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.stores.archive import flush
from knowledge.errors import BadInput

WORK, NEW, JOURNAL = ".restore", "new", "journal.json"


@dataclass(frozen=True, slots=True)
class Journal:
    """`stamp`: the change counts only if the shop's database bears it too; "" where the database is among the files.

    `remove` and then `moves` (entry of `.restore/new` → target) are carried out in order; targets are relative to the
    shop's folder unless absolute.
    """

    name: str
    stamp: str
    remove: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]


class FolderSwap:
    """One change of one folder, which is held while it is made (`held`)."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.work = directory, directory / WORK
        self.new = self.work / NEW

    def begin(self) -> None:
        """An empty place for the new entries; what an interrupted change left is gone."""
        self.discard()
        self.new.mkdir(parents=True, mode=0o700)

    def write(self, journal: Journal) -> None:
        """Make the change count (where it has no stamp)."""
        _flush_all(self.new)
        fresh = self.work / f".{JOURNAL}"
        fresh.write_text(json.dumps(asdict(journal)), encoding="utf-8")
        flush(fresh)
        fresh.replace(self.work / JOURNAL)
        flush(self.work)
        flush(self.directory)

    def journal(self) -> Journal | None:
        path = self.work / JOURNAL
        if not path.is_file():
            return None
        data: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return Journal(str(data["name"]), str(data["stamp"]), tuple(data["remove"]),      # type: ignore[arg-type]
                       tuple((source, target) for source, target in data["moves"]))       # type: ignore[attr-defined]

    def carry_out(self, journal: Journal) -> None:
        for name in journal.remove:
            _remove(self.directory / name)
        for source, name in journal.moves:
            entry, target = self.new / source, self.directory / name
            if entry.exists():
                if entry.is_dir():
                    _remove(target)
                entry.replace(target)
                flush(target.parent)
        flush(self.directory)

    def discard(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)


@contextmanager
def held(directory: Path) -> Iterator[FolderSwap]:
    """The folder, made if need be, for one process at a time. Raises BadInput."""
    there = directory.is_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise BadInput(f"{directory}: {error.strerror} (name a folder that can be written)") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield FolderSwap(directory)
    except BlockingIOError as error:
        raise BadInput(f"a restore into {directory} is under way: wait until it has ended") from error
    finally:
        os.close(handle)
        if not there:
            with suppress(OSError):            # not empty: the change was made
                directory.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _flush_all(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        flush(path)
