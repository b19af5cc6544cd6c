"""Find out who the customer is, from what they say; a few attempts, and the same reply whatever was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.services import Services
from bot.requests.model import Question

_ASKING = {
    "postcode": "postcode",
    "email": "email address",
    "first_name": "full name",
    "last_name": "full name",
    "customer_id": "customer id",
    "order_number": "order number",
}


class ActionIdentify(Action):
    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_identify"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        claims = dict(tracker.slots.get("claims") or {})
        if tracker.slots.get("customer_id"):
            return []
        attempts = int(tracker.slots.get("identity_attempts") or 0)
        if attempts >= self.services.orders.rules.identity.attempts:
            dispatcher.utter_message(
                response="utter_identity_locked", buttons=[{"title": "Talk to a person", "payload": "/handoff"}]
            )
            return [SlotSet("identity_locked", True)]
        allowed = self.services.attempts.allow(claims)
        customer = await self.services.identity.identify(claims) if claims else None
        if customer is not None and allowed:
            dispatcher.utter_message(response="utter_identified", first_name=customer.first_name)
            return [SlotSet("customer_id", customer.id), SlotSet("claims", None)]
        missing = self.services.identity.missing(claims) if claims else ()
        if claims and not missing:
            self.services.attempts.failed(claims)
            dispatcher.utter_message(response="utter_identity_wrong")
            return [
                SlotSet("identity_attempts", attempts + 1),
                SlotSet("claims", None),
                *_ask("utter_ask_identity_again"),
            ]
        if claims:
            asked = list(dict.fromkeys(_ASKING[m] for m in missing)) if missing != ("customer_id",) else ["full name"]
            return _ask("utter_ask_identity_rest", missing=" and ".join(asked))
        again = tracker.slots.get("identity_asked")
        return [*_ask("utter_ask_identity_other" if again else "utter_ask_identity"), SlotSet("identity_asked", True)]


def _ask(response: str, **facts: Any) -> list[dict[str, Any]]:
    return [SlotSet("question", Question("identity", response, facts).to_json()), SlotSet("identity", None)]
