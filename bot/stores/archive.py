"""The backup file: a tar that begins with a manifest, then tables as gzipped JSON lines, then the folder's files.

A file is read as a stranger's: no path of its own is followed, every part must be named, sized and hashed by the
manifest, and unpacking stops where the manifest said it would end. It opens no database.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from knowledge.errors import BadInput

FORMAT, VERSION = "shopclerk-backup", 1
MANIFEST, TABLES, FILES = "manifest.json", "tables", "files"
KEPT = ("shopclerk.toml", "secret.key", "assistant", "models", "demo-source", "demo-ready")   # of the shop's folder
REMEDY = "take another backup file"
_LONGEST_MANIFEST = 16 * 2**20
_LONGEST_ROW = 64 * 2**20
_BROKEN = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, RecursionError)

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Count = Annotated[int, Field(ge=0, le=2**53)]


class Part(BaseModel):
    """One member of the file."""

    model_config = ConfigDict(frozen=True)

    size: Count
    sha256: Digest


class TablePart(Part):
    """`size` is that of the packed rows, `unpacked` of the lines themselves."""

    columns: tuple[Name, ...]
    rows: Count
    unpacked: Count


class Manifest(BaseModel):
    """What is in the file. `revisions`: the migrations its tables stand at, None where a package had none yet."""

    model_config = ConfigDict(frozen=True)

    format: str
    version: int
    made_at: str
    program: str
    revisions: dict[str, str | None]
    tables: dict[Name, TablePart]
    files: dict[str, Part]

    def parts(self) -> dict[str, Part]:
        """By the name of the member."""
        tables = {f"{TABLES}/{name}.jsonl.gz": part for name, part in self.tables.items()}
        return tables | {f"{FILES}/{name}": part for name, part in self.files.items()}


# --- writing ----------------------------------------------------------------------------------------------------------

class RowWriter:
    """Writes a table's rows into `path`, packed; `part` describes what was written."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.path, self._columns, self._rows, self._unpacked = path, columns, 0, 0
        self._stream = gzip.GzipFile(path, "wb", compresslevel=3)

    def write(self, rows: Iterable[Any]) -> None:
        lines = [json.dumps(list(row), separators=(",", ":")).encode() + b"\n" for row in rows]
        self._rows, self._unpacked = self._rows + len(lines), self._unpacked + sum(map(len, lines))
        self._stream.writelines(lines)

    def close(self) -> TablePart:
        self._stream.close()
        return TablePart(**describe(self.path).model_dump(), columns=self._columns, rows=self._rows,
                         unpacked=self._unpacked)

    def abandon(self) -> None:
        self._stream.close()


