"""Reads a request's JSON body, within the time and size a server can afford. What is in it, its model knows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from bot.channels.fields import clean
from bot.channels.problem import Problem

READ_S = 20.0
# Callers forget the header, and `curl -d` sends a form's; what cannot be JSON is refused before it is read.
_TAKEN = ("application/json", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain", "text/json")

__all__ = ["clean", "identifier", "read_json", "read_object", "text_field"]


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
        return json.loads(raw)
    except (ValueError, RecursionError):      # ValueError covers bad UTF-8, bad JSON and absurdly long numbers
        raise Problem(400, "the request body is not valid JSON in UTF-8") from None


def _check_media_type(request: web.Request) -> None:
    kind = request.content_type.lower()
    if "Content-Type" in request.headers and kind not in _TAKEN and not kind.endswith("+json"):
        raise Problem(415, f"the request body must be application/json, not '{kind[:100]}'")


# --- for handlers that read field by field ---------------------------------------------------------------------------

async def read_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; 422 when it is something else."""
    value = await read_json(request)
    if not isinstance(value, dict):
        raise Problem(422, "the request body must be a JSON object")
    return value


def text_field(body: dict[str, Any], name: str, *, limit: int, required: bool = True) -> str:
    """A text of at most `limit` characters; a number is read as its digits. Raises a 422 problem naming the field."""
    value = body.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise Problem(422, f"'{name}' is missing" if value is None else f"'{name}' must be a text", field=name)
    if len(value) > limit:
        raise Problem(422, f"'{name}' has {len(value)} characters; at most {limit} are allowed",
                      field=name, limit=limit)
    return clean(value)


def identifier(body: dict[str, Any], name: str, *, limit: int = 200, required: bool = True) -> str:
    """A non-empty text_field without control characters."""
    value = text_field(body, name, limit=limit, required=required)
    if required and not value.strip():
        raise Problem(422, f"'{name}' must not be empty", field=name)
    return value.replace("\n", " ").replace("\t", " ")
