"""Answer what there is to know about the customer's own orders: one action per question, all read live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.saying import address_text, day_text, line_text, money_text, order_card, order_text
from bot.actions.services import Services
from bot.requests.desk import Desk, paid_with
from bot.requests.orders import choose_orders
from bot.requests.selection import select_lines
from knowledge.models import Order, OrderStatus
from knowledge.orders.money import ZERO, refund_for_cancelling

_ALL = tuple(OrderStatus)


class OrderQuestion(Action):
    """`answer` is given the orders meant; which those are is read here, from the words or from what was spoken of last."""

    question = ""
    by_meaning = False  # whether words that name no order are tried on the order lines by retrieval

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return f"action_{self.question}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        desk = await self.services.desk(tracker)
        if desk is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return []
        if not desk.orders:
            dispatcher.utter_message(response="utter_no_orders")
            return []
        text = said_text(tracker)
        orders, unknown = meant_orders(text, desk)
        for number in unknown:
            dispatcher.utter_message(response="utter_unknown_order", order_number=number)
        if unknown and not orders:
            return []
        if not orders:
            pointed = await self.services.pointed_at(text, desk, tracker.sender_id) if self.by_meaning else ()
            orders = [desk.line(key)[0] for key in pointed[:1]]
        orders = orders or self.default(desk)
        events = self.answer(dispatcher, text, orders, desk)
        return [SlotSet("focus_orders", [o.id for o in orders]), *(events or [])] if orders else []

    def default(self, desk: Desk) -> list[Order]:
        """When no order was named: the one spoken of last, else all."""
        focused = [o for i in desk.focus[:1] if (o := desk.order(i))]
        return focused or list(desk.orders)

    def answer(
        self, dispatcher: CollectingDispatcher, text: str, orders: Sequence[Order], desk: Desk
    ) -> list[dict[str, Any]] | None:
        raise NotImplementedError(self.question)


def said_text(tracker: Tracker) -> str:
    """The words that started this flow, else the last message."""
    said = tracker.slots.get("said") or ()
    texts = [str(s["text"]) for s in said if "text" in s]
    return " ".join(texts) or str(tracker.slots.get("question_text") or tracker.latest_message.get("text") or "")


def meant_orders(text: str, desk: Desk) -> tuple[list[Order], tuple[str, ...]]:
    """Orders named by number, status, place or an item in them."""
    choice = choose_orders(text, desk)
    if choice.orders:
        return [o for i in choice.orders if (o := desk.order(i))], choice.unknown
    lines = select_lines(text, desk, _ALL)
    homes = list(
        dict.fromkeys(
            [c.key.rsplit("/", 1)[0] for c in lines.chosen]
            + [k.rsplit("/", 1)[0] for u in lines.unclear for k in u.keys]
        )
    )
    homes = homes or list(lines.homes)
    if choice.statuses:
        homes = [i for i in homes if (o := desk.order(i)) and o.status in choice.statuses] or [
            o.id for o in desk.orders if o.status in choice.statuses
        ]
    return [o for i in homes if (o := desk.order(i))], choice.unknown


class ActionTrackOrder(OrderQuestion):
    question = "track_order"
    by_meaning = True

    def default(self, desk: Desk) -> list[Order]:
        focused = [o for i in desk.focus[:1] if (o := desk.order(i))]
        moving = [
            o for o in desk.orders if o.status in (OrderStatus.SHIPPED, OrderStatus.PROCESSED, OrderStatus.PENDING)
        ]
        return focused or moving or list(desk.orders[:1])

    def answer(self, dispatcher: CollectingDispatcher, text: str, orders: Sequence[Order], desk: Desk) -> None:
        for order in orders[:4]:
            facts: dict[str, Any] = {
                "order_number": order.number,
                "status": order.status.value.replace("_", " "),
                "items": ", ".join(x.title for x in order.lines),
                "address": address_text(order.address),
                "delivered_on": day_text(order.delivered_at),
            }
            parcels = [f for f in order.fulfillments if f.tracking_number]
            for parcel in parcels:
                numbers = ", ".join(str(p.tracking_number) for p in parcels)
                facts |= {
                    "tracking": numbers,
                    "carrier": parcel.carrier,
                    "eta": day_text(parcel.eta),
                    "parcel_status": (parcel.status or "").replace("_", " "),
                }
            dispatcher.utter_message(
                response=f"utter_track_{order.status.value}"
                if parcels or order.status is not OrderStatus.CANCELLED
                else "utter_track_cancelled",
                custom={"cards": [order_card(order)]},
                **facts,
            )


class ActionOrderDetails(OrderQuestion):
    question = "order_details"
    by_meaning = True

    def answer(
        self, dispatcher: CollectingDispatcher, text: str, orders: Sequence[Order], desk: Desk
    ) -> list[dict[str, Any]]:
        chosen = select_lines(text, desk, _ALL)
        keys = [c.key for c in chosen.chosen] + [k for u in chosen.unclear for k in u.keys]
        for order in orders[:5]:
            dispatcher.utter_message(
                response="utter_order_details", custom={"cards": [order_card(order)]}, **details(order, desk)
            )
        return [SlotSet("focus_lines", keys[:10])] if keys else []


def details(order: Order, desk: Desk) -> dict[str, Any]:
    """Everything a customer may ask about an order, as facts."""
    method = desk.method(paid_with(order))
    parcels = [f for f in order.fulfillments if f.tracking_number]
    refunds = [p for p in order.payments if p.kind == "refund"]
    return {
        "order_number": order.number,
        "status": order.status.value.replace("_", " "),
        "placed_on": day_text(order.placed_at),
        "lines": "\n".join(f"• {line_text(x, order.currency)}" for x in order.lines),
        "total": money_text(order.total, order.currency),
        "address": address_text(order.address),
        "method": method.label if method else "",
        "tracking": ", ".join(str(f.tracking_number) for f in parcels),
        "carrier": ", ".join(f.carrier for f in parcels if f.carrier),
        "eta": day_text(parcels[0].eta) if parcels else "",
        "delivered_on": day_text(order.delivered_at),
        "refunded": money_text(sum((p.amount for p in refunds), ZERO), order.currency) if refunds else "",
    }


class ActionOrderHistory(OrderQuestion):
    question = "order_history"

    def default(self, desk: Desk) -> list[Order]:
        return list(desk.orders)

    def answer(self, dispatcher: CollectingDispatcher, text: str, orders: Sequence[Order], desk: Desk) -> None:
        listed = "\n".join(f"• {order_text(o)}, {money_text(o.total, o.currency)}" for o in orders[:12])
        dispatcher.utter_message(response="utter_order_history", orders=listed, count=len(orders))


class ActionRefundStatus(OrderQuestion):
    question = "refund_status"

    def default(self, desk: Desk) -> list[Order]:
        concerned = [o for o in desk.orders if o.status in (OrderStatus.CANCELLED, OrderStatus.RETURN_REQUESTED)]
        return concerned or list(desk.orders[:1])

    def answer(self, dispatcher: CollectingDispatcher, text: str, orders: Sequence[Order], desk: Desk) -> None:
        for order in orders[:4]:
            refunds = [p for p in order.payments if p.kind == "refund"]
            method = (
                desk.method(refunds[0].method_id)
                if refunds
                else desk.method(order.returns[-1].refund_method_id)
                if order.returns
                else None
            )
            facts = {
                "order_number": order.number,
                "status": order.status.value.replace("_", " "),
                "method": method.label if method else "",
                "refund": money_text(sum((p.amount for p in refunds), ZERO), order.currency) if refunds else "",
                "expected": money_text(refund_for_cancelling(order), order.currency)
                if order.status is OrderStatus.PENDING
                else "",
            }
            response = (
                "utter_refund_made" if refunds else "utter_refund_on_return" if order.returns else "utter_refund_none"
            )
            dispatcher.utter_message(response=response, **facts)


class ActionInvoiceCopy(OrderQuestion):
    question = "invoice_copy"

    def answer(self, dispatcher: CollectingDispatcher, text: str, orders: Sequence[Order], desk: Desk) -> None:
        for order in orders[:1]:
            dispatcher.utter_message(
                response="utter_invoice", custom={"cards": [order_card(order)]}, **details(order, desk)
            )
