"""The demo shop on PostgreSQL: taken there by backup and restore, and put back as it was between tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import database, schema
from knowledge import db
from knowledge.config import INDEX_FOLDER
from tests.contracts.shops import back_up, put_back

MADE = "made"                              # the schema that keeps the rows as they were
WRITTEN = sorted({*schema.metadata.tables, "shop_orders", "shop_customers", "shop_operations", "order_ledger",
                  "order_events", "order_audit"})          # by conversations; the catalogue is only read


async def on_postgresql(demo_folder: Path, folder: Path, url: str) -> None:
    """The demo shop in `folder`, its tables in the empty database at `url`."""
    folder.mkdir()                                                            # noqa: ASYNC240
    (folder / "shopclerk.toml").write_text(f'database_url = "{url}"\n', encoding="utf-8")
    await back_up(demo_folder, folder.parent / "demo.tar")
    await put_back(folder.parent / "demo.tar", folder)
    shutil.copytree(demo_folder / INDEX_FOLDER, folder / INDEX_FOLDER)
    engine = database.open_engine(db.async_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(_keep)
    await engine.dispose()


async def as_it_was_made(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(_put_back)


def _keep(connection: Connection) -> None:
    connection.execute(text(f"CREATE SCHEMA {MADE}"))
    for name in WRITTEN:
        connection.execute(text(f"CREATE TABLE {MADE}.{name} AS SELECT * FROM {name}"))


def _put_back(connection: Connection) -> None:
    """No TRUNCATE: it would wait for whoever reads, and have others wait."""
    for name in WRITTEN:
        connection.execute(text(f"DELETE FROM {name}"))
        connection.execute(text(f"INSERT INTO {name} SELECT * FROM {MADE}.{name}"))
