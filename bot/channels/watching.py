"""Around every request: its id, the trace it belongs to, its line in the log and its place in the metrics.

The line names the route's pattern, never the path: a path may hold an order's number or a conversation's id.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from aiohttp import web

from bot.channels.auth import KEY_ID
from bot.channels.problem import Handler
from bot.channels.services import METRICS, SHOP
from bot.logs import bind_request_id, current_request_id

REQUEST_ID = "X-Request-Id"
QUIET = ("/healthz", "/readyz", "/metrics")            # asked every few seconds: logged as debug
_GOOD_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
log = logging.getLogger("shopclerk.access")


@web.middleware
async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost one: what it does not see did not happen."""
    given, started = request.headers.get(REQUEST_ID, ""), time.perf_counter()
    bind_request_id(given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex)
    status = 499                            # the caller left before there was an answer
    try:
        with _trace(request):
            response = await handler(request)
        status = response.status
        return response
    finally:
        _note(request, status, time.perf_counter() - started)


async def add_request_id(_request: web.Request, response: web.StreamResponse) -> None:
    """A response signal, since a streamed answer's headers are sent long before its handler returns."""
    if request_id := current_request_id():
        response.headers[REQUEST_ID] = request_id


def _trace(request: web.Request) -> AbstractContextManager[Any]:
    spans = request.app[SHOP].observer.spans
    return nullcontext() if spans is None else spans.follow(request.headers)


def _note(request: web.Request, status: int, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "none"
    request.app[METRICS].request(route, status, seconds)
    level = logging.DEBUG if route in QUIET else logging.INFO
    if log.isEnabledFor(level):
        key = request.get(KEY_ID, "")
        fields = {"method": request.method, "route": route, "status": status, "ms": round(seconds * 1000, 1)} | (
            {"key": key} if key else {})
        log.log(level, "%s %s %d %.1f ms%s", request.method, route, status, seconds * 1000,
                f" key {key}" if key else "", extra={"fields": fields})
