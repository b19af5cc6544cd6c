"""`shopclerk actions`, called by a Rasa assistant: the real process over the demo shop, Rasa's own payloads."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from tests.scenarios.books import SHIPPED, Books
from tests.scenarios.process import Running, running


@pytest_asyncio.fixture(loop_scope="session")
async def actions(own_folder: Path, tmp_path: Path) -> AsyncIterator[Running]:
    async with running("actions", own_folder, tmp_path / "log") as server:
        yield server


def tracker(text: str, **slots: Any) -> dict[str, Any]:
    """What Rasa 3.6's DialogueStateTracker.current_state(EventVerbosity.ALL) gives."""
    parsed = {"intent": {"name": "track_order", "confidence": 0.98}, "entities": [], "text": text,
              "message_id": "5c1e", "metadata": {}, "intent_ranking": [{"name": "track_order", "confidence": 0.98}]}
    return {
        "sender_id": "+49 170 1234567", "slots": {"session_started_metadata": None, "requested_slot": None} | slots,
        "latest_message": parsed, "latest_event_time": 1795600000.5, "followup_action": None, "paused": False,
        "latest_input_channel": "rest", "active_loop": {}, "latest_action": {"action_name": "action_listen"},
        "latest_action_name": "action_listen", "stack": [],
        "events": [
            {"event": "action", "timestamp": 1795600000.1, "name": "action_session_start", "policy": None,
             "confidence": 1.0, "action_text": None, "hide_rule_turn": False},
            {"event": "session_started", "timestamp": 1795600000.1},
            {"event": "action", "timestamp": 1795600000.2, "name": "action_listen", "policy": None, "confidence": None},
            {"event": "user", "timestamp": 1795600000.5, "text": text, "parse_data": parsed, "input_channel": "rest",
             "message_id": "5c1e", "metadata": {}}]}


def call(action: str, text: str, **slots: Any) -> dict[str, Any]:
    domain = {"intents": [{"track_order": {"use_entities": []}}], "entities": [], "slots": {}, "forms": {},
              "responses": {"utter_track_shipped": [{"text": "On its way."}]}, "actions": [action], "version": "3.1",
              "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}}
    return {"next_action": action, "sender_id": "+49 170 1234567", "tracker": tracker(text, **slots),
            "domain": domain, "version": "3.6.21"}


async def test_a_rasa_assistant_tracks_a_customers_order(actions: Running, books: Books) -> None:
    order = books.first(SHIPPED, books.alone)
    asked = call("action_track_order", f"where is my order {order.number}?", customer_id=order.customer_id)
    async with aiohttp.ClientSession(actions.url) as session:
        async with session.post("/webhook", json=asked) as answer:
            assert answer.status == 200
            told = await answer.json()
        assert any(order.number.strip("#") in json.dumps(r) for r in told["responses"])
        assert [r["response"] for r in told["responses"]] == ["utter_track_shipped"]
        assert [e for e in told["events"] if e["event"] == "slot" and e["name"] == "focus_orders"]
        packed = zlib.compress(json.dumps(asked).encode())
        headers = {"Content-Encoding": "deflate", "Content-Type": "application/json"}
        async with session.post("/webhook", data=packed, headers=headers) as answer:
            assert await answer.json() == told
        async with session.post("/webhook", json=call("action_track_order", "where is it?")) as answer:
            assert [r["response"] for r in (await answer.json())["responses"]] == ["utter_identity_needed"]
        async with session.post("/webhook", json=call("action_nobody_has", "hi")) as answer:
            assert answer.status == 404 and (await answer.json())["action_name"] == "action_nobody_has"
        async with session.get("/health") as health, session.get("/actions") as listed:
            assert await health.json() == {"status": "ok"}
            names = {a["name"] for a in await listed.json()}
    assert {"action_track_order", "action_carry_out", "action_product_search"} <= names
    assert await actions.stop() == 0
    assert "1234567" not in actions.log.read_text()
