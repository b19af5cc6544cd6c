"""Tokens that prove something: who a customer is (made by the shop's site), whose conversation it is (made by us).

Two forms of customer token, both keyed with the secret the shop shares with us: a JWT (HS256, `sub`, `exp` and `aud`
required; RFC 7519) and, for shops without a JWT library, `<customer id>.<hex HMAC-SHA256 of the id>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from typing import Any, TypeGuard

from bot.config import CustomerTokenSettings

_HEX_FORM = re.compile(r"(?P<id>.+)\.(?P<mac>[0-9a-f]{64})", re.DOTALL)
LONGEST = 4096


class BadToken(Exception):
    """The message says why, in words fit for the caller."""


def customer_of(token: str, settings: CustomerTokenSettings, now: float | None = None) -> str:
    """The customer id a token vouches for. Raises BadToken."""
    if settings.key is None:
        raise BadToken("this shop has no customer_token.key set, so no customer can be signed in by token")
    if len(token) > LONGEST:
        raise BadToken("the customer token is too long")
    key = settings.key.get_secret_value().encode()
    if match := _HEX_FORM.fullmatch(token):
        if not hmac.compare_digest(sign(key, match["id"].encode()), match["mac"]):
            raise BadToken("the customer token does not match its signature")
        return match["id"]
    return _customer_of_jwt(token, key, settings.audience, time.time() if now is None else now)


def _customer_of_jwt(token: str, key: bytes, audience: str, now: float) -> str:
    head, claims = _verified(token, key)
    if head.get("alg") != "HS256" or "crit" in head:
        raise BadToken("the customer token must be signed with HS256")
    expires, audiences, subject = claims.get("exp"), claims.get("aud"), claims.get("sub")
    if not _is_time(expires) or expires <= now:
        raise BadToken("the customer token has expired or has no 'exp'")
    if "nbf" in claims and (not _is_time(claims["nbf"]) or claims["nbf"] > now):
        raise BadToken("the customer token is not valid yet")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise BadToken(f"the customer token's 'aud' must be '{audience}'")
    if not isinstance(subject, str) or not subject:
        raise BadToken("the customer token has no 'sub'")
    return subject


def _verified(token: str, key: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT whose HMAC-SHA256 is right; the algorithm is fixed, the header has no say in it."""
    try:
        head, claims, mac = token.encode("ascii").split(b".")
        given = _base64url(mac)
    except (ValueError, UnicodeEncodeError):
        raise BadToken("the customer token is neither a JWT nor '<customer id>.<hex signature>'") from None
    if not hmac.compare_digest(hmac.digest(key, head + b"." + claims, "sha256"), given):
        raise BadToken("the customer token does not match its signature")
    try:
        parts = json.loads(_base64url(head)), json.loads(_base64url(claims))
    except (ValueError, RecursionError):
        raise BadToken("the customer token does not hold JSON") from None
    if not isinstance(parts[0], dict) or not isinstance(parts[1], dict):
        raise BadToken("the customer token does not hold JSON objects")
    return parts


def _base64url(data: bytes) -> bytes:
    if re.search(rb"[^A-Za-z0-9_-]", data):
        raise binascii.Error("not base64url")      # a ValueError
    return base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def sign(key: bytes, message: bytes) -> str:
    """Hex HMAC-SHA256."""
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def conversation_token(secret: bytes, conversation_id: str) -> str:
    """Proves to us, later, that the holder began this conversation."""
    return sign(secret, b"conversation:" + conversation_id.encode())


def holds(secret: bytes, conversation_id: str, token: str) -> bool:
    return hmac.compare_digest(conversation_token(secret, conversation_id).encode(), token.encode("utf-8", "replace"))
