"""The common course of every request that changes something: read what was said, ask what is missing, show the card.

Each kind of request says only how its words are read, what it still needs and which operations come of it. No kind
writes: that is `carry_out` after an explicit yes to exactly this card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.saying import proposal_card, proposal_text, totals_text
from bot.actions.services import Services
from bot.requests.desk import Desk
from bot.requests.model import Draft, Notice, Question
from bot.requests.orders import choose_orders
from bot.requests.swaps import money_text
from knowledge.errors import NotFound, Refused
from knowledge.orders.operations import Operation

YES_NO = (("Yes, go ahead", "/affirm"), ("No", "/deny"))


class ReviewAction(Action):
    """`kind` names the request; subclasses fill in `read`, `missing` and `operations`."""

    kind = ""

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return f"action_review_{self.kind}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]) -> list[dict[str, Any]]:
        desk = await self.services.desk(tracker)
        if desk is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return _stage("end")
        draft, notices = self._read_all(tracker, desk)
        for notice in notices:
            dispatcher.utter_message(response=notice.response, **notice.facts)
        read = SlotSet("read", len(tracker.slots.get("said") or ()))
        question = self.missing(draft, desk)
        if question is not None:
            return [read, *self._ask(draft, question)]
        operations = self.operations(draft, desk)
        if not operations:
            if not tracker.slots.get("quiet") and not notices:
                dispatcher.utter_message(response="utter_nothing_left")
            return _stage("end")
        return [read, *await self._propose(dispatcher, tracker, draft, desk, operations)]

    # --- what each kind fills in -------------------------------------------------------------------------------------

    def read(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        """One message's words into the draft."""
        raise NotImplementedError(self.kind)

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        """What has to be asked next, or None."""
        raise NotImplementedError(self.kind)

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        raise NotImplementedError(self.kind)

    def pressed(self, entry: Mapping[str, Any], draft: Draft, desk: Desk) -> Draft:
        """A button's structured answer: keys order, pick, variant, method, reason, address, leave."""
        if "method" in entry:
            return draft.with_(method=str(entry["method"]))
        if "reason" in entry:
            return draft.with_(reason=str(entry["reason"]))
        if "order" in entry:
            known = [o.id for o in desk.orders if o.number == entry["order"] or o.id == entry["order"]]
            return draft.with_(orders=tuple(known) or draft.orders)
        return draft

    def refused(self, refusal: Refused, draft: Draft, desk: Desk) -> Question | None:
        """A question that can mend the refusal, or None: then the request ends with the explanation."""
        return None

    # --- the course --------------------------------------------------------------------------------------------------

    def _read_all(self, tracker: Tracker, desk: Desk) -> tuple[Draft, list[Notice]]:
        """Only what was said since the last look: the draft holds the rest."""
        draft = Draft.from_json(tracker.slots.get("draft"))
        said: Sequence[Mapping[str, Any]] = tracker.slots.get("said") or ()
        notices: list[Notice] = []
        for entry in said[int(tracker.slots.get("read") or 0):]:
            desk = _focused(desk, draft)
            if "text" in entry:
                draft, told = self.read(str(entry["text"]), str(entry.get("asked") or ""), draft, desk)
                notices += [n for n in told if n not in notices]
            else:
                draft = self.pressed(entry, draft, desk)
        return draft, notices

    def _ask(self, draft: Draft, question: Question) -> list[dict[str, Any]]:
        return [SlotSet("draft", draft.to_json()), SlotSet("question", question.to_json()), SlotSet("request", None),
                SlotSet("confirmation", None), SlotSet("proposal", None), *_stage("ask")]

    async def _propose(self, dispatcher: CollectingDispatcher, tracker: Tracker, draft: Draft, desk: Desk,
                       operations: list[Operation]) -> list[dict[str, Any]]:
        actor = self.services.actor(tracker)
        assert actor is not None  # the desk was there
        try:
            proposal = await self.services.orders.propose(actor, operations)
        except Refused as refusal:
            return self._explain(dispatcher, refusal, draft, desk)
        except NotFound:
            dispatcher.utter_message(response="utter_unknown_order")
            return _stage("end")
        names = {q.kind: self.services.lexicon(tracker).data.get("operations", {}).get(q.kind, q.kind) for q in proposal.quotes}
        facts = {"details": proposal_text(proposal, names), "totals": totals_text(proposal.quotes)}
        question = Question("confirmation", "utter_confirm", facts, YES_NO, (proposal_card(proposal),))
        focus = list(dict.fromkeys(o for op in operations if (o := getattr(op, "order_id", None))))
        return [SlotSet("draft", draft.to_json()), SlotSet("question", question.to_json()), SlotSet("proposal", proposal.to_json()),
                SlotSet("confirmation", None), SlotSet("request", None), SlotSet("focus_orders", focus or tracker.slots.get("focus_orders")),
                *_stage("confirm")]

    def _explain(self, dispatcher: CollectingDispatcher, refusal: Refused, draft: Draft, desk: Desk) -> list[dict[str, Any]]:
        facts = {k: _plain(v, desk) for k, v in refusal.facts.items()}
        dispatcher.utter_message(response=f"utter_refused_{refusal.code}", **facts)
        question = self.refused(refusal, draft, desk)
        if question is not None:
            return self._ask(draft, question)
        return _stage("end")


def _focused(desk: Desk, draft: Draft) -> Desk:
    """"that order" is first of all the order this request is about."""
    own = tuple(dict.fromkeys((*draft.orders, *(p.order for p in draft.picks))))
    return replace(desk, focus=(*own, *(f for f in desk.focus if f not in own))) if own else desk


def order_question(text_orders: Sequence[str], desk: Desk, response: str = "utter_which_order") -> Question:
    """Which of these orders? With a button for each."""
    orders = [o for o in desk.orders if o.id in text_orders]
    listed = "\n".join(f"• {o.number} ({o.status.value.replace('_', ' ')}): {', '.join(x.title for x in o.lines)}" for o in orders[:10])
    return Question("order", response, {"orders": listed}, tuple((f"{o.number}: {o.lines[0].title}" + (" …" if len(o.lines) > 1 else ""),
                                                                  f"/order {o.number}") for o in orders[:10]))


def method_question(methods: Sequence[tuple[str, str]], response: str, **facts: Any) -> Question:
    """`methods`: (id, label)."""
    labels = " or ".join(label for _, label in methods)
    return Question("payment_method", response, {"methods": labels, **facts}, tuple((label, f"/method {i}") for i, label in methods))


def orders_in(text: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
    choice = choose_orders(text, desk)
    notices = [Notice("utter_unknown_order", {"order_number": n}) for n in choice.unknown]
    return (draft.with_(orders=choice.orders) if choice.orders and (choice.named or choice.every) else draft), notices


def _stage(stage: str) -> list[dict[str, Any]]:
    return [SlotSet("stage", stage)]


def _plain(value: Any, desk: Desk) -> Any:
    currency = desk.orders[0].currency if desk.orders else "USD"
    if isinstance(value, Decimal):
        return money_text(value, currency)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return str(value).replace("_", " ") if value is not None else None
