"""Who may call what: API keys with scopes, and the tokens of conversations begun here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from bot.channels.problem import Problem
from bot.channels.services import SECRET, SHOP
from bot.channels.tokens import holds

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_NO_KEY = "an API key is needed: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"


def needs_scope(scope: str) -> Callable[[Handler], Handler]:
    """Only callers whose API key has `scope` get through: 401 without a valid key, 403 with another one."""
    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            text = credential(request)
            key = await request.app[SHOP].keys.verify(text) if text else None
            if key is None:
                raise Problem(401, _NO_KEY, headers=_CHALLENGE)
            if scope not in key.scopes:
                raise Problem(403, f"this API key does not have the scope '{scope}'", scope=scope)
            return await handler(request)
        return guarded
    return guard


def credential(request: web.Request) -> str:
    """The bearer token or X-API-Key of a request; "" without one."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()


def check_holder(request: web.Request, conversation_id: str) -> None:
    """Raises a 401 problem unless the caller shows the token that was given out with this conversation."""
    if not holds(request.app[SECRET], conversation_id, credential(request)):
        raise Problem(401, "this conversation's token is needed: 'Authorization: Bearer TOKEN'", headers=_CHALLENGE)
