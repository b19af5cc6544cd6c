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


async def test_a_call_without_the_domain_that_is_not_known_yet_asks_for_it(url: str) -> None:
    """Rasa sends a digest of its domain first, and the whole of it after this answer."""
    body = {k: v for k, v in call("action_greet").items() if k != "domain"}
    status, answer = await post(url, body | {"domain_digest": "abc"})
    assert (status, answer["action_name"]) == (449, "action_greet")
    assert (await post(url, body | {"domain_digest": "abc", "domain": {"slots": {}}}))[0] == 200
    assert (await post(url, body | {"domain_digest": "abc"}))[0] == 200


async def test_what_is_no_call_is_refused(url: str) -> None:
    status, answer = await post(url, None)          # type: ignore[arg-type]
    assert (status, answer) == (400, {"error": "Invalid body request"})
    async with aiohttp.ClientSession() as session, session.post(f"{url}/webhook", data=b"{") as broken:
        assert broken.status in (400, 500)


async def test_an_action_is_a_span_of_its_callers_trace_and_names_nobody() -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from bot.telemetry import OtelSpans

    exported = InMemorySpanExporter()
    spans, parent = OtelSpans(SimpleSpanProcessor(exported)), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving_actions([Greet("Hello")], listener, spans) as port, aiohttp.ClientSession() as session:
            body = call("action_greet") | {"sender_id": "+49 170 1234567"}
            async with session.post(f"http://127.0.0.1:{port}/webhook", json=body,
                                    headers={"traceparent": parent}) as answer:
                assert answer.status == 200
    (span,) = exported.get_finished_spans()
    assert (span.name, dict(span.attributes or {})) == ("action", {"shopclerk.action": "action_greet"})
    assert span.context is not None and f"{span.context.trace_id:032x}" == parent.split("-")[1]
    assert "1234567" not in span.to_json()


async def test_health_and_the_list_of_actions(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as health, \
            session.get(f"{url}/actions") as actions:
        assert await health.json() == {"status": "ok"}
        assert sorted(a["name"] for a in await actions.json()) == ["action_greet", "action_reject"]
