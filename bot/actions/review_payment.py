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
        draft, told = amend_method(_new_method_words(text, desk), draft, desk, asked, draft.orders)
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
        others = [(m.id, m.label) for m in desk.customer.payment_methods if m.id not in paid and m.id != draft.method]
        return (
            method_question(others, "utter_ask_new_method")
            if others
            else Question("payment_method", "utter_no_other_method")
        )

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        return [ChangePayment(i, draft.method) for i in draft.orders]

    def refused(self, refusal: Refused, draft: Draft, desk: Desk) -> Question | None:
        return (
            self._question(draft, desk)
            if refusal.code in ("method_same", "method_unknown", "gift_card_short")
            else None
        )


def _new_method_words(text: str, desk: Desk) -> str:
    """ "I paid with my card, switch that to my gift card": what follows the last "to" or "with" that names a method."""
    found = text
    for match in desk.lexicon.pattern("method_change_to").finditer(text):
        following = text[match.start() : match.end() + 40]
        if (
            desk.lexicon.which(following, "method")
            and not desk.lexicon.said(text[max(0, match.start() - 22) : match.start()], "paid_before")
            and not desk.lexicon.pattern("method_dropped").search(text[max(0, match.start() - 8) : match.end() + 16])
        ):
            found = text[match.start() :]
    return found
