"""Send back items of delivered orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.actions.review import ReviewAction, method_question, order_question
from bot.actions.saying import lines_text
from bot.actions.services import Services
from bot.requests.amend import ORIGINAL, amend_lines, amend_method, read_reason
from bot.requests.desk import Desk, paid_with
from bot.requests.model import Draft, Notice, Pick, Question
from knowledge.errors import Refused
from knowledge.models import MethodKind, OrderStatus
from knowledge.orders.money import ZERO, money_text
from knowledge.orders.operations import Operation, ReturnItems


class ActionReviewReturn(ReviewAction):
    kind = "return"

    def __init__(self, services: Services, swap: ReviewAction) -> None:
        super().__init__(services)
        self._swap = swap

    def rivals(self) -> Mapping[str, ReviewAction]:
        return {"swap_items": self._swap}

    def read(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        allowed = self.services.orders.rules.return_items.statuses
        draft, notices = amend_lines(text, draft, desk, allowed, asked=asked)
        if not draft.picks and not draft.open and not draft.orders and desk.lexicon.said(text, "reference"):
            draft = _looked_at(draft, desk, allowed)
        if not draft.picks and not draft.open:
            notices += _not_returnable_now(draft, desk, allowed)
            elsewhere = [n.facts["order_number"] for n in notices if n.response == "utter_line_not_possible"]
            draft = (
                draft.with_(orders=tuple(o.id for o in desk.orders if o.number in elsewhere)) if elsewhere else draft
            )
        if draft.orders and not draft.picks and not draft.open:
            draft = _whole_if_single(draft, desk, allowed)
        draft = draft.with_(
            reason=read_reason(text, desk, self.services.orders.rules.return_items.reasons) or draft.reason
        )
        ids = list(dict.fromkeys(p.order for p in draft.picks))
        draft, told = amend_method(text, draft, desk, asked, ids)
        return draft, [*notices, *told]

    def pressed(self, entry: Any, draft: Draft, desk: Desk) -> Draft:
        if "pick" in entry:
            keys = [k for k in desk.line_keys() if k == entry["pick"]]
            return draft.with_(picks=(*draft.picks, *(Pick(k) for k in keys)), open=draft.open[1:])
        if "everything" in entry:
            keys = desk.line_keys(self.services.orders.rules.return_items.statuses, draft.orders)
            return draft.with_(picks=tuple(Pick(k) for k in keys), open=())
        return super().pressed(entry, draft, desk)

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        allowed = self.services.orders.rules.return_items.statuses
        open_orders = [o.id for o in desk.orders if o.status in allowed]
        if draft.open:
            return which_line(draft, desk)
        if not draft.picks:
            if not open_orders or (draft.orders and not set(draft.orders) & set(open_orders)):
                return None
            named = [o for o in (draft.orders or desk.focus[:1]) if o in open_orders]
            return (
                _which_items(named or open_orders, desk)
                if named or len(open_orders) == 1
                else _which_order(open_orders, desk)
            )
        reasons = self.services.orders.rules.return_items.reasons
        if reasons and not draft.reason:
            return Question(
                "reason",
                "utter_ask_return_reason",
                {"reasons": ", ".join(reasons)},
                tuple((r, f"/reason {r}") for r in reasons),
            )
        return self._method_question(draft, desk) if not draft.method else None

    def _method_question(self, draft: Draft, desk: Desk) -> Question | None:
        """Only where there is a choice: the original method, or a gift card the customer has."""
        choices = self._methods(draft, desk)
        return (
            method_question(choices, "utter_ask_refund_method", amount=_amount(draft, desk))
            if len(choices) > 1
            else None
        )

    def _methods(self, draft: Draft, desk: Desk) -> list[tuple[str, str]]:
        originals = list(dict.fromkeys(m for p in draft.picks if (o := desk.order(p.order)) and (m := paid_with(o))))
        first = [(ORIGINAL, self._label(originals, desk))] if originals else []
        targets = self.services.orders.rules.return_items.refund_to
        cards = [
            (m.id, m.label)
            for m in desk.customer.payment_methods
            if (("gift_card" in targets and m.kind is MethodKind.GIFT_CARD) or "any" in targets)
            and m.id not in originals
        ]
        credit = [("store_credit", "store credit")] if "store_credit" in targets else []
        return first + cards + credit

    @staticmethod
    def _label(originals: list[str], desk: Desk) -> str:
        labels = [m.label for i in originals if (m := desk.method(i))]
        return labels[0] if len(labels) == 1 else "the way each order was paid"

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        found: list[Operation] = []
        for order_id in dict.fromkeys(p.order for p in draft.picks):
            order = desk.order(order_id)
            if order is None:
                continue
            method = paid_with(order) if draft.method in ("", ORIGINAL) else draft.method
            lines = tuple(
                (p.line, p.quantity or line.quantity)
                for p in draft.picks
                if p.order == order_id and (line := order.line(p.line))
            )
            found.append(ReturnItems(order_id, lines, method or "", draft.reason))
        return found

    def refused(self, refusal: Refused, draft: Draft, desk: Desk) -> Question | None:
        if refusal.code.startswith("method"):
            return method_question(self._methods(draft, desk), "utter_ask_refund_method", amount=_amount(draft, desk))
        return None


def _amount(draft: Draft, desk: Desk) -> str:
    pairs = [desk.line(p.key) for p in draft.picks]
    prices = (
        line.unit_price * (p.quantity or line.quantity) for p, (_, line) in zip(draft.picks, pairs, strict=True)
    )
    total = sum(prices, ZERO)
    return money_text(total, pairs[0][0].currency) if pairs else ""


def _not_returnable_now(draft: Draft, desk: Desk, allowed: Sequence[OrderStatus]) -> list[Notice]:
    """Orders named as a whole whose status does not allow a return."""
    named = [o for i in draft.orders if (o := desk.order(i))]
    return [
        Notice(
            "utter_refused_return_not_delivered", {"order_number": o.number, "status": o.status.value.replace("_", " ")}
        )
        for o in named
        if o.status not in allowed
    ]


def _whole_if_single(draft: Draft, desk: Desk, allowed: Sequence[OrderStatus]) -> Draft:
    keys = desk.line_keys(allowed, draft.orders)
    return draft.with_(picks=(Pick(keys[0]),)) if len(keys) == 1 else draft


def which_line(draft: Draft, desk: Desk) -> Question:
    """Which of the lines that one phrase could mean?"""
    item = draft.open[0]
    pairs = [desk.line(k) for k in item.keys]
    listed = "\n".join(
        f"{i}. {line.title} ({', '.join(line.options.values())}), {money_text(line.unit_price, order.currency)}, "
        f"order {order.number}"
        for i, (order, line) in enumerate(pairs, 1)
    )
    buttons = tuple(
        (f"{', '.join(line.options.values()) or line.title} ({order.number})", f"/pick {key}")
        for key, (order, line) in zip(item.keys, pairs, strict=True)
    )
    return Question("items", "utter_which_line", {"phrase": item.phrase, "choices": listed}, buttons)


def _which_items(order_ids: list[str], desk: Desk) -> Question:
    order = next(o for o in desk.orders if o.id in order_ids) if order_ids else desk.orders[0]
    buttons = (*((line.title, f"/pick {order.id}/{line.id}") for line in order.lines), ("Everything", "/everything"))
    return Question(
        "items",
        "utter_which_items",
        {"order_number": order.number, "lines": lines_text(order.lines, order.currency)},
        buttons,
    )


def _which_order(order_ids: list[str], desk: Desk) -> Question:
    question = order_question(order_ids, desk, "utter_which_items_of")
    return Question("items", question.response, question.facts, question.buttons)


def _looked_at(draft: Draft, desk: Desk, allowed: Sequence[OrderStatus]) -> Draft:
    """ "I want to return this", on the page of something bought: its line, where there is one and no order is spoken of."""
    if desk.focus or not desk.focus_product:
        return draft
    keys = [k for k in desk.line_keys(allowed) if desk.line(k)[1].product_id == desk.focus_product]
    return draft.with_(picks=(Pick(keys[0]),)) if len(keys) == 1 else draft
