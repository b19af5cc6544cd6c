"""Cancel whole pending orders. Single items cannot be cancelled: the customer is told before the card."""

from __future__ import annotations

from bot.actions.review import ReviewAction, order_question, orders_in
from bot.requests.amend import amend_lines, read_reason
from bot.requests.desk import Desk
from bot.requests.methods import names_method
from bot.requests.model import Draft, Notice, Question
from bot.requests.selection import select_lines
from knowledge.orders.operations import CancelOrder, Operation


class ActionReviewCancel(ReviewAction):
    kind = "cancel"

    def read(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        rules = self.services.orders.rules.cancel_order
        reason = read_reason(text, desk, rules.reasons)
        notices: list[Notice] = []
        named, unknown = orders_in(text, draft, desk)
        lines, told = amend_lines(text, Draft(), desk, rules.statuses, asked=asked)
        homes = tuple(dict.fromkeys(p.order for p in lines.picks))
        if named.orders and (named.orders != draft.orders):
            draft = self._only_possible(named, desk, notices)
        elif desk.lexicon.said(text, "everything") and not draft.orders and asked != "reason":
            draft = draft.with_(orders=tuple(o.id for o in desk.orders if o.status in rules.statuses and o.id not in _kept(text, desk)))
        elif homes and not (asked == "reason" and draft.orders):
            partial = self._partial(lines, homes, desk)
            if partial and desk.lexicon.said(text, "part_only"):
                return draft, partial
            draft = draft.with_(orders=tuple(dict.fromkeys((*draft.orders, *homes))))
            notices += partial
        else:
            notices += told if asked != "reason" else []
        if draft.orders and names_method(text, desk.lexicon):
            notices.append(Notice("utter_cancel_refund_original"))
        return draft.with_(reason=reason or draft.reason), [*notices, *unknown]

    def _only_possible(self, draft: Draft, desk: Desk, notices: list[Notice]) -> Draft:
        """All orders named stay where one alone is meant; of several, those that can be cancelled."""
        statuses = self.services.orders.rules.cancel_order.statuses
        possible = tuple(i for i in draft.orders if (o := desk.order(i)) and o.status in statuses)
        return draft.with_(orders=possible) if possible else draft

    @staticmethod
    def _partial(lines: Draft, homes: tuple[str, ...], desk: Desk) -> list[Notice]:
        notices = []
        for home in homes:
            order = desk.order(home)
            named = {p.line for p in lines.picks if p.order == home}
            others = [x.title for x in order.lines if x.id not in named] if order else []
            if order and others:
                notices.append(Notice("utter_cancel_whole_only", {"order_number": order.number, "others": ", ".join(others)}))
        return notices

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        rules = self.services.orders.rules.cancel_order
        if not draft.orders:
            possible = [o.id for o in desk.orders if o.status in rules.statuses]
            return order_question(possible, desk, "utter_which_order_to_cancel") if possible else None
        possible_now = any((o := desk.order(i)) and o.status in rules.statuses for i in draft.orders)
        if not draft.reason and rules.reasons and possible_now:
            return Question("reason", "utter_ask_reason", {"reasons": " or ".join(rules.reasons)}, tuple((r, f"/reason {r}") for r in rules.reasons))
        return None

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        return [CancelOrder(order_id, draft.reason) for order_id in draft.orders]


def _kept(text: str, desk: Desk) -> set[str]:
    """Orders with a line that is to be kept: they cannot be cancelled without it."""
    return {k.rsplit("/", 1)[0] for k in select_lines(text, desk, [o.status for o in desk.orders]).excluded}
