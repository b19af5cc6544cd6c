"""API keys with scopes. Only a hash is stored: the key itself is shown once, when it is made.

A key that was found is believed for `KNOWN_S` seconds without asking the database again, so a revoked one may open for
that long; in the process that revokes it, it closes at once. What is no key is never remembered.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores import schema
from knowledge.errors import BadInput, NotFound

SCOPES = ("tracker", "orders", "handoffs", "chat", "interactions", "recommendations", "promotions", "profiles")
PREFIX = "sck"
KNOWN_S = 5.0
MOST_KNOWN = 1000


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: float
    revoked_at: float | None = None


class SqlKeyStore:
    """Keys are 256 random bits, so a plain sha256 is as good as a slow hash and costs nothing per request."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._now = engine, now
        self._known: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()        # digest → (asked again at, key)

    async def create(self, scopes: Sequence[str], name: str = "") -> tuple[ApiKey, str]:
        """The stored key and its text, which is never seen again. Raises BadInput for an unknown scope or none."""
        wanted = check_scopes(scopes)
        key = ApiKey(secrets.token_hex(4), name, wanted, time.time())
        text = f"{PREFIX}_{key.id}_{secrets.token_urlsafe(32)}"
        async with self._engine.begin() as connection:
            await connection.execute(insert(schema.api_keys).values(
                id=key.id, name=name, digest=_digest(text), scopes=" ".join(wanted), created_at=key.created_at))
        return key, text

    async def verify(self, text: str) -> ApiKey | None:
        """The key that this text opens, or None; a revoked one opens nothing."""
        digest = _digest(text)
        until, known = self._known.get(digest, (0.0, None))
        if known is not None and self._now() < until:
            return known
        key = await self._find(digest)
        self._known.pop(digest, None)
        if key is not None:
            self._known[digest] = (self._now() + KNOWN_S, key)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return key

    async def _find(self, digest: str) -> ApiKey | None:
        table = schema.api_keys
        query = select(table).where(table.c.digest == digest, table.c.revoked_at.is_(None))
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else ApiKey(row.id, row.name, tuple(row.scopes.split()), row.created_at)

    async def all(self) -> list[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        table = schema.api_keys
        async with self._engine.connect() as connection:
            rows = (await connection.execute(select(table).order_by(table.c.created_at))).all()
        return [ApiKey(r.id, r.name, tuple(r.scopes.split()), r.created_at, r.revoked_at) for r in rows]

    async def revoke(self, key_id: str) -> None:
        """Raises NotFound when there is no such key in force."""
        table = schema.api_keys
        change = update(table).where(table.c.id == key_id, table.c.revoked_at.is_(None)).values(revoked_at=time.time())
        async with self._engine.begin() as connection:
            if (await connection.execute(change)).rowcount == 0:
                raise NotFound(f"no API key '{key_id}' in force: 'shopclerk key list' shows them")
        self._known.clear()


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Without doubles, in the order given."""
    unknown = [s for s in scopes if s not in SCOPES]
    if unknown or not scopes:
        problem = f"no scope '{unknown[0]}'" if unknown else "a key needs at least one scope"
        raise BadInput(f"{problem}: choose from {', '.join(SCOPES)}")
    return tuple(dict.fromkeys(scopes))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
