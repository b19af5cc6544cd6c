"""`shopclerk actions`: the shop's actions over Rasa's action protocol, on rasa_sdk's own server.

The executor gets our instances one by one: its package scan would make them itself, without the services they need.
Whoever reaches this port is believed about who the customer is, as Rasa's protocol has it: keep the address private.
"""

from __future__ import annotations

import asyncio
import socket
import warnings
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.listening import bind, stop_signal

if TYPE_CHECKING:
    from rasa_sdk import Action
    from sanic import Sanic

    from bot.observer import Spans

DRAIN_S, POLL_S = 10.0, 0.05
_TRACE: ContextVar[Mapping[str, str]] = ContextVar("trace")


def create_action_app(actions: Iterable[Action], spans: Spans | None = None) -> Sanic[Any, Any]:
    """rasa_sdk's application (`POST /webhook`, `GET /actions`, `GET /health`) that runs exactly these instances.

    Spans are ours: rasa_sdk's own name the sender, who may be a telephone number.
    """
    with warnings.catch_warnings():          # rasa_sdk's dependencies warn at import; it is nothing we can mend
        warnings.simplefilter("ignore", DeprecationWarning)
        from rasa_sdk.endpoint import create_app
        from rasa_sdk.executor import ActionExecutor
        from sanic import Sanic

    executor = ActionExecutor() if spans is None else _traced(ActionExecutor, spans)
    for action in actions:
        executor.register_action(action)
    Sanic._app_registry.pop("rasa_sdk", None)       # rasa_sdk gives every application this one name
    app = create_app(executor, cors_origins=[])
    app.config.TOUCHUP = False               # it rewrites Sanic's own code, once per process only
    if spans is not None:
        app.on_request(_note_trace)
    return app


async def _note_trace(request: Any) -> None:
    """The caller's headers, for the executor, which is not shown them."""
    _TRACE.set(request.headers)


def _traced(kind: type[Any], spans: Spans) -> Any:
    """An executor whose every run is a span of the trace that the caller is in."""
    class Traced(kind):
        async def run(self, action_call: Any) -> Any:
            name = str(action_call.get("next_action") or "")
            told = {"shopclerk.action": name} if name in self.actions else {}
            with spans.follow(_TRACE.get({})), spans.span("action", told):
                return await super().run(action_call)

    return Traced()


@asynccontextmanager
async def serving_actions(actions: Iterable[Action], listener: socket.socket,
                          spans: Spans | None = None) -> AsyncIterator[int]:
    """Serve on a bound socket while the context lasts; gives the port."""
    app = create_action_app(actions, spans)
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None               # asked for by return_asyncio_server
    await server.startup()
    await server.start_serving()
    try:
        yield listener.getsockname()[1]
    finally:
        server.close()
        await _finish(server.connections)
        app.shutdown_tasks(timeout=1)


async def _finish(connections: set[Any]) -> None:
    """Idle connections are closed, those with a call under way get their time."""
    for connection in connections:
        connection.close_if_idle()
    for _ in range(int(DRAIN_S / POLL_S)):
        if not connections:
            return
        await asyncio.sleep(POLL_S)
    for connection in connections:
        connection.abort()


def serve_actions(directory: Path, host: str, port: int) -> None:
    """Serve the shop's actions until SIGTERM or SIGINT. Raises BadInput for a taken port."""
    with bind(host, port) as listener:
        asyncio.run(_serve(directory, host, listener))


async def _serve(directory: Path, host: str, listener: socket.socket) -> None:
    from bot.bootstrap import open_shop
    from bot.config import BotSettings
    from bot.logs import configure
    from knowledge.settings import load_settings

    configure(load_settings(BotSettings, directory).log)
    stop = stop_signal()
    async with await open_shop(directory) as shop, \
            serving_actions(shop.actions, listener, shop.observer.spans) as port:
        print(f"shopclerk serves {len(shop.actions)} actions at http://{host}:{port}/webhook  (Ctrl+C stops it)",
              flush=True)
        await stop.wait()
