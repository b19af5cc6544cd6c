"""The same customers through the HTTP application: Rasa's REST channel, its tracker, the order as the shop sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knowledge.models import MethodKind
from tests.scenarios.books import DELIVERED, PENDING, SHIPPED, Books, lines, one_line
from tests.scenarios.web import Web

Begin = Callable[..., Web]
CARD, PAYPAL = MethodKind.CREDIT_CARD, MethodKind.PAYPAL


def cards(talk: Web, kind: str) -> list[dict[str, Any]]:
    return [c for r in talk.replies or () for c in r["custom"].get("cards", ()) if c["kind"] == kind]


async def test_a_cancellation_from_hello_to_done(web: Begin, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk = web()
    await talk.say("hello")
    await talk.say(f"please cancel {order.number}, it was ordered by mistake")
    assert (await talk.tracker())["slots"]["requested_slot"] == "identity"
    await talk.say(f"{books.owner(order).email}")
    assert (await talk.tracker())["slots"]["requested_slot"] == "confirmation"
    assert cards(talk, "confirmation")[0]["data"]["operations"][0]["order_number"] == order.number
    buttons = [b for r in talk.replies or () for b in r.get("buttons", ())]
    await talk.say(next(b["payload"] for b in buttons if b["title"].lower().startswith("yes")))
    stored = await talk.order(order.number)
    assert (stored["status"], stored["cancel_reason"]) == ("cancelled", "ordered by mistake")
    assert stored["payments"][-1] == {"kind": "refund", "amount": f"{order.total:.2f}",
                                      "method_id": order.payments[0].method_id}


async def test_a_return_in_native_format(web: Begin, books: Books) -> None:
    order = books.first(DELIVERED, lines(2), books.single_method)
    talk = web(books.owner(order))
    await talk.say(f"return everything of {order.number}")
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert stored["status"] == "return_requested"
    assert {(x["line_id"], x["quantity"]) for x in stored["returns"][0]["lines"]} == \
        {(x.id, x.quantity) for x in order.lines}


async def test_an_exchange_in_native_format(web: Begin, books: Books) -> None:
    order = books.first(DELIVERED, one_line, lambda o: bool(books.equal(o.lines[0])))
    variant, words = books.equal(order.lines[0])[0]
    talk = web(books.owner(order))
    await talk.say(f"exchange the {books.name(order.lines[0])} in {order.number} for {words}")
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert stored["status"] == "exchange_requested"
    assert [(e["line_id"], e["new_variant_id"]) for e in stored["exchanges"]] == [(order.lines[0].id, variant.id)]


async def test_the_tracker_tells_rasa_who_and_what(web: Begin, books: Books) -> None:
    order = books.first(SHIPPED, books.alone)
    talk = web(books.owner(order))
    await talk.say("where is my order?")
    tracker = await talk.tracker()
    assert tracker["sender_id"] == talk.sender and tracker["paused"] is False
    assert tracker["latest_message"]["text"] == "where is my order?"
    assert {"user", "bot"} <= {e["event"] for e in tracker["events"]}


async def test_product_cards_reach_the_client(web: Begin, books: Books) -> None:
    talk = web()
    await talk.say("tents for two under $400")
    found = cards(talk, "product")
    assert found and all(c["data"]["id"] in books.products for c in found)


async def test_sources_reach_the_client(web: Begin) -> None:
    talk = web()
    await talk.say("what does express shipping cost?")
    sources = [s for r in talk.replies or () for s in r["custom"].get("sources", ())]
    assert sources and "shipping" in sources[0]["id"]


async def test_a_forged_sign_in_opens_nothing(web: Begin, books: Books) -> None:
    order = books.first(SHIPPED, books.alone)
    talk = web()
    problem = (await talk.say("where is my order?", 401, customer_token=f"{order.customer_id}.{'0' * 64}"))[0]
    assert problem["status"] == 401 and order.number not in str(problem)


async def test_orders_and_trackers_need_a_key(web: Begin, books: Books) -> None:
    talk = web()
    await talk.say("hi")
    talk.key = "sck_wrong"
    for path in (f"/conversations/{talk.sender}/tracker", f"/api/v1/orders/{books.orders[0].id}", "/api/v1/handoffs"):
        assert (await talk.get(path, 401))["status"] == 401
