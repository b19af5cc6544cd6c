"""Complaints: a case with number, kind, facts, wished remedy and deadline, whose status the customer can ask for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.saying import day_text
from bot.actions.services import Services
from bot.actions.show_orders import meant_orders, said_text
from bot.domain.case import Case
from bot.requests.model import Question
from knowledge.models import OrderStatus

_DAYS = 2  # working answer promised for a case


class ActionOpenCase(Action):
    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_open_case"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        actor = self.services.actor(tracker)
        desk = await self.services.desk(tracker)
        if actor is None or desk is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return []
        text = said_text(tracker)
        remedy = next(iter(desk.lexicon.which(text, "remedy")), "")
        orders, _ = meant_orders(text, desk)
        order = orders[0] if len(orders) == 1 else next((o for i in desk.focus[:1] if (o := desk.order(i))), None)
        if not remedy and not tracker.slots.get("remedy_asked"):
            return self._ask_remedy(order.status if order else None, order.number if order else "")
        kind = next(iter(desk.lexicon.which(text, "case_kind")), "service")
        now = self.services.cases.now()
        case = Case(
            f"C{secrets.randbelow(900000) + 100000}",
            tracker.sender_id,
            actor.customer_id,
            kind,
            text[:1000],
            remedy or "as agreed",
            order.number if order else "",
            now,
            now + _DAYS * 86400,
        )
        await self.services.cases.open(case)
        dispatcher.utter_message(
            response="utter_case_opened",
            case_number=case.number,
            kind=case.kind,
            order_number=case.order_number,
            remedy=remedy,
            due=_day(case.due_at),
        )
        return [SlotSet("stage", "end")]

    @staticmethod
    def _ask_remedy(status: OrderStatus | None, number: str) -> list[dict[str, Any]]:
        """Remedies within the rules are offered at once: they are flows of their own."""
        choices = []
        if status in (OrderStatus.DELIVERED, None):
            choices = [("Return it for a refund", "/start return_items"), ("Exchange it", "/start swap_items")]
        buttons = (*choices, ("Open a case for the team", "/remedy case"), ("Talk to a person", "/handoff"))
        question = Question("remedy", "utter_ask_remedy", {"order_number": number}, buttons)
        return [
            SlotSet("question", question.to_json()),
            SlotSet("remedy_asked", True),
            SlotSet("request", None),
            SlotSet("stage", "ask"),
        ]


class ActionCaseStatus(Action):
    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_case_status"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        actor = self.services.actor(tracker)
        if actor is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return []
        cases = await self.services.cases.of_customer(actor.customer_id)
        if not cases:
            dispatcher.utter_message(response="utter_no_case")
        for case in cases[:3]:
            dispatcher.utter_message(
                response="utter_case_status",
                case_number=case.number,
                kind=case.kind,
                status=case.status,
                due=_day(case.due_at),
            )
        return []


def _day(at: float) -> str:
    return day_text(datetime.fromtimestamp(at, UTC))
