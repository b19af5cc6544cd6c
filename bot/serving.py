"""Serves one open shop on one socket until it is told to stop. Which shop, and where, is its caller's matter."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.config import BotSettings
from bot.listening import bind, stop_signal, why_not
from bot.logs import configure
from knowledge.errors import BadInput
from knowledge.settings import load_settings

SECRET_FILE = "secret.key"
GOODBYE_S = 2.0                            # for answers on their way, after the turns have ended
# A turn multiplies a vector with a few thousand others: more threads would only wait for each other, and while they wait
# they keep the cores busy that other turns need (24 ms instead of 0.1 beside other work). Read when numpy is loaded.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
REPLIES_KEPT_S = 30 * 86400                # how long a message id sent again gets the same reply
Prepare = Callable[[Path], Awaitable[None]]
Front = Callable[[Any], Callable[[Any], None]]     # the opened shop → what adds the pages to the application


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


async def serve(directory: Path, listener: socket.socket, *, prepare: Prepare | None = None,
                front: Front | None = None) -> None:
    """Open the shop, serve it, and on SIGTERM or SIGINT let the turns under way end before closing it.

    `prepare` makes the folder's shop first; `front` gives pages that are shown before our own.
    """
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    if prepare:
        await prepare(directory)

    from aiohttp import web

    from bot.announcements import announcing
    from bot.app import create_app, drain
    from bot.bootstrap import SystemClock, open_shop
    from bot.engine.inbox import resume_forever
    from bot.stores.notices import listen_forever, serving

    configure(load_settings(BotSettings, directory).log)
    stop = stop_signal()
    async with await open_shop(directory) as shop, announcing(
            shop.database, shop.order_events, shop.handoffs, shop.settings.webhook, SystemClock(), shop.observer.spans
    ), serving(shop.database) as alone:
        await shop.store.forget_replies(time.time() - REPLIES_KEPT_S)
        beside = [asyncio.create_task(work) for work in (
            listen_forever(shop.database, shop.feed), resume_forever(shop.inbox, *_resume_after(shop.settings, alone)))]
        app = create_app(shop, read_secret(directory), front(shop) if front else None)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        host, port = listener.getsockname()[:2]
        try:
            await web.SockSite(runner, listener).start()
        except OSError as error:
            raise why_not(error, host, port) from error
        print(f"shopclerk serves {directory} at http://{host}:{port}/  (Ctrl+C stops it)", flush=True)
        await stop.wait()
        await drain(app)        # still listening: whoever asks is told that it stops
        await runner.cleanup()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


def _resume_after(settings: BotSettings, alone: bool) -> tuple[float, float]:
    """How old an accepted message must be to be resumed: later on, and at the start.

    A turn ends, one way or the other, within twice its limit. Where no other process has turns under way, what is there
    at the start was left by one that died.
    """
    ended = 2 * settings.timeouts.turn_s + 5
    return ended, 0.0 if alone else ended


def read_secret(directory: Path) -> bytes:
    """The folder's own random key, made at the first start; readable by its owner only."""
    path = directory / SECRET_FILE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()
