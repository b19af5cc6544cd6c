"""Plays one script against the real application, over its Rasa REST channel on a loopback port.

It sees what any REST client sees: texts, buttons and `custom` (responses, requested_slot, cards). It knows nothing of
the engine behind the port and nothing of what the right outcome is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.retail.script import Customer, Heard, Script

TURN_LIMIT = 30
PATIENCE = 30.0                           # seconds for one reply
WEBHOOK = "/webhooks/rest/webhook"


@dataclass(frozen=True)
class Turn:
    said: str
    replies: tuple[Mapping[str, Any], ...]
    heard: Heard


@dataclass
class Played:
    """A finished conversation. `error` is the one reason why it could not be played to its end."""

    turns: list[Turn] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def bot_texts(self) -> list[str]:
        return [text for turn in self.turns for text in turn.heard.texts]


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Any]:
    """The application over a store folder, as an aiohttp test client."""
    from aiohttp.test_utils import TestClient, TestServer

    from bot.app import create_app
    from bot.bootstrap import open_shop

    shop = open_shop(directory)
    if asyncio.iscoroutine(shop):
        shop = await shop
    async with TestClient(TestServer(create_app(shop))) as client:
        yield client


async def play(client: Any, script: Script) -> Played:
    """At most TURN_LIMIT turns; a failed turn ends the conversation."""
    played, customer, sender = Played(), Customer(script), f"retail-{script.id}"
    said = customer.next(Heard())
    while said is not None and len(played.turns) < TURN_LIMIT:
        try:
            replies = await _say(client, sender, said, len(played.turns))
        except (OSError, TimeoutError, ValueError) as error:
            played.error = f"{type(error).__name__}: {error}"
            break
        heard = hear(replies)
        played.turns.append(Turn(said, tuple(replies), heard))
        said = customer.next(heard)
    else:
        if said is not None:
            customer.notes.append(f"stopped after {TURN_LIMIT} turns")
    played.notes = customer.notes
    return played


async def _say(client: Any, sender: str, text: str, number: int) -> list[dict[str, Any]]:
    body = {"sender": sender, "message": text, "metadata": {"message_id": f"{sender}-{number}"}}
    async with asyncio.timeout(PATIENCE):
        while True:
            async with client.post(WEBHOOK, json=body) as response:
                if response.status == 429:
                    await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
                    continue
                if response.status != 200:
                    raise ValueError(f"{response.status} {(await response.text())[:300]}")
                return list(await response.json())


def hear(replies: Sequence[Mapping[str, Any]]) -> Heard:
    """What a turn's bubbles amount to; the last question counts."""
    customs = [reply.get("custom") or {} for reply in replies]
    responses = tuple(name for custom in customs for name in custom.get("responses") or ())
    cards = [card for custom in customs for card in custom.get("cards") or () if card.get("kind") == "confirmation"]
    asked = next((custom["requested_slot"] for custom in reversed(customs) if custom.get("requested_slot")), "")
    if not asked:
        asked = next((kind for kind in ("clarify", "offer") if any(kind in name for name in responses)), "")
    return Heard(texts=tuple(reply["text"] for reply in replies if reply.get("text")),
                 cards="\n".join(json.dumps(card, ensure_ascii=False) for card in cards), responses=responses,
                 asked=str(asked))
