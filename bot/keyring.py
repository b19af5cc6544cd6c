"""Shows a shop's API keys in the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.stores.keys import ApiKey, SqlKeyStore
from bot.stores.opening import open_database


async def show_keys(directory: Path) -> None:
    """A table on stdout; a line when there is none."""
    async with open_database(directory) as engine:
        keys = await SqlKeyStore(engine).all()
    if not keys:
        print(f"no API keys yet: 'shopclerk key create --scope … --dir {directory}' makes one")
        return
    table = Table("id", "name", "scopes", "made", "state")
    for key in keys:
        table.add_row(key.id, key.name, " ".join(key.scopes), _day(key.created_at), _state(key))
    Console().print(table)


def _state(key: ApiKey) -> str:
    return f"revoked {_day(key.revoked_at)}" if key.revoked_at else "in force"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
