"""The common course of every request that changes something: read what was said, ask what is missing, show the card.

Each kind of request says only how its words are read, what it still needs and which operations come of it. No kind
writes: that is `carry_out` after an explicit yes to exactly this card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.saying import net_words, proposal_card, proposal_text, totals_text
from bot.actions.services import Services
from bot.requests.amend import place_said
from bot.requests.desk import Desk, Unlooked
from bot.requests.model import Draft, Notice, Question
from bot.requests.orders import choose_orders
from knowledge.errors import NotFound, Refused
from knowledge.orders.money import money_text
from knowledge.orders.operations import Operation
from knowledge.orders.service import Actor

FLOW_WORDS = {"return": "the return", "swap": "the exchange", "cancel": "the cancellation"}
YES_NO = (("Yes, go ahead", "/affirm"), ("No", "/deny"))


class ReviewAction(Action):
    """`kind` names the request; subclasses fill in `read`, `missing` and `operations`."""

    kind = ""

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return f"action_review_{self.kind}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        desk = await self.services.desk(tracker)
        if desk is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return _stage("end")
        side = self._side_taken(tracker, desk)
        if side and side != self.kind:
            return _stage("end")
        draft, notices = await self._read_all(tracker, desk)
        if side:
            chosen = await self._chosen(dispatcher, tracker, draft.with_(settled=True), desk)
            return [
                *(SlotSet("drop_waiting", flow) for flow in self.rivals()),
                SlotSet("read", len(tracker.slots.get("said") or ())),
                *chosen,
            ]
        for notice in notices:
            dispatcher.utter_message(response=notice.response, **notice.facts)
        if instead := self.instead(draft, notices, desk):
            return [SlotSet("start_flow", instead), *_stage("end")]
        read = SlotSet("read", len(tracker.slots.get("said") or ()))
        question = self.missing(draft, desk)
        if question is not None:
            return [read, *self._ask(draft, question)]
        operations = self.operations(draft, desk)
        if conflict := await self._conflict(tracker, draft, desk, operations):
            return [read, *conflict]
        if not operations:
            if not tracker.slots.get("quiet") and not notices:
                dispatcher.utter_message(response="utter_nothing_left")
            return [*self._offer(dispatcher, draft, desk), *_stage("end")]
        return [read, *await self._propose(dispatcher, tracker, draft, desk, operations)]

    async def _chosen(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, draft: Draft, desk: Desk
    ) -> list[dict[str, Any]]:
        """This request was preferred to the one it rules out."""
        question = self.missing(draft, desk)
        if question is not None:
            return self._ask(draft, question)
        return await self._propose(dispatcher, tracker, draft, desk, self.operations(draft, desk))

    def _side_taken(self, tracker: Tracker, desk: Desk) -> str:
        """The answer to "which of the two?": "return" or "swap"; "" when that was not asked."""
        said: Sequence[Mapping[str, Any]] = tracker.slots.get("said") or ()
        fresh = said[int(tracker.slots.get("read") or 0) :]
        answers = [e for e in fresh if e.get("asked") == "either" or "either" in e]
        if not answers:
            return ""
        if "either" in answers[-1]:
            return str(answers[-1]["either"])
        text = str(answers[-1]["text"])
        if desk.lexicon.said(text, "most_money"):
            return _richer(tracker.slots.get("question") or {}, self)
        places = [
            (m.start(), kind)
            for kind in ("return", "swap")
            if (m := desk.lexicon.pattern("side_words", kind).search(text))
        ]
        return min(places)[1] if places else ""

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

    def instead(self, draft: Draft, notices: list[Notice], desk: Desk) -> Mapping[str, Any] | None:
        """Another flow to start, where the customer said what to do when this fails: {"flow", "slots"}."""
        return None

    def refused(self, refusal: Refused, draft: Draft, desk: Desk) -> Question | None:
        """A question that can mend the refusal, or None: then the request ends with the explanation."""
        return None

    # --- the course --------------------------------------------------------------------------------------------------

    async def _read_all(self, tracker: Tracker, desk: Desk) -> tuple[Draft, list[Notice]]:
        """Only what was said since the last look: the draft holds the rest."""
        draft = Draft.from_json(tracker.slots.get("draft"))
        said: Sequence[Mapping[str, Any]] = tracker.slots.get("said") or ()
        notices: list[Notice] = []
        for entry in said[int(tracker.slots.get("read") or 0) :]:
            desk = _focused(desk, draft)
            entry = _by_place(entry, tracker, desk)
            if "text" in entry:
                draft, told = await self._read_text(entry, draft, desk, tracker.sender_id)
                notices += [n for n in told if n not in notices]
            else:
                draft = self.pressed(entry, draft, desk)
        return draft, notices

    async def _read_text(
        self, entry: Mapping[str, Any], draft: Draft, desk: Desk, conversation_id: str
    ) -> tuple[Draft, list[Notice]]:
        """Only where the words name no line themselves: those that understanding pointed at, or else those that
        retrieval finds; then the words are read once more."""
        text, asked = str(entry["text"]), str(entry.get("asked") or "")
        unlooked = Unlooked()
        read = self.read(text, asked, draft, replace(desk, found=unlooked))
        if not unlooked.missed or draft.picks or draft.open or draft.orders:
            return read
        known = desk.line_keys()
        pointed = tuple(key for key in entry.get("points", ()) if key in known)
        found = pointed or await self.services.pointed_at(text, desk, conversation_id)
        return self.read(text, asked, draft, replace(desk, found=found)) if found else read

    def _ask(self, draft: Draft, question: Question) -> list[dict[str, Any]]:
        return [
            SlotSet("draft", draft.to_json()),
            SlotSet("question", question.to_json()),
            SlotSet("request", None),
            SlotSet("confirmation", None),
            SlotSet("proposal", None),
            *_stage("ask"),
        ]

    def _offer(self, dispatcher: CollectingDispatcher, draft: Draft, desk: Desk) -> list[dict[str, Any]]:
        """What would be possible instead, offered so that a "yes" starts it; and the order stays the one spoken of."""
        orders = [o for i in draft.orders if (o := desk.order(i))]
        if not orders:
            return []
        focus = SlotSet("focus_orders", [o.id for o in orders])
        pending = [o for o in orders if o.status in self.services.orders.rules.cancel_order.statuses]
        if self.kind != "return" or not pending:
            return [focus]
        dispatcher.utter_message(
            response="utter_offer_cancel",
            order_number=pending[0].number,
            buttons=[{"title": "Cancel the order", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}],
        )
        return [focus, SlotSet("offer", {"flow": "cancel_order", "slots": {"said": [{"order": pending[0].number}]}})]

    async def _conflict(
        self, tracker: Tracker, draft: Draft, desk: Desk, operations: list[Operation]
    ) -> list[dict[str, Any]] | None:
        """A request that waits and that this one would forbid: both are worked out and the customer chooses."""
        actor = self.services.actor(tracker)
        if draft.settled or actor is None:
            return None
        for waiting in tracker.slots.get("waiting_requests") or ():
            other = self.rivals().get(waiting["flow"])
            if other is None:
                continue
            their = Draft()
            for entry in waiting["said"]:
                their = (
                    other.read(str(entry["text"]), "", their, desk)[0]
                    if "text" in entry
                    else other.pressed(entry, their, desk)
                )
            rival = other.operations(their, desk)
            shared = {op.order_id for op in operations if hasattr(op, "order_id")} & {
                op.order_id for op in rival if hasattr(op, "order_id")
            }
            if shared:
                return await self._either(actor, draft, desk, (self, operations), (other, rival), shared)
        return None

    async def _either(
        self,
        actor: Actor,
        draft: Draft,
        desk: Desk,
        one: tuple[ReviewAction, list[Operation]],
        other: tuple[ReviewAction, list[Operation]],
        shared: set[str],
    ) -> list[dict[str, Any]] | None:
        sums = []
        for _, operations in (one, other):
            try:
                sums.append(net_words((await self.services.orders.propose(actor, operations)).quotes))
            except (Refused, NotFound):
                return None
        numbers = ", ".join(o.number for o in desk.orders if o.id in shared)
        facts = {
            "order_number": numbers,
            "first": FLOW_WORDS[one[0].kind],
            "first_money": sums[0],
            "second": FLOW_WORDS[other[0].kind],
            "second_money": sums[1],
        }
        buttons = tuple((FLOW_WORDS[side.kind].capitalize(), f"/either {side.kind}") for side in (one[0], other[0]))
        return self._ask(draft, Question("either", "utter_either", facts, buttons))

    def rivals(self) -> Mapping[str, ReviewAction]:
        """Flow → review of requests that cannot be done to the same order as well."""
        return {}

    async def _propose(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, draft: Draft, desk: Desk, operations: list[Operation]
    ) -> list[dict[str, Any]]:
        actor = self.services.actor(tracker)
        assert actor is not None  # the desk was there
        try:
            proposal = await self.services.orders.propose(actor, operations)
        except Refused as refusal:
            return self._explain(dispatcher, refusal, draft, desk)
        except NotFound:
            dispatcher.utter_message(response="utter_unknown_order")
            return _stage("end")
        names = {
            q.kind: self.services.lexicon(tracker).data.get("operations", {}).get(q.kind, q.kind)
            for q in proposal.quotes
        }
        facts = {"details": proposal_text(proposal, names), "totals": totals_text(proposal.quotes)}
        question = Question("confirmation", "utter_confirm", facts, YES_NO, (proposal_card(proposal),))
        focus = list(dict.fromkeys(o for op in operations if (o := getattr(op, "order_id", None))))
        return [
            SlotSet("draft", draft.to_json()),
            SlotSet("question", question.to_json()),
            SlotSet("proposal", proposal.to_json()),
            SlotSet("confirmation", None),
            SlotSet("request", None),
            SlotSet("focus_orders", focus or tracker.slots.get("focus_orders")),
            SlotSet("focus_lines", [p.key for p in draft.picks] or tracker.slots.get("focus_lines")),
            *_stage("confirm"),
        ]

    def _explain(
        self, dispatcher: CollectingDispatcher, refusal: Refused, draft: Draft, desk: Desk
    ) -> list[dict[str, Any]]:
        facts = {k: _plain(v, desk) for k, v in refusal.facts.items()}
        dispatcher.utter_message(response=f"utter_refused_{refusal.code}", **facts)
        question = self.refused(refusal, draft, desk)
        if question is not None:
            return self._ask(draft, question)
        return _stage("end")


def _by_place(entry: Mapping[str, Any], tracker: Tracker, desk: Desk) -> Mapping[str, Any]:
    """ "the second one" to a list of orders is that button."""
    if entry.get("asked") != "order" or (place := place_said(str(entry.get("text", "")), desk)) is None:
        return entry
    offered = [
        p.removeprefix("/order ")
        for _, p in (tracker.slots.get("question") or {}).get("buttons", ())
        if p.startswith("/order ")
    ]
    return {"order": offered[place]} if -len(offered) <= place < len(offered) else entry


def _richer(question: Mapping[str, Any], review: ReviewAction) -> str:
    """Of the two offered, the one that gives more back."""
    facts = question.get("facts") or {}
    money = {name: _amount_in(str(facts.get(f"{name}_money", ""))) for name in ("first", "second")}
    best = max(money, key=lambda name: money[name])
    return next((kind for kind, words in FLOW_WORDS.items() if words == facts.get(best)), review.kind)


def _amount_in(text: str) -> float:
    match = re.search(r"\d[\d,]*\.?\d*", text)
    amount = float(match.group().replace(",", "")) if match else 0.0
    return -amount if "pay" in text else amount


def _focused(desk: Desk, draft: Draft) -> Desk:
    """ "that order" is first of all the order this request is about."""
    own = tuple(dict.fromkeys((*draft.orders, *(p.order for p in draft.picks))))
    return replace(desk, focus=(*own, *(f for f in desk.focus if f not in own))) if own else desk


def order_question(text_orders: Sequence[str], desk: Desk, response: str = "utter_which_order") -> Question:
    """Which of these orders? With a button for each."""
    orders = [o for o in desk.orders if o.id in text_orders]
    listed = "\n".join(
        f"• {o.number} ({o.status.value.replace('_', ' ')}): {', '.join(x.title for x in o.lines)}" for o in orders[:10]
    )
    return Question(
        "order",
        response,
        {"orders": listed},
        tuple(
            (f"{o.number}: {o.lines[0].title}" + (" …" if len(o.lines) > 1 else ""), f"/order {o.number}")
            for o in orders[:10]
        ),
    )


def method_question(methods: Sequence[tuple[str, str]], response: str, **facts: Any) -> Question:
    """`methods`: (id, label)."""
    labels = " or ".join(label for _, label in methods)
    return Question(
        "payment_method", response, {"methods": labels, **facts}, tuple((label, f"/method {i}") for i, label in methods)
    )


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
