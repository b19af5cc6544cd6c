"""For those who run the server: is it alive, is it ready, what has it counted, what can it do."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from bot.channels.access import PUBLIC
from bot.channels.metrics import CONTENT_TYPE
from bot.channels.openapi import document
from bot.channels.operations import JSON, Operations
from bot.channels.schemas import Status
from bot.channels.services import METRICS, SHOP

DRAINING = web.AppKey("draining", asyncio.Event)
READY_S = 5.0
log = logging.getLogger("shopclerk.probes")
routes = Operations("operation")


@routes.get("/healthz", "The process lives", PUBLIC, answer=Status)
async def health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@routes.get("/readyz", "The store answers and the server is not about to stop", PUBLIC,
            answers={200: {JSON: Status}, 503: {JSON: Status}})
async def ready(request: web.Request) -> web.Response:
    if request.app[DRAINING].is_set():
        return web.json_response({"status": "stopping"}, status=503)
    try:
        async with asyncio.timeout(READY_S):
            await request.app[SHOP].store.load("readyz")
    except Exception as error:              # whatever the store's driver raises, the answer is "not ready"
        log.warning("not ready: %s", error)
        return web.json_response({"status": "store unreachable"}, status=503)
    return web.json_response({"status": "ok"})


@routes.get("/metrics", "Prometheus metrics", PUBLIC, media="text/plain", answer="Prometheus' text format")
async def metrics(request: web.Request) -> web.Response:
    """Also while the store is away: then without what waits in it."""
    try:
        async with asyncio.timeout(READY_S):
            request.app[METRICS].waiting(await request.app[SHOP].queues())
    except Exception as error:              # whatever the store's driver raises
        log.warning("queues could not be counted: %s", error)
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": CONTENT_TYPE})


@routes.get("/openapi.json", "This document", PUBLIC, answer=dict)
async def openapi(request: web.Request) -> web.Response:
    return web.json_response(document(request.app))
