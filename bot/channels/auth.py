"""Proofs of who calls: API keys with scopes, and the tokens of conversations begun here."""

from __future__ import annotations

from aiohttp import web

from bot.channels.limits import BY_KEY, check_rate
from bot.channels.problem import Problem
from bot.channels.services import SECRET, SHOP
from bot.channels.tokens import holds

KEY_PREFIX = "sck_"
KEY_ID = web.RequestKey("key_id", str)
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_NO_KEY = "an API key is needed: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"


async def check_key(request: web.Request, scope: str) -> None:
    """Raises a problem unless the API key shown is in force (401), has `scope` (403) and is not too busy (429)."""
    text = credential(request)
    key = await request.app[SHOP].keys.verify(text) if text else None
    if key is None:
        raise Problem(401, _NO_KEY, headers=_CHALLENGE)
    request[KEY_ID] = key.id
    check_rate(request.app[BY_KEY], key.id, "API key")
    if scope not in key.scopes:
        raise Problem(403, f"this API key does not have the scope '{scope}'", kind="missing-scope", scope=scope)


def credential(request: web.Request) -> str:
    """The bearer token or X-API-Key of a request; "" without one."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()


def presented_key(request: web.Request) -> bool:
    """Whether the caller shows what looks like one of our keys; clients that insist on a key send any word."""
    return credential(request).startswith(KEY_PREFIX)


def check_holder(request: web.Request, conversation_id: str) -> None:
    """Raises a 401 problem unless the caller shows the token that was given out with this conversation."""
    if not holds(request.app[SECRET], conversation_id, credential(request)):
        raise Problem(401, "this conversation's token is needed: 'Authorization: Bearer TOKEN'", headers=_CHALLENGE)
