"""The scripted customer against a small assistant behind real HTTP: questions are answered, minds change, it ends."""

from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from benchmarks.retail.player import TURN_LIMIT, WEBHOOK, Played, hear, play
from benchmarks.retail.script import Customer, Heard, Line, Script, read_script

LAMP = """
id: "x"
opening: ["hi, exchange my bottle and my lamp"]
answers:
  identity: ["Ana Ruiz, 12345"]
  payment_method:
    - {if: "gift card", say: "no, the card"}
    - "paypal"
changes:
  - {if: "bottle", say: "only the lamp"}
then:
  - {if: "never said", say: "skipped"}
  - "how much?"
on_response:
  "utter_refused_*": "what a pity"
"""


def lamp(tmp_path: Path) -> Script:
    path = tmp_path / "x.yml"
    path.write_text(LAMP, encoding="utf-8")
    return read_script(path)


def asks(slot: str, text: str = "?", **custom: Any) -> list[dict[str, Any]]:
    return [{"text": text, "custom": {"requested_slot": slot, **custom}}]


def card(text: str) -> list[dict[str, Any]]:
    return asks("confirmation", cards=[{"kind": "confirmation", "title": text, "data": {}}])


async def converse(script: Script, answers: list[list[dict[str, Any]]]) -> Played:
    """`answers`: what the assistant replies, turn by turn; the last one again and again."""
    async def webhook(request: web.Request) -> web.Response:
        body = await request.json()
        number = int(body["metadata"]["message_id"].rpartition("-")[2])
        return web.json_response(answers[min(number, len(answers) - 1)])

    app = web.Application()
    app.add_routes([web.post(WEBHOOK, webhook)])
    async with TestClient(TestServer(app)) as client:
        return await play(client, script)


async def test_a_conversation_from_greeting_to_goodbye(tmp_path: Path) -> None:
    played = await converse(lamp(tmp_path), [
        asks("identity"), asks("payment_method"), card("bottle and lamp"), card("lamp"),
        [{"text": "Done."}], [{"text": "5.00"}]])
    assert [turn.said for turn in played.turns] == [
        "hi, exchange my bottle and my lamp", "Ana Ruiz, 12345", "paypal", "only the lamp", "yes", "how much?"]
    assert (played.bot_texts[-1], played.notes, played.error) == ("5.00", [], "")


async def test_the_particular_answer_comes_before_the_general(tmp_path: Path) -> None:
    played = await converse(lamp(tmp_path), [asks("payment_method", "Your gift card?"), [{"text": "ok"}]])
    assert played.turns[1].said == "no, the card"


async def test_a_refusal_is_reacted_to_once(tmp_path: Path) -> None:
    refused = [{"text": "No.", "custom": {"responses": ["utter_refused_not_pending"]}}]
    played = await converse(lamp(tmp_path), [refused])
    assert [turn.said for turn in played.turns[1:]] == ["what a pity", "how much?"]


async def test_who_has_no_answer_says_so_and_gives_up(tmp_path: Path) -> None:
    played = await converse(lamp(tmp_path), [asks("address")])
    assert [turn.said for turn in played.turns[1:]] == ["I don't know, you tell me"] * 3
    assert played.notes[0] == "no answer for address"


async def test_an_endless_card_ends(tmp_path: Path) -> None:
    played = await converse(lamp(tmp_path), [card("lamp")])
    assert len(played.turns) == TURN_LIMIT
    assert played.notes == [f"stopped after {TURN_LIMIT} turns"]


async def test_a_failed_turn_is_told(tmp_path: Path) -> None:
    async with TestClient(TestServer(web.Application())) as client:
        played = await play(client, lamp(tmp_path))
    assert played.error.startswith("ValueError: 404")


def test_the_last_answer_may_be_said_three_times() -> None:
    customer = Customer(Script("x", (), {"reason": (Line("a"), Line("b"))}))
    assert [customer.next(Heard(asked="reason")) for _ in range(5)] == ["a", "b", "b", "b", "I don't know, you tell me"]


def test_what_is_asked_is_read_from_the_last_bubble_that_asks() -> None:
    heard = hear([{"text": "a", "custom": {"requested_slot": "order", "responses": ["utter_a"]}}, {"text": "b"}])
    assert (heard.asked, heard.texts, heard.responses) == ("order", ("a", "b"), ("utter_a",))
    assert hear([{"text": "x", "custom": {"responses": ["utter_clarify"]}}]).asked == "clarify"
