"""Questions about the shop and the customer's own account; and the door to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.saying import address_text, money_text
from bot.actions.services import Services
from bot.actions.show_orders import said_text
from bot.domain.tracker import Tracker as Conversation
from knowledge.models import EvidenceKind, MethodKind

_TEXTS = (EvidenceKind.ANSWER, EvidenceKind.DOCUMENT, EvidenceKind.CASE)


class ActionPolicyQuestion(Action):
    """From the shop's own documents, with sources; or "I don't know" and the offer of a person."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_policy_question"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        question = str(tracker.slots.get("question_text") or said_text(tracker))
        evidence = await self.services.search.search(question, kinds=_TEXTS, limit=8)
        act = await self.services.answerer.answer(question, evidence, Conversation(tracker.sender_id))
        dispatcher.utter_message(
            response=act.response,
            buttons=[{"title": t, "payload": p} for t, p in act.buttons],
            custom={"evidence": [_evidence_json(e) for e in act.evidence]},
            **act.facts,
        )
        return (
            [SlotSet("offer", {"flow": "talk_to_human", "slots": {"reason": question[:200]}})]
            if act.response == "utter_dont_know"
            else []
        )


def _evidence_json(evidence: Any) -> dict[str, Any]:
    return {
        "id": evidence.id,
        "title": evidence.title,
        "kind": evidence.kind.value,
        "quote": str(evidence.data.get("quote", "")),
        "url": evidence.url,
        "source": evidence.source,
    }


class ActionGiftCardBalance(Action):
    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_gift_card_balance"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        actor = self.services.actor(tracker)
        if actor is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return []
        customer = await self.services.orders.customer(actor)
        cards = [m for m in customer.payment_methods if m.kind is MethodKind.GIFT_CARD]
        orders = await self.services.orders.orders(actor)
        currency = orders[0].currency if orders else "USD"
        listed = ", ".join(f"{m.label}: {money_text(m.balance, currency)}" for m in cards if m.balance is not None)
        dispatcher.utter_message(
            response="utter_gift_card_balance" if listed else "utter_no_gift_card", balances=listed
        )
        return []


class ActionProfileInfo(Action):
    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_profile_info"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        actor = self.services.actor(tracker)
        if actor is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return []
        customer = await self.services.orders.customer(actor)
        name = " ".join(n for n in (customer.first_name, customer.last_name) if n)
        dispatcher.utter_message(
            response="utter_profile_info",
            name=name,
            email=customer.email,
            phone=customer.phone,
            address=address_text(customer.address),
            methods=", ".join(m.label for m in customer.payment_methods),
        )
        return []


class ActionTalkToHuman(Action):
    """Puts the conversation into the queue: the slot `handoff` becomes the event, so nothing is announced that did not happen."""

    def name(self) -> str:
        return "action_talk_to_human"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        reason = str(tracker.slots.get("reason") or said_text(tracker) or "asked for a person")
        done = tracker.slots.get("done") or ()
        wanted = list(tracker.slots.get("waiting_flows") or ())
        summary = "; ".join(
            part
            for part in (
                f"customer {tracker.slots['customer_id']}" if tracker.slots.get("customer_id") else "not identified",
                f"last words: {str(tracker.latest_message.get('text') or '')[:160]}",
                f"done so far: {', '.join(str(d['kind']) + ' ' + str(d['order']) for d in done)}" if done else "",
                f"still open: {', '.join(wanted)}" if wanted else "",
            )
            if part
        )
        dispatcher.utter_message(response="utter_handoff")
        return [SlotSet("handoff", {"reason": reason[:200], "summary": summary})]


class ActionOfferHuman(Action):
    """What the assistant cannot do itself: said honestly, with the offer of a person."""

    def __init__(self, name: str, response: str) -> None:
        self._name, self._response = name, response

    def name(self) -> str:
        return self._name

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        dispatcher.utter_message(
            response=self._response, buttons=[{"title": "Talk to a person", "payload": "/handoff"}]
        )
        return [SlotSet("offer", {"flow": "talk_to_human", "slots": {"reason": said_text(tracker)[:200]}})]
