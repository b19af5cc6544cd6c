"""Remembers which row each line of a file became, so that a line which comes again unchanged need not be read.

It is a cache in a file of its own that may be deleted at any time: what it says counts only where the database still
has that row in that version (`Stage.add_seen`), and it forgets everything when the code that reads lines changes. It
knows lines, ids and hashes, no format.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

FOLDER, FILE = "cache", "lines.db"
_WAIT_S = 2.0             # for another ingest into the same folder; then this one does without
# What turns a line into a row.
_READING = ("connectors/html.py", "connectors/native.py", "keys.py", "models.py", "native.py", "native_fields.py",
            "records.py")
_SCHEMA = """CREATE TABLE IF NOT EXISTS lines (digest BLOB PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL,
             hash TEXT NOT NULL) WITHOUT ROWID;
             CREATE UNIQUE INDEX IF NOT EXISTS lines_by_id ON lines (source, id)"""


@dataclass(frozen=True, slots=True)
class Known:
    """The row that a line became: its id, and the hash of its content."""

    id: str
    hash: str


class LineMemory:
    """Of one source. Where its file cannot be used it knows nothing and keeps nothing."""

    def __init__(self, directory: Path, source: str) -> None:
        self._source = source
        self._connection: sqlite3.Connection | None = None
        try:
            (directory / FOLDER).mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(directory / FOLDER / FILE, timeout=_WAIT_S, isolation_level=None,
                                               check_same_thread=False)
            self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {_SCHEMA}")
        except (OSError, sqlite3.Error):
            self.close()

    def digest(self, line: str) -> bytes:
        """Of a line of this source."""
        text = f"{self._source}\n{line}".encode(errors="surrogatepass")
        return blake2b(text, digest_size=16, key=_reading()).digest()

    def known(self, digest: bytes) -> Known | None:
        rows = self._run("SELECT id, hash FROM lines WHERE digest = ?", (digest,))
        return Known(*rows[0]) if rows else None

    def remember(self, rows: Iterable[tuple[bytes, Known]]) -> None:
        """(digest of a line, what it became). Counts once the load is done (`keep`)."""
        if self._connection is not None and not self._connection.in_transaction:
            self._run("BEGIN", ())
        values = [(digest, self._source, known.id, known.hash) for digest, known in rows]
        try:
            if self._connection is not None:
                self._connection.executemany("INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?)", values)
        except sqlite3.Error:
            self.close()

    def keep(self) -> None:
        """What was remembered since the last time is true: the store has it."""
        self._run("COMMIT", ()) if self._connection is not None and self._connection.in_transaction else None

    def close(self) -> None:
        """What was not kept is forgotten."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[str, str]]:
        try:
            return self._connection.execute(statement, values).fetchall() if self._connection is not None else []
        except sqlite3.Error:
            self.close()
            return []


@cache
def _reading() -> bytes:
    """A hash of the code that reads lines."""
    digest = blake2b(digest_size=16)
    for name in _READING:
        path = Path(__file__).parent / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.digest()
