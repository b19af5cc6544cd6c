"""Who is signed in at the storefront: a signed cookie, and the token that vouches for the customer to the assistant.

A real shop has accounts with passwords; here one chooses which demo customer to be.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from bot.channels.tokens import sign

COOKIE = "larkfell_customer"
LASTS_S = 12 * 3600
_PURPOSE = b"storefront session\n"


def session_cookie(secret: bytes, customer_id: str) -> str:
    return f"{customer_id}.{sign(secret, _PURPOSE + customer_id.encode())}"


def signed_in(secret: bytes, cookie: str) -> str:
    """The customer id a cookie of ours stands for, else ""."""
    customer_id, _, mac = cookie[:300].rpartition(".")
    expected = sign(secret, _PURPOSE + customer_id.encode("utf-8", "replace"))
    return customer_id if customer_id and hmac.compare_digest(expected.encode(), mac.encode("utf-8", "replace")) else ""


def customer_token(key: str, customer_id: str, audience: str) -> str:
    """A JWT (HS256) as the shop's own backend would make it for the widget."""
    now = int(time.time())
    claims = {"sub": customer_id, "aud": audience, "iat": now, "exp": now + LASTS_S}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_base64url(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"


def _part(content: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