def describe(path: Path) -> Part:
    with path.open("rb") as stream:
        return Part(size=path.stat().st_size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


def pack(target: Path, manifest: Manifest, sources: Mapping[str, Path]) -> None:
    """Write the whole file, readable by its owner only, and flush it. `sources`: member → the file it is copied from."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
            text = manifest.model_dump_json(indent=1).encode()
            _add(tar, MANIFEST, len(text), io.BytesIO(text))
            for name, part in manifest.parts().items():
                with sources[name].open("rb") as stream:
                    _add(tar, name, part.size, stream)
        raw.flush()
        os.fsync(raw.fileno())


def flush(path: Path) -> None:
    """Put a file, or a folder's names, on the disk for good."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _add(tar: tarfile.TarFile, name: str, size: int, stream: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    tar.addfile(entry, stream)


# --- reading ----------------------------------------------------------------------------------------------------------

class BackupFile:
    """A backup whose every part was checked. Made by `reading`."""

    def __init__(self, path: Path, tar: tarfile.TarFile, manifest: Manifest,
                 members: Mapping[str, tarfile.TarInfo]) -> None:
        self.path, self.manifest, self._tar, self._members = path, manifest, tar, members

    def rows(self, table: str) -> Iterator[list[Any]]:
        """The rows of a table, in the order of its columns. Raises BadInput."""
        part = self.manifest.tables[table]
        left, count = part.unpacked, 0
        with self._open(f"{TABLES}/{table}.jsonl.gz") as packed, gzip.GzipFile(fileobj=packed) as stream:
            while line := self._line(stream, table):
                left, count = left - len(line), count + 1
                if left < 0 or count > part.rows:
                    raise self._broken(f"table '{table}' holds more than the manifest says")
                yield self._row(line, table, len(part.columns))
        if count != part.rows:
            raise self._broken(f"table '{table}' holds {count} rows, not {part.rows}")

    def _line(self, stream: gzip.GzipFile, table: str) -> bytes:
        try:
            line = stream.readline(_LONGEST_ROW + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise self._broken(f"table '{table}' cannot be unpacked") from error
        if len(line) > _LONGEST_ROW:
            raise self._broken(f"table '{table}' has a row of more than {_LONGEST_ROW // 2**20} MiB")
        return line

    def _row(self, line: bytes, table: str, width: int) -> list[Any]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._broken(f"table '{table}' has a row that is not JSON") from error
        plain = isinstance(row, list) and all(value is None or isinstance(value, str | int | float) for value in row)
        if not plain or len(row) != width:
            raise self._broken(f"table '{table}' has a row that does not fit its columns")
        return cast("list[Any]", row)

    def copy_files(self, folder: Path) -> None:
        """Write the shop folder's files below `folder`."""
        for name in self.manifest.files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._open(f"{FILES}/{name}") as stream, target.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
            target.chmod(0o600 if name == "secret.key" else 0o644)

    def _open(self, member: str) -> IO[bytes]:
        stream = self._tar.extractfile(self._members[member])
        assert stream is not None               # only plain files were let in
        return stream

    def _broken(self, problem: str) -> BadInput:
        return BadInput(f"{self.path}: {problem} ({REMEDY})")


@contextmanager
def reading(path: Path) -> Iterator[BackupFile]:
    """The backup in `path`, whole and unaltered. Raises BadInput in one line for anything else."""
    with _opened(path) as tar:
        try:
            manifest = _manifest(path, tar)
            members = _members(path, tar, manifest)
        except BadInput:
            raise
        except _BROKEN as error:
            raise BadInput(f"{path}: damaged or cut off ({REMEDY})") from error
        yield BackupFile(path, tar, manifest, members)


def _opened(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.TarFile.taropen(path)           # never a packed one
    except (tarfile.TarError, ValueError) as error:
        raise BadInput(f"{path}: not a shopclerk backup ({REMEDY})") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror} (name a file that 'shopclerk backup' wrote)") from error


def is_backup(path: Path) -> bool:
    """Whether the file begins as a backup does."""
    try:
        with tarfile.TarFile.taropen(path) as tar:
            return _manifest(path, tar).format == FORMAT
    except (BadInput, *_BROKEN):
        return False


def _manifest(path: Path, tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not _plain(first) or first.size > _LONGEST_MANIFEST:
        raise BadInput(f"{path}: not a shopclerk backup ({REMEDY})")
    stream = tar.extractfile(first)
    assert stream is not None
    try:
        data = json.loads(stream.read())
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise BadInput(f"{path}: not a shopclerk backup ({REMEDY})")
        if data.get("version") != VERSION:
            raise BadInput(f"{path}: backup format {data.get('version')}, this shopclerk reads {VERSION} "
                           "(restore it with the version that made it)")
        manifest = Manifest.model_validate(data)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: its manifest cannot be read ({REMEDY})") from error
    for name in manifest.files:
        if not _inside(name):
            raise BadInput(f"{path}: '{name[:80]!a}' is no file of a shop's folder ({REMEDY})")
    return manifest


def _inside(name: str) -> bool:
    """A plain relative path below one of the kept names."""
    parts = PurePosixPath(name).parts
    usual = bool(parts) and parts[0] in KEPT and "/".join(parts) == name
    return usual and not any(part == ".." or re.search(r"[\x00-\x1f\\]", part) for part in parts) and len(name) < 1024


def _plain(member: tarfile.TarInfo) -> bool:
    """An ordinary file: no link, device, folder or sparse file."""
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and getattr(member, "sparse", None) is None


def _members(path: Path, tar: tarfile.TarFile, manifest: Manifest) -> dict[str, tarfile.TarInfo]:
    """Each part by its name, once its size and hash were found right."""
    expected, found = manifest.parts(), dict[str, tarfile.TarInfo]()
    while (member := tar.next()) is not None:
        part = expected.get(member.name)
        if part is None or member.name in found or not _plain(member):
            raise BadInput(f"{path}: holds '{member.name[:80]!a}', which its manifest does not name ({REMEDY})")
        if member.size != part.size or _digest(tar, member) != part.sha256:
            raise BadInput(f"{path}: '{member.name}' was altered or damaged ({REMEDY})")
        found[member.name] = member
    if missing := sorted(expected.keys() - found.keys()):
        raise BadInput(f"{path}: cut off, '{missing[0]}' is missing ({REMEDY})")
    return found


def _digest(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    digest, stream = hashlib.sha256(), tar.extractfile(member)
    assert stream is not None
    while block := stream.read(2**20):
        digest.update(block)
    return digest.hexdigest()
