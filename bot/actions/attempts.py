"""Wrong guesses at one customer, over all conversations: after so many in an hour none is right any more.

The answer stays the one a wrong guess gets, so nobody learns that a contact is guessed at. What was claimed is kept as a
hash.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping

from bot.buckets import TokenBuckets

CONTACTS = (("email",), ("order_number",), ("customer_id",), ("phone",), ("first_name", "last_name"))
HOUR_S = 3600.0


class ContactAttempts:
    def __init__(self, per_hour: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._wrong = TokenBuckets(per_hour, clock, HOUR_S)

    def allow(self, claims: Mapping[str, str]) -> bool:
        """Whether claims about these contacts may still be right."""
        return not any(self._wrong.is_empty(key) for key in _keys(claims))

    def failed(self, claims: Mapping[str, str]) -> None:
        for key in _keys(claims):
            self._wrong.take(key)


def _keys(claims: Mapping[str, str]) -> list[str]:
    """One per contact claimed, however it was written."""
    whole = [parts for parts in CONTACTS if all(claims.get(part) for part in parts)]
    written = [":".join([*parts, *("".join(c for c in str(claims[p]).lower() if c.isalnum()) for p in parts)])
               for parts in whole]
    return [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32] for text in written]
