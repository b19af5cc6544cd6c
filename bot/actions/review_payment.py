"""Another payment method for a pending order."""

from __future__ import annotations

from bot.actions.review import ReviewAction, method_question, order_question, orders_in
from bot.requests.amend import ORIGINAL, amend_method
from bot.requests.desk import Desk, paid_with
from bot.requests.model import Draft, Notice, Question
from bot.requests.selection import select_lines
from knowledge.errors import Refused
from knowledge.orders.operations import ChangePayment, Operation


class ActionReviewPayment(ReviewAction):
    kind = "payment"

    def read(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        statuses = self.services.orders.rules.change_payment.statuses
        draft, notices = orders_in(text, draft, desk)
        if not draft.orders:
            lines = select_lines(text, desk, statuses)
            draft = draft.with_(orders=tuple(dict.fromkeys(c.key.rsplit("/", 1)[0] for c in lines.chosen)))
        possible = [o.id for o in desk.orders if o.status in statuses]
        if not draft.orders and len(possible) == 1:
            draft = draft.with_(orders=tuple(possible))
        new = text[cut.end():] if (cut := desk.lexicon.pattern("method_change_to").search(text)) else text
        draft, told = amend_method(new, draft, desk, asked, draft.orders)
        return draft, [*notices, *told]

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        statuses = self.services.orders.rules.change_payment.statuses
        possible = [o.id for o in desk.orders if o.status in statuses]
        if not draft.orders:
            return order_question(possible, desk, "utter_which_order") if possible else None
        if not draft.method or draft.method == ORIGINAL:
            return self._question(draft, desk)
        return None

    def _question(self, draft: Draft, desk: Desk) -> Question | None:
        paid = {m for i in draft.orders if (o := desk.order(i)) and (m := paid_with(o))}
        others = [(m.id, m.label) for m in desk.customer.payment_methods if m.id not in paid]
        return method_question(others, "utter_ask_new_method") if others else Question("payment_method", "utter_no_other_method")

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        return [ChangePayment(i, draft.method) for i in draft.orders]

    def refused(self, refusal: Refused, draft: Draft, desk: Desk) -> Question | None:
        return self._question(draft, desk) if refusal.code in ("method_same", "method_unknown", "gift_card_short") else None
