"""A served shop with everything a scenario needs around it: the model that makes turns slow, a client, the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.soak.doors import PostedDoor, Sent, SocketDoor, begin
from tests.soak.place import Place
from tests.soak.server import Server
from tests.soak.slow_model import SlowModel

NO_SETTINGS: Mapping[str, str] = {}
Progress = Callable[[str, int, int], None]
"""What, how much is done, of how much."""


def silent(_what: str, _done: int, _of: int) -> None:
    """Nobody looks."""


@dataclass
class Stage:
    place: Place
    server: Server
    model: SlowModel
    session: aiohttp.ClientSession
    engine: AsyncEngine
    sent: Sent

    async def socket(self, patience_s: float = 60.0, url: str = "") -> SocketDoor:
        conversation_id, token = await begin(self.session, self.server.url)
        return SocketDoor(self.session, url or self.server.url, conversation_id, token, self.sent, patience_s)

    async def posted(self, *, stream: bool = False, patience_s: float = 60.0) -> PostedDoor:
        conversation_id, token = await begin(self.session, self.server.url)
        return PostedDoor(self.session, self.server.url, conversation_id, token, self.sent, stream, patience_s)


@asynccontextmanager
async def stage(place: Place, log: Path, settings: Mapping[str, str] = NO_SETTINGS,
                takes_s: Callable[[str], float] = lambda _: 0.0) -> AsyncIterator[Stage]:
    """A server that is ready; `settings` are like {"SECTION__KEY": "value"}."""
    async with SlowModel(takes_s) as model, place.opened() as engine, \
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        more = {f"SHOPCLERK__{name}": value for name, value in settings.items()}
        server = Server(place, log, more | model.settings)
        try:
            await server.start()
            yield Stage(place, server, model, session, engine, Sent())
        finally:
            await server.close()
