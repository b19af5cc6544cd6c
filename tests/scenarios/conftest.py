"""The demo shop, made once by the real pipeline and opened once; every test finds it as if nothing had happened yet.

Opening a shop takes a second, so one process serves all tests, and what a test may write (the database) is put back
before the next one. A test that needs a shop of its own (other rules, another order system) opens a copy of the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import bot.demo
import knowledge
from bot import bootstrap
from bot.bootstrap import Shop, open_shop
from bot.demo.generate import generate
from knowledge.config import DATABASE_FILE
from knowledge.ingest import ingest
from tests.conftest import fresh_database
from tests.fakes import FakeClock
from tests.scenarios.books import Books
from tests.scenarios.postgresql import as_it_was_made, on_postgresql
from tests.scenarios.talk import Talk, stored_rows
from tests.scenarios.web import Web, served

ON_BOTH = ("cancel", "return", "address", "once", "handoff", "identity", "streaming", "web")
TODAY = date(2026, 11, 20)
TOKEN_KEY = "shared between this shop and its assistant"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all scenarios, because the opened shop lives in it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo_folder(pytestconfig: pytest.Config) -> Path:
    """The demo shop's folder, ready to be opened. Kept in pytest's cache as long as nothing it is made by changes."""
    cache = pytestconfig.cache
    assert cache is not None
    kept = cache.mkdir("demo-shop")
    with _one_at_a_time(kept / "lock"):         # several processes may run tests
        folder = kept / _made_by()
        if not (folder / "ready").exists():
            for old in kept.glob("made-*"):
                shutil.rmtree(old)
            demo = generate(folder / "source", today=TODAY)
            report = await ingest(folder, [*demo.data_files, *sorted(demo.documents.iterdir())])
            assert report.warnings == ()
            await (await open_shop(folder)).close()
            (folder / "ready").touch()
    return folder


def _made_by() -> str:
    """A name that changes with the code and the data the demo shop comes from."""
    digest = hashlib.sha256(str(TODAY).encode())
    for package in (Path(bot.demo.__file__).parent, Path(knowledge.__file__).parent):
        for path in sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(path.read_bytes())
    return f"made-{digest.hexdigest()[:16]}"


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def clock() -> Iterator[FakeClock]:
    """The conversations' clock; it moves only when a test moves it."""
    the_clock, patch = FakeClock(time.time()), pytest.MonkeyPatch()
    patch.setattr(bootstrap, "SystemClock", lambda: the_clock)
    yield the_clock
    patch.undo()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What writes orders and conversations is played on PostgreSQL, too; what only reads and talks, on SQLite."""
    if "opened" in metafunc.fixturenames:
        both = metafunc.module.__name__.rpartition("test_scenario_")[2] in ON_BOTH
        metafunc.parametrize("opened", ["sqlite", "postgresql"] if both else ["sqlite"], indirect=True, scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(request: pytest.FixtureRequest, demo_folder: Path, clock: FakeClock,
                 tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("opened") / "shop"
    with ExitStack() as databases:
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            await on_postgresql(demo_folder, folder, databases.enter_context(fresh_database(server)))
        else:
            shutil.copytree(demo_folder, folder)
        shop = await open_shop(folder, customer_token={"key": TOKEN_KEY})
        yield shop
        await shop.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rows(opened: Shop) -> dict[str, str]:
    return await stored_rows(opened)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def books(opened: Shop, rows: dict[str, str]) -> Books:
    customers = {c.id: c async for c in opened.book.all_customers()}        # type: ignore[attr-defined]
    orders = tuple([o async for o in opened.book.all_orders()])             # type: ignore[attr-defined]
    products = {p.id: p for p in await opened.catalogue.products(await opened.catalogue.titles())}
    return Books(customers, orders, products)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(opened: Shop, rows: dict[str, str], demo_folder: Path, clock: FakeClock) -> Shop:
    """The opened demo shop with its database as it was made."""
    if opened.database.dialect.name == "postgresql":
        await as_it_was_made(opened.database)
        clock.time = time.time()
        return opened
    kept = f"file:{demo_folder / DATABASE_FILE}?immutable=1"      # leaves no files beside it for others to trip over
    with closing(sqlite3.connect(kept, uri=True)) as made, \
            closing(sqlite3.connect(opened.directory / DATABASE_FILE)) as used:
        made.backup(used)           # by SQLite itself, since readers and the writer keep the file open
    clock.time = time.time()
    return opened


@pytest.fixture
def talk(shop: Shop, rows: dict[str, str]) -> Talk:
    """A conversation with somebody nobody knows yet."""
    return Talk(shop, rows)


@pytest.fixture
def signed_in(shop: Shop, rows: dict[str, str]) -> Callable[..., Talk]:
    """A conversation with a customer the shop's site has signed in: `signed_in(customer)`."""
    def begin(customer: Any, name: str = "talk-1") -> Talk:
        return Talk(shop, rows, name, customer_id=customer.id)
    return begin


@pytest_asyncio.fixture(loop_scope="session")
async def web(shop: Shop) -> AsyncIterator[Callable[..., Web]]:
    """Clients of the real HTTP application: `web()`, or `web(customer)` for one the shop's site has signed in."""
    async with served(shop, TOKEN_KEY) as begin:
        yield begin


@pytest.fixture
def own_folder(demo_folder: Path, tmp_path: Path) -> Path:
    """A copy of the demo shop's folder, for a test that opens it otherwise."""
    shutil.copytree(demo_folder, tmp_path / "shop")
    return tmp_path / "shop"
