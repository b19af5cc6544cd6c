"""Reads a request's JSON body, within the time and size a server can afford. What is in it, its model knows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from bot.channels.problem import Problem

READ_S = 20.0
# Callers forget the header, and `curl -d` sends a form's; what cannot be JSON is refused before it is read.
_TAKEN = ("application/json", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain", "text/json")


async def read_json(request: web.Request, *, required: bool = True) -> Any:
    """The body as JSON; {} for none that is not required.

    Raises a problem: 400 not JSON, 408 too slow, 413 too large, 415 of another kind.
    """
    _check_media_type(request)
    try:
        async with asyncio.timeout(READ_S):
            raw = await request.read()
    except TimeoutError:
        raise Problem(408, f"the request body did not arrive within {READ_S:.0f} s") from None
    if not raw and not required:
        return {}
    try:
        return json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):      # ValueError covers bad UTF-8, bad JSON and absurdly long numbers
        raise Problem(400, "the request body is not valid JSON in UTF-8") from None


def _refuse(constant: str) -> Any:
    """NaN and Infinity are Python's, not JSON's; no browser reads them."""
    raise ValueError(constant)


def _check_media_type(request: web.Request) -> None:
    kind = request.content_type.lower()
    if "Content-Type" in request.headers and kind not in _TAKEN and not kind.endswith("+json"):
        raise Problem(415, f"the request body must be application/json, not '{kind[:100]}'")
