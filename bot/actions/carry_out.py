"""Do what was confirmed, and say what the shop's system answered: done, refused, or not known yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.saying import address_text, money_text
from bot.actions.services import Services
from knowledge.errors import NotFound, Refused
from knowledge.orders.operations import ChangeAddress, ChangeDefaultAddress, Outcome, OutcomeState
from knowledge.orders.proposal import Proposal


class ActionCarryOut(Action):
    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_carry_out"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        actor = self.services.actor(tracker)
        stored = tracker.slots.get("proposal")
        if actor is None or not stored:
            dispatcher.utter_message(response="utter_identity_needed")
            return []
        proposal = Proposal.from_json(stored)
        before = await self.services.orders.customer(actor)
        try:
            outcomes = await self.services.orders.execute(actor, proposal, proposal.digest)
        except Refused as refusal:
            dispatcher.utter_message(
                response=f"utter_refused_{refusal.code}", **{k: str(v) for k, v in refusal.facts.items()}
            )
            return [SlotSet("stage", "outdated" if refusal.code == "proposal_outdated" else "end")]
        except NotFound:
            dispatcher.utter_message(response="utter_unknown_order")
            return [SlotSet("stage", "end")]
        for outcome in outcomes:
            self._tell(dispatcher, outcome)
        done = [*(tracker.slots.get("done") or ()), *_ledger(outcomes)]
        _tell_total(dispatcher, done, len(outcomes))
        return [SlotSet("done", done[-50:]), SlotSet("stage", "end"), *_undo(outcomes, before.address)]

    @staticmethod
    def _tell(dispatcher: CollectingDispatcher, outcome: Outcome) -> None:
        quote = outcome.quote
        facts: dict[str, Any] = {"order_number": quote.order_number, "reason": outcome.reason.replace("_", " ")}
        for money in quote.money:
            facts[money.direction] = f"{money_text(money.amount, money.currency)}"
            facts[f"{money.direction}_method"], facts[f"{money.direction}_timing"] = money.method_label, money.timing
        if isinstance(quote.operation, (ChangeAddress, ChangeDefaultAddress)):
            facts["address"] = address_text(quote.operation.address)
        if sum(m.direction == "refund" for m in quote.money) > 1:
            facts["refund_method"] = ""
            facts["refund"] = " and ".join(
                f"{money_text(m.amount, m.currency)} to {m.method_label}"
                for m in quote.money
                if m.direction == "refund"
            )
        response = {
            OutcomeState.ACCEPTED: f"utter_done_{quote.kind}",
            OutcomeState.ALREADY_DONE: "utter_already_done",
            OutcomeState.REFUSED: "utter_backend_refused",
            OutcomeState.UNKNOWN: "utter_backend_unknown",
        }[outcome.state]
        dispatcher.utter_message(response=response, **facts)


def _ledger(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What was accepted, for "how much do I get back in total?"."""
    return [
        {
            "kind": o.quote.kind,
            "order": o.quote.order_number,
            "direction": m.direction,
            "amount": str(m.amount),
            "currency": m.currency,
        }
        for o in outcomes
        if o.state is OutcomeState.ACCEPTED and o.quote.kind != "change_payment"
        for m in o.quote.money
    ]


def net_of(done: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Currency → what comes back (positive) or was paid (negative) in this conversation."""
    sums: dict[str, Decimal] = {}
    for entry in done:
        amount = Decimal(entry["amount"]) if entry["direction"] == "refund" else -Decimal(entry["amount"])
        sums[entry["currency"]] = sums.get(entry["currency"], Decimal(0)) + amount
    return sums


def net_text(done: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(money_text(abs(total), currency) for currency, total in net_of(done).items())


def _tell_total(dispatcher: CollectingDispatcher, done: Sequence[Mapping[str, Any]], now: int) -> None:
    """Where several amounts came together in this conversation, their sum."""
    if len(done) > 1 and now:
        total = sum(net_of(done).values(), Decimal(0))
        dispatcher.utter_message(
            response="utter_total_refund" if total >= 0 else "utter_total_charge", total=net_text(done)
        )


def _undo(outcomes: Sequence[Outcome], before: Any) -> list[dict[str, Any]]:
    """The default address as it was, so that "change it back" can be understood."""
    changed = any(o.quote.kind == "change_default_address" and o.state is OutcomeState.ACCEPTED for o in outcomes)
    if not changed or before is None:
        return []
    return [
        SlotSet(
            "previous_address",
            {
                "line1": before.line1,
                "line2": before.line2,
                "city": before.city,
                "state": before.state,
                "postcode": before.postcode,
                "country": before.country,
            },
        )
    ]
