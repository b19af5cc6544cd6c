"""Serves one open shop on one socket until it is told to stop. Which shop, and where, is its caller's matter."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.config import BotSettings
from knowledge.errors import BadInput

SECRET_FILE = "secret.key"
Prepare = Callable[[Path], Awaitable[None]]


class PortTaken(BadInput):
    """Somebody else listens there."""


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A bound socket, before any work is done: a taken port is told at once. `shared`: with other worker processes."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise BadInput(f"no address '{host}' on this machine ({error.strerror}): name another with --host") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _why_not(error, host, port) from error
    return listener


def _why_not(error: OSError, host: str, port: int) -> BadInput:
    match error.errno:
        case errno.EADDRINUSE:
            return PortTaken(f"port {port} on {host} is in use: stop what has it, or name another with --port")
        case errno.EACCES:
            return BadInput(f"port {port} may not be opened by this user: name one above 1023 with --port")
        case _:
            return BadInput(f"cannot listen on {host}:{port}: {error.strerror}")


def serve_shop(directory: Path, settings: BotSettings, host: str | None, port: int | None, workers: int) -> None:
    """`shopclerk serve`. Raises BadInput for a folder without a shop, a taken port, or too many workers for SQLite."""
    if not directory.is_dir():
        raise BadInput(f"no shop in {directory}: 'shopclerk ingest PATH --dir {directory}' makes one")
    host, port = host or settings.server.host, port or settings.server.port
    if workers == 1:
        with bind(host, port, shared=bool(os.environ.get("SHOPCLERK_WORKER"))) as listener:
            asyncio.run(serve(directory, listener))
        return
    if not settings.database_url.startswith("postgres"):
        raise BadInput("more than one worker needs PostgreSQL, because SQLite lets one process write at a time: "
                       "set database_url, or leave --workers out")
    from bot.workers import supervise

    with bind(host, port, shared=True):       # holds the port for all of them; only those that listen get requests
        supervise(workers, ["serve", "--dir", str(directory), "--host", host, "--port", str(port)])


async def serve(directory: Path, listener: socket.socket, *, prepare: Prepare | None = None) -> None:
    """Open the shop, serve it, and on SIGTERM or SIGINT let the turns under way end before closing it."""
    from aiohttp import web

    from bot.app import create_app
    from bot.bootstrap import open_shop

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = stop_signal()
    if prepare:
        await prepare(directory)
    async with await open_shop(directory) as shop:
        runner = web.AppRunner(create_app(shop, read_secret(directory)), access_log=None,
                               shutdown_timeout=shop.settings.server.drain_s)
        await runner.setup()
        host, port = listener.getsockname()[:2]
        try:
            await web.SockSite(runner, listener).start()
        except OSError as error:
            raise _why_not(error, host, port) from error
        print(f"shopclerk serves {directory} at http://{host}:{port}/  (Ctrl+C stops it)", flush=True)
        await stop.wait()
        await runner.cleanup()


def stop_signal() -> asyncio.Event:
    """Set when the process is asked to end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def read_secret(directory: Path) -> bytes:
    """The folder's own random key, made at the first start; readable by its owner only."""
    path = directory / SECRET_FILE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()
