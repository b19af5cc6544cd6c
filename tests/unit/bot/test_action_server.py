"""The action server, called over HTTP as Rasa calls it."""

from __future__ import annotations

import json
import socket
import zlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from bot.action_server import serving_actions


class Greet(Action):
    """Needs an argument, so nobody but us can make it."""

    def __init__(self, greeting: str) -> None:
        self._greeting = greeting

    def name(self) -> str:
        return "action_greet"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        dispatcher.utter_message(text=f"{self._greeting} {tracker.slots['customer_id']}", buttons=[{"title": "Hi"}])
        return [SlotSet("greeted", True)]


class Reject(Action):
    def name(self) -> str:
        return "action_reject"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        raise ActionExecutionRejection(self.name(), "not now")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving_actions([Greet("Hello"), Reject()], listener) as port:
            yield f"http://127.0.0.1:{port}"


def call(action: str) -> dict[str, Any]:
    """The body Rasa posts."""
    return {
        "next_action": action, "sender_id": "u1", "version": "3.21.0", "domain": {"responses": {}},
        "tracker": {
            "sender_id": "u1", "slots": {"customer_id": "C7"}, "latest_message": {"text": "hi"},
            "events": [], "paused": False, "followup_action": None, "active_loop": {}, "latest_action_name": None,
            "latest_input_channel": "rest", "stack": []}}


async def post(url: str, body: dict[str, Any]) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.post(f"{url}/webhook", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_an_action_answers_events_and_responses(url: str) -> None:
    status, answer = await post(url, call("action_greet"))
    assert status == 200
    assert answer["events"] == [{"event": "slot", "timestamp": None, "name": "greeted", "value": True}]
    assert answer["responses"][0]["text"] == "Hello C7" and answer["responses"][0]["buttons"] == [{"title": "Hi"}]


async def test_a_compressed_call_is_read_too(url: str) -> None:
    body, headers = zlib.compress(json.dumps(call("action_greet")).encode()), {"Content-Encoding": "deflate"}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/webhook", data=body, headers=headers) as answer:
        assert answer.status == 200


async def test_rejection_and_an_unknown_action_are_told_as_rasa_expects(url: str) -> None:
    assert await post(url, call("action_reject")) == (400, {"error": "not now", "action_name": "action_reject"})
    status, answer = await post(url, call("action_nothing"))
    assert status == 404 and answer["action_name"] == "action_nothing"


async def test_health_and_the_list_of_actions(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as health, \
            session.get(f"{url}/actions") as actions:
        assert await health.json() == {"status": "ok"}
        assert sorted(a["name"] for a in await actions.json()) == ["action_greet", "action_reject"]
