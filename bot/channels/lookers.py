"""All who look on, on this server: their heartbeats while it runs, their goodbye when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

from aiohttp import web

from bot.channels import frames
from bot.channels.connection import GONE, Connection
from bot.channels.services import OPEN

BEAT_S = 25.0               # between two heartbeats of a connection; a client that hears nothing for 60 s comes back
GOODBYE_S = 3.0
SLICES = 100                # of the period: fifteen thousand heartbeats at once would hold up every turn
GOING_AWAY = 1001           # RFC 6455, section 7.4.1


async def beating(app: web.Application) -> AsyncIterator[None]:
    """A cleanup context: beats as long as the application runs."""
    connections = app[OPEN]
    task = asyncio.create_task(_beat(connections))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _beat(connections: Collection[Connection]) -> None:
    while True:
        now = list(connections)
        for part in range(SLICES):
            for connection in now[part::SLICES]:
                if connection in connections:
                    connection.beat()
            await asyncio.sleep(BEAT_S / SLICES)


async def let_go(app: web.Application) -> None:
    """Tell everybody to come back, here or to another server, from where they are."""
    connections = app[OPEN]
    leaving = list(connections)
    for connection in leaving:
        connection.send(frames.error("stopping", "the server is about to stop: reconnect"))
    await asyncio.gather(*(_let_go(connection) for connection in leaving), return_exceptions=True)


async def _let_go(connection: Connection) -> None:
    try:
        async with asyncio.timeout(GOODBYE_S):
            await connection.flushed()
            await connection.end(GOING_AWAY, "the server stops")
    except TimeoutError:
        await connection.end(GONE, "the server stops")
