"""One package's migrations: which revision a database has, and the way up or down to another (Alembic).

Each package keeps a version table of its own in the shop's database, so several chains live side by side. This module
knows revisions, not what is in the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from knowledge.errors import BadInput

BASE = "base"                              # before the first migration: no tables


class NewerDatabase(BadInput):
    """The database was migrated by a later version of the program: using it could lose what only that one knows."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Migrations are numbered "0001", "0002", …; `head` is the newest this program knows, `lock` PostgreSQL's."""

    name: str
    folder: Path
    version_table: str
    head: str
    lock: int

    def __str__(self) -> str:
        return self.name

    def version(self, connection: Connection) -> str | None:
        """The revision in force; None where there are no tables of this package."""
        if not inspect(connection).has_table(self.version_table):
            return None
        found: str | None = connection.execute(text(f"SELECT version_num FROM {self.version_table}")).scalar()
        return found

    def refuse_newer(self, connection: Connection) -> str | None:
        """The revision in force. Raises NewerDatabase when this program is too old for it; nothing is touched."""
        found = self.version(connection)
        if found is not None and found > self.head:
            raise NewerDatabase(
                f"database {connection.engine.url.render_as_string()} was migrated by a newer shopclerk ({self.name} "
                f"tables {found}, this one knows {self.head}): start that version, or take it back to {self.name}:"
                f"{self.head} with that version's 'shopclerk migrate --to'")
        return found

    def revisions(self) -> list[str]:
        """All there are, oldest first, "base" before them."""
        return [BASE, *(path.name.partition("_")[0] for path in sorted((self.folder / "versions").glob("[0-9]*.py")))]

    @staticmethod
    def is_before(one: str, other: str) -> bool:
        return one != other and other != BASE and (one == BASE or one < other)

    def move(self, connection: Connection, target: str) -> None:
        """Run the migrations up or down to `target`, within the connection's transaction."""
        from alembic import command
        from alembic.config import Config

        if connection.dialect.name == "postgresql":        # several workers may start at once
            connection.execute(text(f"SELECT pg_advisory_xact_lock({self.lock})"))
        now = self.refuse_newer(connection) or BASE
        if now == target:
            return
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.attributes["connection"] = connection
        if self.is_before(target, now):
            command.downgrade(config, target)
        else:
            command.upgrade(config, target)
