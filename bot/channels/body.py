"""Reads what a caller sent and makes it safe to keep: JSON bodies, and text with the characters no store should see."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from typing import Any

from aiohttp import web

from bot.channels.problem import Problem

READ_S = 20.0
_KEPT_CONTROLS = "\n\t"


async def read_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object. Raises a problem: 400 not JSON, 408 too slow, 413 too large, 422 not an object."""
    try:
        async with asyncio.timeout(READ_S):
            raw = await request.read()
    except TimeoutError:
        raise Problem(408, f"the request body did not arrive within {READ_S:.0f} s") from None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):      # ValueError covers bad UTF-8, bad JSON and absurdly long numbers
        raise Problem(400, "the request body is not valid JSON in UTF-8") from None
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


def clean(text: str) -> str:
    """Without lone surrogates and control characters (line breaks and tabs stay); all else is left as written."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    lined = whole.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lined if c in _KEPT_CONTROLS or unicodedata.category(c) != "Cc")
