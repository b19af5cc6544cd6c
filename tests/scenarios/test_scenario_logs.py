"""A whole conversation through a real server whose log says all it can: nothing of the customer stands in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp

from bot.stores.opening import create_key
from tests.scenarios.books import PENDING, Books
from tests.scenarios.conftest import TOKEN_KEY
from tests.scenarios.process import running
from tests.scenarios.web import signed

CARD, IBAN, PHONE = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+49 170 1234567"
STRANGER, STREET, PASSWORD = "Zebulon Quackenbush", "17 Thistledown Crescent", "hunter2-swordfish"


async def test_nothing_of_a_customer_stands_in_the_log(own_folder: Path, tmp_path: Path, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    customer = books.owner(order)
    key = await create_key(own_folder, ["tracker", "orders", "handoffs", "chat"], "tests")
    token = signed(customer.id, TOKEN_KEY)
    said = ["hello", f"I am {STRANGER}, my number is {PHONE} and my card is {CARD}", f"send the money to {IBAN}",
            f"cancel {order.number}", str(customer.email), "no", f"my new address is {STREET}, 12345 Elsewhere",
            f"my password is {PASSWORD}", "a person please"]
    settings = {"SHOPCLERK__LOG__LEVEL": "debug", "SHOPCLERK__LOG__FORMAT": "json",
                "SHOPCLERK__CUSTOMER_TOKEN__KEY": TOKEN_KEY}
    async with running("serve", own_folder, tmp_path / "log", **settings) as server:
        async with aiohttp.ClientSession(server.url) as session:
            for text in said:
                await ask(session, 200, "/webhooks/rest/webhook", {"sender": customer.email, "message": text})
            await ask(session, 200, "/webhooks/rest/webhook?stream=true", {
                "sender": "u2", "message": "where is my order?", "metadata": {"customer_token": token}})
            await ask(session, 401, "/webhooks/rest/webhook", {
                "sender": "u2", "message": "hi", "metadata": {"customer_token": f"{customer.id}.{'0' * 64}"}})
            chat = {"model": "m", "user": PHONE, "messages": [{"role": "user", "content": f"hi, {STRANGER} here"}]}
            await ask(session, 200, "/v1/chat/completions", chat, key)
            begun = await ask(session, 201, "/api/v1/conversations", {})
            mine = f"/api/v1/conversations/{begun['conversation_id']}"
            await ask(session, 200, f"{mine}/messages", {"client_id": "1", "text": f"hi, {STRANGER} here"},
                      begun["token"])
            await ask(session, 204, f"{mine}/feedback", {"score": 1, "comment": f"call {PHONE}"}, begun["token"])
            for path in (f"/conversations/{customer.email}/tracker", f"/api/v1/orders/{order.number[1:]}"):
                async with session.get(path, headers={"X-API-Key": key}) as answer:
                    assert answer.status == 200
        assert await server.stop() == 0
    log = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["route"] for line in lines if "route" in line} >= {
        "/webhooks/rest/webhook", "/v1/chat/completions", "/conversations/{sender}/tracker"}
    assert all(line.get("request_id") for line in lines if line["logger"] == "shopclerk.access")
    assert key.split("_")[1] in log, "a key's id is for the log, the key is not"
    secrets = [CARD, IBAN, PHONE, STRANGER, "Quackenbush", STREET, "Thistledown", PASSWORD, key, token, begun["token"],
               begun["conversation_id"], TOKEN_KEY, order.number[1:], customer.email, customer.last_name,
               customer.phone, customer.address.line1 if customer.address else None]
    found = [s for s in secrets if s and any(form in log for form in (s, s.replace(" ", ""), s.replace("@", "%40")))]
    assert found == []


async def ask(session: aiohttp.ClientSession, status: int, path: str, body: dict[str, Any], token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with session.post(path, json=body, headers=headers) as answer:
        told = await answer.text()
        assert answer.status == status, told
    return json.loads(told) if answer.content_type == "application/json" else told
