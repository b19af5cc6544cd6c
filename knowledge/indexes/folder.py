"""The index folder: generations beside each other and a CURRENT file that names the one in force.

A new generation is written under a temporary name, flushed, renamed, and only then named by CURRENT (itself replaced
by a rename), so a crash at any moment leaves the older one in force. It knows files and hashes, nothing of what is in
them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from knowledge.artifact import MANIFEST, sha256_file
from knowledge.errors import DataError

CURRENT = "CURRENT"
FORMAT = 4
_NAME = re.compile(r"generation-(\d+)")


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What a generation was made with; `files` maps each file to [size, sha256]."""

    encoder: str
    dimension: int
    counts: dict[str, int]
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, list[Any]] = field(default_factory=dict)
    format: int = FORMAT


def current_generation(index: Path) -> Path | None:
    """The folder in force, or None when nothing was ever indexed. Raises DataError when CURRENT names nothing."""
    pointer = index / CURRENT
    if not pointer.is_file():
        return None
    name = pointer.read_text(encoding="utf-8").strip()
    folder = index / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise DataError(str(pointer), f"names '{name}', which is not here", remedy="delete it and ingest again")
    return folder


def read_index_manifest(generation: Path, *, verify: bool = False) -> IndexManifest:
    """Raises DataError when a file is missing or of another size; with `verify` also when its hash differs."""
    path = generation / MANIFEST
    remedy = "delete the index folder and index again"
    try:
        manifest = IndexManifest(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(str(path), f"cannot be read: {error}", remedy=remedy) from error
    if manifest.format != FORMAT:
        raise DataError(str(path), f"has format {manifest.format}, this program reads {FORMAT}", remedy=remedy)
    for name, (size, digest) in manifest.files.items():
        file = generation / name
        if not file.is_file() or file.stat().st_size != size or (verify and sha256_file(file) != digest):
            raise DataError(str(file), "is missing or does not match the manifest", remedy=remedy)
    return manifest


class Draft:
    """A generation that is being written, in `folder`; nothing of it counts before `publish`."""

    def __init__(self, index: Path, number: int) -> None:
        self._index, self._number = index, number
        self.folder = index / f".writing-{number:06d}-{os.getpid()}"
        self._known: dict[str, list[Any]] = {}

    def keep(self, files: Mapping[str, list[Any]]) -> None:
        """Size and hash of files that are taken over and need not be read again."""
        self._known.update(files)

    def publish(self, manifest: IndexManifest) -> Path:
        """Seal it and put it in force. Older generations but one are removed."""
        target = self._index / f"generation-{self._number:06d}"
        _seal(self.folder, manifest, self._known)
        self.folder.rename(target)
        _point_to(self._index, target.name)
        _remove_old(self._index, self._number)
        return target


@contextmanager
def writing(index: Path) -> Iterator[Draft]:
    """An empty folder for a new generation; gone afterwards unless it was published."""
    index.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(m[1]) for p in index.iterdir() if (m := _NAME.fullmatch(p.name))), default=0)
    draft = Draft(index, number)
    shutil.rmtree(draft.folder, ignore_errors=True)
    draft.folder.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft.folder, ignore_errors=True)


def write_generation(index: Path, manifest: IndexManifest, fill: Callable[[Path], None]) -> Path:
    """Let `fill` write into an empty folder and put it in force."""
    with writing(index) as draft:
        fill(draft.folder)
        return draft.publish(manifest)


def link_files(older: Path, target: Path, part: str, manifest: IndexManifest) -> dict[str, list[Any]]:
    """Take the files under `part` over from an older generation, as the same files on disk where that can be.

    Returns what the older manifest says of them.
    """
    taken = {name: known for name, known in manifest.files.items() if name.startswith(f"{part}/")}
    for name in taken:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(older / name, target / name)
        except OSError:      # another file system, or one without links
            shutil.copyfile(older / name, target / name)
    return taken


def _seal(work: Path, manifest: IndexManifest, known: Mapping[str, list[Any]]) -> None:
    files = sorted(path for path in work.rglob("*") if path.is_file())
    hashes = {}
    for path in files:
        name = path.relative_to(work).as_posix()
        hashes[name] = known.get(name) or [path.stat().st_size, sha256_file(path)]
    text = json.dumps(asdict(manifest) | {"files": hashes}, indent=1, sort_keys=True, ensure_ascii=False)
    (work / MANIFEST).write_text(text + "\n", encoding="utf-8")
    fresh = [path for path in files if path.relative_to(work).as_posix() not in known]
    for path in [*fresh, work / MANIFEST, *(p for p in work.rglob("*") if p.is_dir()), work]:
        _flush(path)


def _point_to(index: Path, name: str) -> None:
    fresh = index / f".{CURRENT}-{os.getpid()}"
    fresh.write_text(name + "\n", encoding="utf-8")
    _flush(fresh)
    fresh.replace(index / CURRENT)
    _flush(index)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_old(index: Path, newest: int) -> None:
    """Keep one older generation: a server that reads it has its files open, and mapped files outlive removal."""
    for path in index.iterdir():
        found = _NAME.fullmatch(path.name)
        if found and int(found[1]) < newest - 1:
            shutil.rmtree(path, ignore_errors=True)
