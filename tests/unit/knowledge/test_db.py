"""Tables, migrations and how a database is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from knowledge import db
from knowledge.config import KnowledgeSettings, load_knowledge_settings
from knowledge.errors import BadInput, ConfigError, NotFound, Unavailable
from knowledge.orders import ledger_sql  # noqa: F401 - its tables belong to the same migrations
from knowledge.store import open_knowledge


def test_the_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(db.MIGRATIONS)).get_heads() == [db.HEAD]


async def test_migrations_go_up_and_down_and_make_what_the_code_expects(tmp_path: Path) -> None:
    engine = db.open_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    try:
        assert await db.upgrade(engine)
        assert not await db.upgrade(engine)
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
            assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        await db.downgrade(engine)
        async with engine.connect() as connection:
            assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == [db.VERSION_TABLE]
    finally:
        await engine.dispose()


async def test_a_database_is_upgraded_by_its_url(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}"
    assert await db.upgrade(url)
    assert not await db.upgrade(url)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"version_table": db.VERSION_TABLE})
    return list(compare_metadata(context, db.metadata))


@pytest.mark.parametrize(("given", "driver"), [
    ("postgresql://u@h/d", "postgresql+asyncpg"), ("postgres://u@h/d", "postgresql+asyncpg"),
    ("sqlite:///x.db", "sqlite+aiosqlite"), ("postgresql+psycopg://u@h/d", "postgresql+asyncpg")])
def test_any_spelling_of_a_database_gets_its_async_driver(given: str, driver: str) -> None:
    assert db.async_url(given).drivername == driver


@pytest.mark.parametrize("given", ["nonsense", "mysql://u@h/d"])
def test_a_database_that_is_not_served_is_named(given: str) -> None:
    with pytest.raises(ConfigError, match="setting 'database_url'"):
        db.async_url(given)


async def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    settings = KnowledgeSettings(database_url="postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(Unavailable, match=r"database postgresql") as caught:
        await open_knowledge(tmp_path, settings)
    assert "secret" not in str(caught.value)


async def test_a_shop_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="shopclerk ingest"):
        await open_knowledge(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(BadInput, match="name a folder"):
        await open_knowledge(tmp_path / "file" / "store")


def test_settings_come_from_the_folder_and_the_environment_wins(tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'database_url = "postgresql://a/b"\n[server]\nport = 1\n[index]\nflat_limit = 5\n'
    (tmp_path / "shopclerk.toml").write_text(text, encoding="utf-8")
    settings = load_knowledge_settings(tmp_path)
    assert (settings.database_url, settings.index.flat_limit) == ("postgresql://a/b", 5)
    monkeypatch.setenv("SHOPCLERK__DATABASE_URL", "postgresql://c/d")
    assert load_knowledge_settings(tmp_path).database_url == "postgresql://c/d"


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / "shopclerk.toml").write_text("[index]\nflat_limit = 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"index\.flat_limit"):
        load_knowledge_settings(tmp_path)
