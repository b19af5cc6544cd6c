"""The shop's tables and the engine that opens them, on SQLite or PostgreSQL.

An entity is one JSON body in the native format plus the columns it is looked up by. This module knows tables and
connections, not what the bodies mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from knowledge.config import DATABASE_FILE, KnowledgeSettings
from knowledge.errors import ConfigError, Unavailable
from knowledge.migrating import Chain

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "knowledge_version"
HEAD = "0002"                              # the newest migration; a test holds it to the folder
WRITE = "shopclerk_write"                  # execution option: the transaction will write
BUSY_TIMEOUT_S = 30.0
ID = String(512)
CHAIN = Chain("knowledge", MIGRATIONS, VERSION_TABLE, HEAD, 715731)
_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

metadata = MetaData()


def _entity(name: str, *columns: Column[Any], indexes: tuple[str, ...] = ()) -> Table:
    """The columns that every kind has: where a row came from, its place there, and a hash of its content."""
    return Table(
        name, metadata,
        Column("id", ID, primary_key=True),
        Column("source", ID, nullable=False, index=True),
        Column("position", BigInteger, nullable=False),
        Column("hash", String(32), nullable=False),
        *columns,
        Column("body", Text, nullable=False),
        *(Index(f"{name}_by_{column}", column) for column in indexes),
    )


def _written_locally() -> tuple[Column[Any], ...]:
    """`ingested_hash`: content as last read from a file, "" for none; `local_at`: Unix time of the last write here."""
    return Column("ingested_hash", String(32), nullable=False), Column("local_at", Float(53))


products = _entity("shop_products", Column("title", Text, nullable=False), Column("brand", Text))
customers = _entity(
    "shop_customers",
    Column("email_key", Text), Column("first_key", Text), Column("last_key", Text), Column("postcode_key", Text),
    *_written_locally(), indexes=("email_key", "last_key"),
)
orders = _entity(
    "shop_orders",
    Column("number_key", Text, nullable=False), Column("digits_key", Text, nullable=False),
    Column("customer_id", ID, nullable=False), Column("placed_at", String(40)),
    *_written_locally(), indexes=("number_key", "digits_key", "customer_id"),
)
documents = _entity("shop_documents", Column("kind", String(32), nullable=False))
reviews = _entity("shop_reviews", Column("product_id", ID, nullable=False), indexes=("product_id",))
prices = _entity("shop_prices", Column("variant_id", ID, nullable=False), indexes=("variant_id",))
interactions = _entity("shop_interactions", Column("customer_id", ID), indexes=("customer_id",))

variants = Table(
    "shop_variants", metadata,
    Column("product_id", ID, nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", ID, nullable=False),
    Column("sku_key", Text),
    PrimaryKeyConstraint("product_id", "position"),
    Index("shop_variants_by_id", "id"),
    Index("shop_variants_by_sku", "sku_key"),
)
chunks = Table(
    "shop_chunks", metadata,
    Column("document_id", ID, nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", ID, nullable=False, unique=True),
    Column("hash", String(32), nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("document_id", "position"),
)
operations = Table(
    "shop_operations", metadata,
    Column("id", ID, primary_key=True),
    Column("applied_at", Float(53), nullable=False),
)


def database_url(directory: Path, settings: KnowledgeSettings) -> URL:
    """The shop's database with an async driver named. Raises ConfigError for a URL that names no known database."""
    if not settings.database_url:
        return URL.create("sqlite+aiosqlite", database=str(directory / DATABASE_FILE))
    return async_url(settings.database_url)


def async_url(text: str) -> URL:
    """`postgresql://…` and `sqlite:///…` with the async driver that serves them. Raises ConfigError."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError("setting 'database_url': not a database URL (write 'postgresql://user@host/name')") from error
    driver = _ASYNC_DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise ConfigError(f"setting 'database_url': {url.get_backend_name()} is not served (use sqlite or postgresql)")
    return url.set(drivername=driver)


def open_engine(url: URL | str) -> AsyncEngine:
    """An engine for `url`, which must name an async driver; connects on first use."""
    engine = create_async_engine(url, pool_pre_ping=not str(url).startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def writing(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for transactions that write: SQLite then locks at the start, where it can still wait."""
    return engine.execution_options(**{WRITE: True})


def prepare_sqlite(connection: Any, _record: object) -> None:
    """What every connection to a shop's SQLite file is set to."""
    connection.isolation_level = None      # SQLAlchemy's "begin" event opens transactions, DDL included
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={int(BUSY_TIMEOUT_S * 1000)}",
                   "foreign_keys=ON", "journal_size_limit=67108864", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


async def upgrade(database: AsyncEngine | URL | str) -> bool:
    """Bring the knowledge tables up to date; True when something was done. Raises Unavailable, NewerDatabase."""
    engine = database if isinstance(database, AsyncEngine) else open_engine(database)
    try:
        async with engine.connect() as connection:
            if await connection.run_sync(CHAIN.refuse_newer) == HEAD:
                return False
        async with writing(engine).begin() as connection:
            await connection.run_sync(CHAIN.move, HEAD)
    except (OSError, OperationalError) as error:
        raise Unavailable(f"database {engine.url.render_as_string()}: {_first_line(error)}") from error
    except DBAPIError as error:
        if not error.connection_invalidated and "Connect" not in type(error.orig).__name__:
            raise
        raise Unavailable(f"database {engine.url.render_as_string()}: {_first_line(error)}") from error
    finally:
        if engine is not database:
            await engine.dispose()
    return True


async def downgrade(engine: AsyncEngine, revision: str = "base") -> None:
    """Take the knowledge tables back to `revision`; "base" drops them."""
    async with writing(engine).begin() as connection:
        await connection.run_sync(CHAIN.move, revision)


def _first_line(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return (str(original).splitlines() or [type(original).__name__])[0]
