"""The HTTP application over one open shop: routes, middleware, background work, drain. It opens and closes no shop."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.channels import api, pages, rest
from bot.channels.limits import TokenBuckets, check_rate, client_address, parse_networks
from bot.channels.metrics import Metrics
from bot.channels.problem import Handler, problems
from bot.channels.services import BY_ADDRESS, BY_CONVERSATION, METRICS, SECRET, SHOP, TURNS, OpenShop
from bot.channels.turns import Turns
from knowledge.errors import ShopclerkError

UNLIMITED = ("/healthz", "/readyz", "/metrics")
SWEEP_S = 5.0
CORS = web.RequestKey("cors", dict[str, str])
_PREFLIGHT = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Max-Age": "600",
              "Access-Control-Allow-Headers": "Authorization, Content-Type"}
DRAINING = web.AppKey("draining", asyncio.Event)
log = logging.getLogger("shopclerk.app")


def create_app(shop: OpenShop, secret: bytes | None = None) -> web.Application:
    """`secret` signs conversation tokens; without one they are worth nothing after a restart."""
    limits = shop.settings.limits
    app = web.Application(client_max_size=limits.body_bytes,
                          middlewares=[_measured, problems, _cross_origin(shop.settings.server.cors_origins),
                                       _limited(shop.settings.server.trusted_proxies)])
    app[SHOP], app[SECRET], app[METRICS] = shop, secret or secrets.token_bytes(32), _metrics()
    app[BY_ADDRESS] = TokenBuckets(limits.address_per_minute)
    app[BY_CONVERSATION] = TokenBuckets(limits.conversation_per_minute)
    app[TURNS], app[DRAINING] = Turns(shop.settings.timeouts.turn_s), asyncio.Event()
    app.add_routes([web.get("/healthz", _health), web.get("/readyz", _ready), web.get("/metrics", _metrics_text)])
    for module in (rest, api, pages):
        app.add_routes(module.routes)
    app.on_response_prepare.append(_add_cors)
    app.on_shutdown.append(_drain)
    app.cleanup_ctx.append(_sweeping)
    return app


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    """Ready when the store answers and the server is not about to stop."""
    if request.app[DRAINING].is_set():
        return web.json_response({"status": "stopping"}, status=503)
    try:
        async with asyncio.timeout(5):
            await request.app[SHOP].store.load("readyz")
    except Exception as error:              # whatever the store's driver raises, the answer is "not ready"
        log.warning("not ready: %s", error)
        return web.json_response({"status": "store unreachable"}, status=503)
    return web.json_response({"status": "ok"})


async def _metrics_text(request: web.Request) -> web.Response:
    return web.Response(text=request.app[METRICS].text(),
                        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _metrics() -> Metrics:
    metrics = Metrics()
    metrics.describe("shopclerk_turns_total", "Turns by channel and outcome.")
    metrics.describe("shopclerk_turn_seconds", "Time from message to reply.")
    metrics.describe("shopclerk_http_requests_total", "Requests by route and status.")
    metrics.describe("shopclerk_http_request_seconds", "Time to answer a request.")
    return metrics


@web.middleware
async def _measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    started = time.perf_counter()
    response = await handler(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "none"
    request.app[METRICS].count("shopclerk_http_requests_total", route=route, status=str(response.status))
    request.app[METRICS].observe("shopclerk_http_request_seconds", time.perf_counter() - started, route=route)
    return response


def _limited(trusted_proxies: tuple[str, ...]) -> Middleware:
    trusted = parse_networks(trusted_proxies)

    @web.middleware
    async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in UNLIMITED:
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
        allowed = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=allowed | _PREFLIGHT)
        request[CORS] = allowed
        return await handler(request)
    return cross_origin


async def _add_cors(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(request.get(CORS, {}))


async def _drain(app: web.Application) -> None:
    """No new work is announced; turns under way get their time."""
    app[DRAINING].set()
    await app[TURNS].drain(app[SHOP].settings.server.drain_s)


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


