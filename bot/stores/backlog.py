"""How much waits in the database: for the metrics, so it is counted only when somebody asks."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.stores.schema import inbox, webhook_outbox


async def backlog(engine: AsyncEngine) -> dict[str, int]:
    """accepted: messages kept and not answered yet; outbox: webhooks not taken yet; given_up: never to be sent."""
    waiting = {
        "accepted": select(func.count()).where(inbox.c.reply == ""),
        "outbox": select(func.count()).where(webhook_outbox.c.state == "waiting"),
        "given_up": select(func.count()).where(webhook_outbox.c.state == "given_up"),
    }
    async with engine.connect() as connection:
        return {name: (await connection.execute(query)).scalar_one() for name, query in waiting.items()}
