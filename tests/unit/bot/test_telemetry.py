"""Spans of turns through the real engine: one trace a turn, a child per stage, nothing personal, off by default."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from bot.app import create_app
from bot.config import TelemetrySettings, WebhookSettings
from bot.domain import commands as cmd
from bot.engine.inbox import Inbox
from bot.observer import LogObserver
from bot.stores import database
from bot.telemetry import OtelSpans, open_spans
from bot.webhooks import WebhookOutbox
from knowledge.db import async_url
from tests.fakes import FakeClock, FakeShop, LocalLock
from tests.unit.engine.desk_flows import Counter as Desk

HOOK = "/webhooks/rest/webhook"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NAME, MAIL = "Anastasia Ruiz", "ana.ruiz@example.com"


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def client(exported: InMemorySpanExporter) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """The application over the real engine, whose reader is scripted."""
    desk, shop = Desk(), FakeShop()
    shop.observer = LogObserver(OtelSpans(SimpleSpanProcessor(exported)))
    desk.reader.script["boom"] = _fails
    engine = replace(desk.engine(), observer=shop.observer)
    shop.store = desk.store
    shop.inbox = Inbox(engine, desk.store, LocalLock())        # type: ignore[assignment]
    async with TestClient(TestServer(create_app(shop))) as opened:
        yield opened


async def _fails() -> tuple[cmd.Command, ...]:
    raise RuntimeError(f"could not read what {NAME} wrote")


async def say(client: Any, text: str, **headers: str) -> None:
    answer = await client.post(HOOK, json={"sender": MAIL, "message": text}, headers=headers)
    assert answer.status == 200


def tree(spans: tuple[ReadableSpan, ...]) -> dict[str, list[str]]:
    names = {s.context.span_id: s.name for s in spans if s.context}
    found: dict[str, list[str]] = {}
    for span in sorted(spans, key=lambda s: s.start_time or 0):
        parent = names.get(span.parent.span_id, "outside") if span.parent else ""
        found.setdefault(parent, []).append(span.name)
    return found


async def test_a_turn_is_one_trace_with_a_child_per_stage(client: Any, exported: InMemorySpanExporter) -> None:
    await say(client, "hello", **{"X-Request-Id": "r7"})
    spans = exported.get_finished_spans()
    assert tree(spans) == {"": ["turn"], "turn": ["guard", "retrieve", "understand", "act", "say", "commit"]}
    assert len({s.context.trace_id for s in spans if s.context}) == 1
    told = {s.name: dict(s.attributes or {}) for s in spans}
    assert told["turn"] == {"shopclerk.channel": "rest", "shopclerk.request_id": "r7", "shopclerk.intent": "scripted"}
    assert told["understand"] == {"shopclerk.rung.understand": "embedded"}
    assert told["say"] == {"shopclerk.rung.say": "template"}


async def test_two_turns_are_two_traces(client: Any, exported: InMemorySpanExporter) -> None:
    await say(client, "hello")
    await say(client, "hello")
    assert len({s.context.trace_id for s in exported.get_finished_spans() if s.context}) == 2


async def test_a_callers_trace_is_gone_on_with(client: Any, exported: InMemorySpanExporter) -> None:
    await say(client, "hello", traceparent=PARENT)
    spans = exported.get_finished_spans()
    assert {f"{s.context.trace_id:032x}" for s in spans if s.context} == {PARENT.split("-")[1]}
    turn = next(s for s in spans if s.name == "turn")
    assert turn.parent is not None and f"{turn.parent.span_id:016x}" == PARENT.split("-")[2]


@pytest.mark.parametrize("given", ["nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", PARENT[:-1]])
async def test_a_broken_traceparent_begins_a_trace_of_our_own(
        client: Any, exported: InMemorySpanExporter, given: str) -> None:
    await say(client, "hello", traceparent=given)
    assert next(s for s in exported.get_finished_spans() if s.name == "turn").parent is None


async def test_a_caller_who_does_not_sample_is_not_traced(client: Any, exported: InMemorySpanExporter) -> None:
    await say(client, "hello", traceparent=PARENT[:-2] + "00")
    assert exported.get_finished_spans() == ()


async def test_nothing_personal_is_in_a_span_even_when_a_turn_fails(
        client: Any, exported: InMemorySpanExporter) -> None:
    await say(client, f"{NAME} {MAIL}")
    await say(client, "boom")
    written = "".join(span.to_json() for span in exported.get_finished_spans())
    assert "understand" in written
    assert not any(secret in written for secret in (NAME, MAIL, "boom", "could not read"))


def test_it_is_off_unless_an_endpoint_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    assert open_spans(TelemetrySettings()) is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    spans = open_spans(TelemetrySettings())
    assert spans is not None
    spans.close()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert open_spans(TelemetrySettings()) is None


def test_while_it_is_off_nothing_of_it_is_loaded() -> None:
    code = ("import sys\nfrom bot.telemetry import open_spans\nfrom bot.observer import LogObserver\n"
            "from bot.config import TelemetrySettings\nobserver = LogObserver(open_spans(TelemetrySettings()))\n"
            "with observer.turn('rest'), observer.stage('say'):\n    observer.rung('say', 'llm')\n"
            "print([m for m in sys.modules if m.startswith('opentelemetry')])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          cwd=Path(__file__).parents[3], env={"PATH": ""})
    assert done.stdout.strip() == "[]", done.stderr


async def test_a_webhook_carries_the_trace_of_its_sending(tmp_path: Path, exported: InMemorySpanExporter) -> None:
    import aiohttp

    seen: list[str] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(request.headers["traceparent"])
        return web.Response(status=204)

    shop = web.Application()
    shop.router.add_post("/hook", take)
    engine = database.open_engine(async_url(f"sqlite:///{tmp_path}/shop.db"))
    await database.upgrade(engine)
    async with TestServer(shop) as server, aiohttp.ClientSession() as session:
        secret = SecretStr("whsec_" + base64.b64encode(b"k" * 32).decode())
        outbox = WebhookOutbox(engine, WebhookSettings(url=str(server.make_url("/hook")), secret=secret), FakeClock(),
                               OtelSpans(SimpleSpanProcessor(exported)))
        await outbox.announce("case.opened", {"number": "C1"}, "case:C1")
        assert await outbox.send_due(session) == 1
    await engine.dispose()
    (span,) = exported.get_finished_spans()
    assert span.name == "webhook" and span.context is not None
    assert [header.split("-")[1] for header in seen] == [f"{span.context.trace_id:032x}"]


async def test_spans_reach_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    got: list[bytes] = []

    async def collect(request: web.Request) -> web.Response:
        got.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    collector = web.Application()
    collector.router.add_post("/v1/traces", collect)
    async with TestServer(collector) as server:
        spans = open_spans(TelemetrySettings(otlp_endpoint=str(server.make_url("/"))))
        assert spans is not None
        observer = LogObserver(spans)
        with observer.turn("rest"):
            assert len(spans.trace_id()) == 32
            headers: dict[str, str] = {}
            spans.carry(headers)
            assert headers["traceparent"].split("-")[1] == spans.trace_id()
        await asyncio.to_thread(spans.close)
    sent = ExportTraceServiceRequest.FromString(got[0]).resource_spans[0]
    assert [s.name for s in sent.scope_spans[0].spans] == ["turn"]
    assert {a.key: a.value.string_value for a in sent.resource.attributes}["service.name"] == "shopclerk"
