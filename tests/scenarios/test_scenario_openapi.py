"""The demo shop's own server, asked odd questions at every operation that takes a body or needs a key."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from bot.stores.opening import create_key
from tests.contracts.test_openapi import ASKED, Mode, Running, ask, described
from tests.scenarios.process import running

EXAMPLES = 5
LIMITS = {"SHOPCLERK__LIMITS__ADDRESS_PER_MINUTE": "1000000", "SHOPCLERK__LIMITS__CONVERSATION_PER_MINUTE": "100000"}


async def test_no_question_upsets_the_server(own_folder: Path, tmp_path: Path) -> None:
    key = await create_key(own_folder, ["tracker", "orders", "handoffs", "chat"], "tests")
    async with running("serve", own_folder, tmp_path / "log", **LIMITS) as server:
        async with aiohttp.ClientSession(server.url) as session, session.post("/api/v1/conversations") as answer:
            begun = await answer.json()
        shop = Running(server.url, key, begun["conversation_id"], begun["token"])
        await asyncio.to_thread(everything, shop)
        assert await server.stop() == 0
    log = (tmp_path / "log").read_text()
    assert '"level": "error"' not in log and "Traceback" not in log


def everything(shop: Running) -> None:
    for method, path in ASKED:
        operation = described(method, path)
        if "requestBody" in operation:
            ask(shop, method, path, True, Mode.NEGATIVE, EXAMPLES, query={}, headers={})
        if "requestBody" in operation or "security" in operation:
            ask(shop, method, path, True, Mode.POSITIVE, EXAMPLES)
