"""The HTTP application over one open shop: routes, middleware, background work, drain. It opens and closes no shop."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.channels import api, lookers, openai, pages, probes, rest, widget
from bot.channels.limits import BY_KEY, TokenBuckets, check_rate, client_address, parse_networks
from bot.channels.metrics import Metrics
from bot.channels.probes import DRAINING
from bot.channels.problem import Handler, problems
from bot.channels.services import BY_ADDRESS, BY_CONVERSATION, METRICS, OPEN, SECRET, SHOP, TURNS, OpenShop
from bot.channels.turns import Turns
from bot.channels.watching import QUIET, add_request_id, watched
from knowledge.errors import ShopclerkError

SWEEP_S = 5.0
CORS = web.RequestKey("cors", dict[str, str])
_PREFLIGHT = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Max-Age": "600",
              "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, X-Request-Id, traceparent"}
log = logging.getLogger("shopclerk.app")


def create_app(shop: OpenShop, secret: bytes | None = None,
               front: Callable[[web.Application], None] | None = None) -> web.Application:
    """`secret` signs conversation tokens; without one they are worth nothing after a restart.

    `front` adds pages that go before ours: the demo's storefront.
    """
    limits = shop.settings.limits
    app = web.Application(client_max_size=limits.body_bytes,
                          middlewares=[watched, problems, _cross_origin(shop.settings.server.cors_origins),
                                       _limited(shop.settings.server.trusted_proxies)])
    app[SHOP], app[SECRET] = shop, secret or secrets.token_bytes(32)
    app[METRICS], app[BY_KEY] = Metrics(shop.observer.registry), TokenBuckets(limits.key_per_minute)
    app[BY_ADDRESS] = TokenBuckets(limits.address_per_minute)
    app[BY_CONVERSATION] = TokenBuckets(limits.conversation_per_minute)
    app[TURNS], app[DRAINING] = Turns(shop.settings.timeouts.turn_s, limits.turns), asyncio.Event()
    app[OPEN] = set()
    app[METRICS].watch(app[TURNS], app[OPEN])
    if front is not None:
        front(app)
    for module in (rest, openai, widget, api, probes, pages):
        app.add_routes(module.routes)
    app.on_response_prepare.extend([_add_cors, add_request_id])
    app.on_shutdown.append(drain)
    app.cleanup_ctx.extend([_sweeping, lookers.beating])
    return app


def _limited(trusted_proxies: tuple[str, ...]) -> Middleware:
    trusted = parse_networks(trusted_proxies)

    @web.middleware
    async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in QUIET:
            check_rate(request.app[BY_ADDRESS], client_address(request, trusted), "address")
        return await handler(request)
    return limited


def _cross_origin(origins: tuple[str, ...]) -> Middleware:
    """Other sites' pages may call only from the origins the shop named; none by default."""
    @web.middleware
    async def cross_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if origin not in origins:
            return await handler(request)
        allowed = {"Access-Control-Allow-Origin": origin, "Vary": "Origin",
                   "Access-Control-Expose-Headers": "X-Request-Id, Retry-After"}
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=allowed | _PREFLIGHT)
        request[CORS] = allowed
        return await handler(request)
    return cross_origin


async def _add_cors(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(request.get(CORS, {}))


async def drain(app: web.Application) -> None:
    """Not ready from now on; turns under way get their time, lookers-on are sent to come back elsewhere."""
    if app[DRAINING].is_set():
        return
    app[DRAINING].set()
    await app[TURNS].drain(app[SHOP].settings.server.drain_s)
    await lookers.let_go(app)


async def _sweeping(app: web.Application) -> AsyncIterator[None]:
    """Give overdue handoffs back to the bot, as long as the server runs."""
    task = asyncio.create_task(_sweep(app[SHOP]))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _sweep(shop: OpenShop) -> None:
    while True:
        try:
            await shop.handoffs.expire()
        except (ShopclerkError, OSError) as error:
            log.warning("overdue handoffs could not be looked at: %s", error)
        await asyncio.sleep(SWEEP_S)
