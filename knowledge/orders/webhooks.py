"""Signing outgoing webhooks by the Standard Webhooks specification (standardwebhooks.com), and checking them.

Headers `webhook-id`, `webhook-timestamp`, `webhook-signature`; a secret is "whsec_" and base64. It sends nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from knowledge.errors import ConfigError, Forbidden
from knowledge.orders.outbox import OrderEvent

PREFIX = "whsec_"
TOLERANCE_S = 300
_SECRET_BYTES = range(24, 65)         # what the specification allows


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """Raises ConfigError for a secret the specification does not allow."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError("webhook secret: not base64 (write 'whsec_' and 24 to 64 random bytes in base64)") from error
    if len(raw) not in _SECRET_BYTES:
        raise ConfigError(f"webhook secret: {len(raw)} bytes long (24 to 64 are needed)")
    return raw


def event_body(event: OrderEvent) -> bytes:
    """The payload: `type`, `timestamp` (when it happened) and `data`."""
    happened = event.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    payload: dict[str, Any] = {"type": event.kind, "timestamp": happened, "data": dict(event.data)}
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def signed_headers(message_id: str, body: bytes, secret_keys: Sequence[str], now: datetime) -> dict[str, str]:
    """Headers for one attempt. Several secrets sign side by side while one is being replaced.

    `message_id` is the same for every attempt (the operation id), so the receiver can tell a repetition.
    """
    stamp = int(now.timestamp())
    signatures = " ".join(_signature(message_id, stamp, body, secret) for secret in secret_keys)
    return {"webhook-id": message_id, "webhook-timestamp": str(stamp), "webhook-signature": signatures,
            "content-type": "application/json"}


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime, tolerance_s: int = TOLERANCE_S) -> None:
    """Raise Forbidden unless the body was signed with `secret` within `tolerance_s` of now."""
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        stamp = int(lower["webhook-timestamp"])
        message_id, signatures = lower["webhook-id"], lower["webhook-signature"].split()
    except (KeyError, ValueError) as error:
        raise Forbidden("webhook: headers webhook-id, webhook-timestamp and webhook-signature are needed") from error
    if abs(now.timestamp() - stamp) > tolerance_s:
        raise Forbidden("webhook: timestamp is too old or too new (check the sender's clock)")
    expected = _signature(message_id, stamp, body, secret).encode()
    if not any(hmac.compare_digest(expected, given.encode()) for given in signatures):
        raise Forbidden("webhook: no signature fits (check the secret)")


def _signature(message_id: str, stamp: int, body: bytes, secret: str) -> str:
    signed = b".".join((message_id.encode(), str(stamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()).decode()
