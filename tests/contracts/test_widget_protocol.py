"""The widget's protocol over real sockets: hello, acknowledgement, resume, resync, two readers, what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from bot.app import create_app
from bot.channels import connection as connections
from bot.channels.services import OPEN
from bot.config import BotSettings, CustomerTokenSettings, LimitSettings, ServerSettings, TimeoutSettings
from bot.domain import events as ev
from tests.contracts.widget_client import Frame, Widget, said
from tests.fakes import FakeShop

Client = TestClient[web.Request, web.Application]
Connect = Callable[..., Awaitable[Widget]]
KEY = "shared with the shop"
SETTINGS = BotSettings(
    limits=LimitSettings(conversation_per_minute=40, sockets=20, message_chars=100),
    timeouts=TimeoutSettings(turn_s=2), server=ServerSettings(cors_origins=("https://shop.example",)),
    customer_token=CustomerTokenSettings(key=SecretStr(KEY)))
API = "/api/v1/conversations"


@pytest.fixture
async def shop() -> FakeShop:
    return FakeShop(SETTINGS)


@pytest.fixture
async def client(shop: FakeShop) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_app(shop, b"secret"))) as opened:
        yield opened


@pytest.fixture
async def begun(client: Client) -> dict[str, str]:
    response = await client.post(API)
    assert response.status == 201
    return await response.json()


@pytest.fixture
async def connect(client: Client, begun: dict[str, str]) -> Connect:
    async def opened(after: int = 0, *, hello: bool = True, headers: dict[str, str] | None = None, **more: Any) -> Widget:
        widget = Widget(await client.ws_connect(f"{API}/{begun['conversation_id']}/socket", headers=headers))
        if hello:
            await widget.send(type="hello", token=begun["token"], after=after, **more)
        return widget
    return opened


def bearer(begun: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {begun['token']}"}


# --- a turn ----------------------------------------------------------------------------------------------------------

async def test_a_new_conversation_is_ready_at_once(connect: Connect) -> None:
    assert await (await connect()).frame() == {"type": "ready", "seq": 0, "mode": "bot"}


async def test_a_turn_is_typing_the_words_as_they_come_the_messages_and_the_acknowledgement(connect: Connect) -> None:
    widget = await connect()
    await widget.frame()
    await widget.say("a1", "one two")
    frames = await widget.until("ack")
    assert [f["type"] for f in frames] == ["typing", "delta", "delta", "delta", "message", "message", "ack"]
    mine, answer = (f for f in frames if f["type"] == "message")
    assert (mine["from"], mine["text"], mine["client_id"]) == ("customer", "one two", "a1")
    assert (answer["from"], answer["text"]) == ("assistant", "heard: one two")
    assert frames[-1] == {"type": "ack", "client_id": "a1"}
    assert answer["seq"] > mine["seq"]


async def test_a_pressed_button_sends_its_payload_and_shows_its_title(connect: Connect) -> None:
    widget = await connect()
    await widget.say("a1", "Yes, please", payload="/affirm")
    assert said(await widget.until("ack")) == [("customer", "Yes, please"), ("assistant", "heard: payload /affirm")]


async def test_the_page_the_customer_is_on_comes_with_the_message(connect: Connect, shop: FakeShop) -> None:
    page = {"url": "https://shop.example/p/1", "product_id": "P1", "cart": [{"product_id": "P2", "quantity": 2}]}
    heard: list[Any] = []
    receive = shop.inbox.receive

    async def noting(message: Any, *more: Any) -> Any:
        heard.append(message.page)
        return await receive(message, *more)

    shop.inbox.receive = noting             # type: ignore[method-assign]
    widget = await connect()
    await widget.say("a1", "hi", page=page)
    await widget.until("ack")
    assert heard == [page]


async def test_the_same_client_id_ten_times_is_one_message(connect: Connect, shop: FakeShop, begun: dict[str, str]) -> None:
    widget = await connect()
    for _ in range(10):
        await widget.say("a1", "hi")
    acknowledged = 0
    while acknowledged < 10:
        acknowledged += (await widget.frame())["type"] == "ack"
    tracker = await shop.store.load(begun["conversation_id"])
    assert tracker is not None and tracker.turns == 1


async def test_two_windows_of_one_customer_see_the_same(connect: Connect) -> None:
    one, two = await connect(), await connect()
    await one.frame()
    await two.frame()
    await one.say("a1", "hi")
    seen = [f for f in await one.until("ack") if f["type"] == "message"]
    assert [f for f in await two.until("message", **{"from": "assistant"}) if f["type"] == "message"] == seen


async def test_what_an_agent_says_arrives_by_itself_and_the_mode_changes_are_told(
        connect: Connect, shop: FakeShop, begun: dict[str, str]) -> None:
    widget = await connect()
    await widget.frame()
    await widget.say("a1", "human")
    assert (await widget.until("ready", mode="queued"))[-1]["mode"] == "queued"
    await shop.handoffs.reply(begun["conversation_id"], "Good morning, I am Mia.", "Mia")
    frames = await widget.until("ready", mode="agent")
    assert [(f["from"], f["text"], f["agent"]) for f in frames if f["type"] == "message"] == [
        ("agent", "Good morning, I am Mia.", "Mia")]
    await shop.handoffs.handback(begun["conversation_id"])
    assert (await widget.until("ready", mode="bot"))[-1]["seq"] >= frames[-1]["seq"]


# --- coming back -----------------------------------------------------------------------------------------------------

async def test_who_comes_back_gets_what_was_missed_and_nothing_twice(connect: Connect) -> None:
    widget = await connect()
    await widget.say("a1", "first")
    seen = [f for f in await widget.until("ack") if f["type"] == "message"]
    await widget.socket.close()
    other = await connect()
    await other.say("a2", "second")
    await other.until("ack")
    back = await connect(after=seen[-1]["seq"])
    frames = await back.until("ready")
    assert said(frames) == [("customer", "second"), ("assistant", "heard: second")]
    assert min(f["seq"] for f in frames) > seen[-1]["seq"]


async def test_a_message_sent_again_after_the_connection_broke_is_acknowledged_and_not_answered_twice(
        connect: Connect, shop: FakeShop, begun: dict[str, str]) -> None:
    widget = await connect()
    await widget.say("a1", "hi")
    await widget.until("message", **{"from": "assistant"})
    await widget.socket.close()
    back = await connect()
    await back.until("ready")
    await back.say("a1", "hi")
    assert said(await back.until("ack", client_id="a1")) == []
    tracker = await shop.store.load(begun["conversation_id"])
    assert tracker is not None and tracker.turns == 1


@pytest.mark.parametrize("after", [999, 3])
async def test_who_is_ahead_of_us_or_too_far_behind_is_told_to_begin_anew(
        connect: Connect, client: Client, begun: dict[str, str], after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "TOO_OLD", 5)
    widget = await connect()
    for n in range(4):
        await widget.say(f"a{n}", f"message {n}")
        await widget.until("ack")
    back = await connect(after=after)
    frames = await back.until("ready")
    assert [f["type"] for f in frames] == ["resync", "ready"]
    response = await client.get(f"{API}/{begun['conversation_id']}/messages", headers=bearer(begun))
    read = await response.json()
    assert read["seq"] == frames[-1]["seq"] and len(read["messages"]) == 8
    await back.say("a9", "still live")
    assert ("assistant", "heard: still live") in said(await back.until("ack"))


async def test_the_history_reads_like_the_frames(connect: Connect, client: Client, begun: dict[str, str]) -> None:
    widget = await connect()
    await widget.say("a1", "hi")
    live = [f for f in await widget.until("ack") if f["type"] == "message"]
    response = await client.get(f"{API}/{begun['conversation_id']}/messages", headers=bearer(begun))
    assert [{"type": "message"} | m for m in (await response.json())["messages"]] == live


async def test_a_commit_of_another_process_arrives_when_the_feed_is_woken(
        connect: Connect, shop: FakeShop, begun: dict[str, str]) -> None:
    widget = await connect()
    await widget.say("a1", "hi")
    await widget.until("ack")
    tracker = await shop.store.load(begun["conversation_id"])
    assert tracker is not None
    stamped = ev.Stamped(tracker.seq + 1, 1.0, ev.BotUttered("Your parcel has arrived."))
    tracker.apply(stamped)
    silent, shop.store._feed = shop.store._feed, None       # this commit is somebody else's: our feed hears nothing
    await shop.store.commit(tracker.conversation_id, tracker.seq - 1, [stamped], tracker)
    shop.store._feed = silent
    shop.feed.wake(begun["conversation_id"])
    assert said(await widget.until("message")) == [("assistant", "Your parcel has arrived.")]


# --- signing in ------------------------------------------------------------------------------------------------------

async def test_a_customer_whom_the_shop_vouches_for_is_signed_in(connect: Connect) -> None:
    token = "C7." + hmac.new(KEY.encode(), b"C7", hashlib.sha256).hexdigest()
    widget = await connect(customer_token=token)
    await widget.say("a1", "hi")
    assert ("assistant", "heard: hi (C7)") in said(await widget.until("ack"))


@pytest.mark.parametrize("token", ["C7." + "0" * 64, "nonsense", 7, {"sub": "C7"}])
async def test_a_customer_token_that_proves_nothing_ends_the_connection(connect: Connect, token: Any) -> None:
    widget = await connect(customer_token=token)
    frame = await widget.frame()
    assert (frame["type"], frame["code"]) == ("error", "unauthorized")
    assert await widget.close_code() == 4403


async def test_another_conversations_token_opens_nothing(connect: Connect, client: Client) -> None:
    other = await (await client.post(API)).json()
    widget = await connect(hello=False)
    await widget.send(type="hello", token=other["token"])
    assert (await widget.frame())["code"] == "unauthorized"
    assert await widget.close_code() == 4401


# --- what is refused -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("first", ["{", "[]", '{"type":"message"}', '{"type":"hello"}', '{"type":"hello","token":7}',
                                   '{"type":"hello","token":"x","after":-1}', "[" * 60_000])
async def test_a_connection_that_does_not_begin_with_hello_is_closed(connect: Connect, first: str) -> None:
    widget = await connect(hello=False)
    await widget.socket.send_str(first)
    assert (await widget.frame())["code"] == "bad_frame"
    assert await widget.close_code() == 4400


@pytest.mark.parametrize(("frame", "code", "client_id"), [
    ("{", "bad_frame", None), ('"text"', "bad_frame", None), ('{"type":"dance"}', "bad_frame", None),
    ('{"type":"message","text":"hi"}', "bad_frame", None), ('{"type":"message","client_id":"","text":"hi"}', "bad_frame", ""),
    ('{"type":"message","client_id":"a1","text":["hi"]}', "bad_frame", "a1"),
    (json.dumps({"type": "message", "client_id": "a1", "text": "x" * 101}), "too_long", "a1")])
async def test_a_wrong_frame_is_told_what_is_wrong_and_the_conversation_goes_on(
        connect: Connect, frame: str, code: str, client_id: str | None) -> None:
    widget = await connect()
    await widget.frame()
    await widget.socket.send_str(frame)
    told = await widget.frame()
    assert (told["type"], told["code"]) == ("error", code)
    assert told.get("client_id", "") == (client_id or "")
    await widget.say("a2", "hi")
    assert ("assistant", "heard: hi") in said(await widget.until("ack"))


async def test_a_turn_that_fails_is_told_and_not_acknowledged(connect: Connect) -> None:
    widget = await connect()
    await widget.frame()
    await widget.say("a1", "crash")
    told = (await widget.until("error"))[-1]
    assert (told["code"], told["client_id"]) == ("failed", "a1")
    assert "inner details" not in json.dumps(told)


async def test_too_many_messages_in_a_minute_are_refused_with_the_seconds_to_wait(connect: Connect) -> None:
    widget = await connect()
    for n in range(41):
        await widget.say(f"a{n}", "hi")
    told = (await widget.until("error"))[-1]
    assert told["code"] == "rate_limited" and told["retry_after"] >= 1 and told["client_id"].startswith("a")


@pytest.mark.parametrize(("origin", "welcome"), [
    ("https://shop.example", True), ("https://evil.example", False), ("null", False), ("https://shop.example.evil.com", False)])
async def test_only_our_own_pages_and_the_shops_may_connect(connect: Connect, origin: str, welcome: bool) -> None:
    if welcome:
        assert (await (await connect(headers={"Origin": origin})).frame())["type"] == "ready"
        return
    with pytest.raises(WSServerHandshakeError) as refused:
        await connect(headers={"Origin": origin})
    assert refused.value.status == 403


async def test_more_connections_than_the_limit_are_refused(connect: Connect) -> None:
    for _ in range(20):
        await (await connect()).frame()
    with pytest.raises(WSServerHandshakeError) as refused:
        await connect()
    assert refused.value.status == 503 and refused.value.headers is not None
    assert refused.value.headers["Retry-After"]


async def test_a_closed_connection_leaves_nothing_behind(connect: Connect, client: Client, shop: FakeShop,
                                                         begun: dict[str, str]) -> None:
    widgets = [await connect() for _ in range(3)]
    for widget in widgets:
        await widget.frame()
    assert client.app is not None and len(client.app[OPEN]) == 3
    for widget in widgets:
        await widget.socket.close()
    for _ in range(100):
        if not client.app[OPEN]:
            break
        await asyncio.sleep(0.05)
    assert not client.app[OPEN] and not shop.feed.watched(begun["conversation_id"])


async def test_a_slow_reader_is_let_go_and_finds_everything_when_it_comes_back(
        connect: Connect, client: Client, shop: FakeShop, begun: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_WAITING", 200_000)
    slow = await connect()
    await slow.say("a1", "hi")
    seen = (await slow.until("ack"))[-2]["seq"]
    assert client.app is not None
    slow.socket._response.connection.transport.pause_reading()    # type: ignore[union-attr]
    before = await shop.store.load(begun["conversation_id"])
    assert before is not None
    text = "x" * 50_000
    for n in range(400):
        stamped = ev.Stamped(before.seq + 1, 1.0, ev.BotUttered(f"{n} {text}"))
        before.apply(stamped)
        await shop.store.commit(begun["conversation_id"], before.seq - 1, [stamped], before)
        await asyncio.sleep(0)
        if not client.app[OPEN]:
            break
    for _ in range(100):
        if not client.app[OPEN]:
            break
        await asyncio.sleep(0.05)
    assert not client.app[OPEN]
    back = await connect(after=seen)
    frames = [f for f in await back.until("ready") if f["type"] == "message"]
    assert [f["seq"] for f in frames] == list(range(seen + 1, before.seq + 1))


# --- the ways without a WebSocket ------------------------------------------------------------------------------------

def events_of(text: str) -> list[Frame]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        frame = json.loads(fields["data"])
        assert fields["event"] == frame["type"]
        assert fields.get("id") == (str(frame["seq"]) if frame["type"] == "message" else None)
        found.append(frame)
    return found


async def post(client: Client, begun: dict[str, str], stream: bool = True, **body: Any) -> Any:
    headers = bearer(begun) | ({"Accept": "text/event-stream"} if stream else {})
    return await client.post(f"{API}/{begun['conversation_id']}/messages", json=body, headers=headers)


async def test_a_posted_message_is_answered_by_an_event_stream_that_ends(client: Client, begun: dict[str, str]) -> None:
    response = await post(client, begun, client_id="a1", text="one two")
    assert response.content_type == "text/event-stream"
    frames = events_of(await response.text())
    assert [f["type"] for f in frames] == ["typing", "delta", "delta", "delta", "message", "message", "ack"]
    assert said(frames)[-1] == ("assistant", "heard: one two")


async def test_a_posted_message_again_streams_its_answer_again(client: Client, begun: dict[str, str]) -> None:
    first = events_of(await (await post(client, begun, client_id="a1", text="hi")).text())
    await post(client, begun, client_id="a2", text="something else")
    again = events_of(await (await post(client, begun, client_id="a1", text="hi")).text())
    assert [f for f in again if f["type"] == "message"] == [f for f in first if f["type"] == "message"]
    assert {"type": "ack", "client_id": "a1"} in again


async def test_without_asking_for_a_stream_the_answer_is_one_document(client: Client, begun: dict[str, str]) -> None:
    answer = await (await post(client, begun, stream=False, client_id="a1", text="hi")).json()
    assert said([{"type": "message"} | m for m in answer["messages"]]) == [("customer", "hi"), ("assistant", "heard: hi")]
    assert answer["mode"] == "bot" and answer["seq"] == answer["messages"][-1]["seq"]


async def test_the_live_stream_resumes_from_the_last_event_id(client: Client, begun: dict[str, str]) -> None:
    first = events_of(await (await post(client, begun, client_id="a1", text="hi")).text())
    last = next(f["seq"] for f in first if f["type"] == "message")
    headers = bearer(begun) | {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
    async with client.get(f"{API}/{begun['conversation_id']}/messages", headers=headers) as stream:
        text = ""
        await post(client, begun, client_id="a2", text="again")
        while "heard: again" not in text or not text.endswith("\n\n"):
            text += (await asyncio.wait_for(stream.content.readany(), 10)).decode()
    assert said(events_of(text)) == [("assistant", "heard: hi"), ("customer", "again"), ("assistant", "heard: again")]


@pytest.mark.parametrize("path", ["messages", "feedback"])
async def test_without_the_conversations_token_nothing_is_read_or_written(
        client: Client, begun: dict[str, str], path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        response = await client.post(f"{API}/{begun['conversation_id']}/{path}", json={"client_id": "a", "text": "hi"},
                                     headers=headers)
        assert response.status == 401 and response.content_type == "application/problem+json"


# --- what customers think --------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("body", "status"), [
    ({"seq": 3, "rating": "up"}, 204), ({"seq": 3, "rating": "down", "comment": "It is not what I asked."}, 204),
    ({"score": 5}, 204), ({"score": 1, "comment": "slow"}, 204), ({"score": 6}, 422), ({"seq": 3}, 422), ({}, 422),
    ({"seq": 3, "rating": "sideways"}, 422), ({"seq": 99, "rating": "up"}, 422), ({"seq": 3, "rating": "up", "score": 3}, 422)])
async def test_thumbs_and_scores_become_events(
        client: Client, shop: FakeShop, begun: dict[str, str], body: dict[str, Any], status: int) -> None:
    await post(client, begun, stream=False, client_id="a1", text="hi")
    url = f"{API}/{begun['conversation_id']}/feedback"
    response = await client.post(url, json=body, headers=bearer(begun))
    assert response.status == status, await response.text()
    given = [s.event for s in await shop.store.events(begun["conversation_id"])
             if isinstance(s.event, ev.MessageRated | ev.ConversationRated)]
    comment = body.get("comment", "")
    expected: list[ev.Event] = [ev.ConversationRated(body["score"], comment) if "score" in body
                                else ev.MessageRated(3, body["rating"], comment)] if status == 204 else []
    assert given == expected


async def test_a_conversation_nobody_began_cannot_be_rated(client: Client, begun: dict[str, str]) -> None:
    url = f"{API}/{begun['conversation_id']}/feedback"
    assert (await client.post(url, json={"score": 3}, headers=bearer(begun))).status == 404


# --- stopping --------------------------------------------------------------------------------------------------------

async def test_a_server_that_stops_lets_the_turn_end_and_sends_everybody_to_reconnect(
        client: Client, connect: Connect, shop: FakeShop) -> None:
    from bot.app import drain

    shop.inbox.slow_s = 0.3
    widget = await connect()
    await widget.frame()
    await widget.say("a1", "slow")
    await widget.until("typing")
    assert client.app is not None
    stopping = asyncio.create_task(drain(client.app))
    await asyncio.sleep(0)
    assert (await client.get("/readyz")).status == 503
    frames = await widget.until("error")
    assert ("assistant", "heard: slow") in said(frames) and {"type": "ack", "client_id": "a1"} in frames
    assert frames[-1]["code"] == "stopping"
    assert await widget.close_code() == 1001
    await stopping
