"""For every test: no network but loopback, no remote model, no settings from outside; PostgreSQL where there is one."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

POSTGRES = "DATABASE_URL"                  # a server where databases may be made and dropped
LOCAL_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
_SETTINGS = "SHOPCLERK__"


class PublicNetwork(AssertionError):
    """A test tried to reach the outside."""


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):     # a Unix socket's path
        return True
    host = str(address[0]).partition("%")[0]
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or host == "0.0.0.0"
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """Connecting to, or asking a name server about, any other machine fails the test."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    ask = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        if text is not None and not _is_local((text,)):
            raise PublicNetwork(f"a test asked for the address of {text}")
        return ask(host, *args, **kwargs)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        patch.setenv(name, "1")
    for name in [n for n in os.environ if n.startswith(_SETTINGS) or n.endswith("_API_KEY")]:
        patch.delenv(name)
    yield
    patch.undo()


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if not _is_local(address):
            raise PublicNetwork(f"a test tried to reach {address}")
        return connect(self, address)
    return guarded


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: the one DATABASE_URL names, this machine's own, one started here, else skip."""
    if (url := os.environ.get(POSTGRES, "")).startswith("postgres"):
        yield url
        return
    if _may_make_databases(LOCAL_POSTGRES):
        yield LOCAL_POSTGRES
        return
    initdb = shutil.which("initdb") or next(iter(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if initdb is None:
        pytest.skip(f"no PostgreSQL here: install it, or name a server in {POSTGRES}")
    with tempfile.TemporaryDirectory(prefix="shopclerk-pg-", dir="/tmp") as folder:
        yield from _started(Path(initdb).parent, Path(folder))


def _may_make_databases(url: str) -> bool:
    import asyncpg

    async def ask() -> bool:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            query = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            return bool(await connection.fetchval(query))
        finally:
            await connection.close()

    try:
        return _apart(ask())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def _started(binaries: Path, folder: Path) -> Iterator[str]:
    """A cluster of its own on a free port; as root it runs as the user 'postgres', because PostgreSQL insists."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None or subprocess.run(["id", "postgres"], capture_output=True).returncode:
            pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres'")
        shutil.chown(folder, "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data = folder / "data"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"

    def run(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    run(str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    run(str(binaries / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")


@pytest.fixture(scope="session")
def session_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database that lives as long as the session; its tests leave it as they found it."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database."""
    with fresh_database(postgres_server) as url:
        yield url


@contextmanager
def fresh_database(postgres_server: str) -> Iterator[str]:
    """A database's URL, for as long as it is wanted."""
    name = f"t_{os.getpid()}_{os.urandom(4).hex()}"
    _administer(postgres_server, f'CREATE DATABASE "{name}"')
    yield postgres_server.rpartition("/")[0] + f"/{name}"
    _administer(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(url: str, statement: str) -> None:
    async def execute() -> None:
        import asyncpg

        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    _apart(execute())


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own, because the fixtures are used inside running event loops."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


# --- where CI is set, a skipped test proves nothing and so counts as a failure ----------------------------------------

def _skips_that_count(config: pytest.Config) -> list[pytest.TestReport]:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    unattended = os.environ.get("CI", "").lower() not in ("", "0", "false") and not hasattr(config, "workerinput")
    return list(terminal.stats.get("skipped", ())) if terminal and unattended else []


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and _skips_that_count(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if skips := _skips_that_count(terminalreporter.config):
        terminalreporter.section("skipped, which counts as failed because CI is set")
        for report in skips:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            terminalreporter.write_line(f"{report.nodeid}: {reason}")
