"""Cancel whole pending orders. Single items cannot be cancelled: the customer is told before the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.actions.review import ReviewAction, order_question, orders_in
from bot.requests.amend import first_place, place_said, read_reason
from bot.requests.desk import Desk
from bot.requests.methods import names_method
from bot.requests.model import Draft, Notice, Question
from bot.requests.selection import Selection, select_lines
from knowledge.orders.operations import CancelOrder, Operation


class ActionReviewCancel(ReviewAction):
    kind = "cancel"

    def read(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        rules = self.services.orders.rules.cancel_order
        reason = read_reason(text, desk, rules.reasons)
        draft = draft.with_(reason=reason or draft.reason)
        named, notices = orders_in(text, draft, desk)
        if asked == "reason" and draft.orders and not named.orders:
            return draft, notices
        # An order named needs no retrieval to say which one is meant.
        selection = select_lines(text, replace(desk, found=()) if named.orders else desk, rules.statuses)
        if draft.orders and (fewer := self._fewer(text, draft, selection, desk)) is not None:
            return draft.with_(orders=fewer), notices
        if selection.orders.unknown and not named.orders:
            return draft.with_(settled=not draft.orders), notices
        homes = (
            tuple(dict.fromkeys(c.key.rsplit("/", 1)[0] for c in selection.chosen))
            if not selection.everything or selection.named
            else ()
        )
        if not homes and selection.homes:
            homes = selection.homes
        if named.orders and named.orders != draft.orders:
            kept = {k.rsplit("/", 1)[0] for k in selection.excluded}
            named = named.with_(orders=tuple(o for o in named.orders if o not in kept) or named.orders)
            draft = self._only_possible(named, desk, notices)
        elif homes:
            draft, told = self._homes(text, draft, selection, homes, desk)
            notices += told
        elif desk.lexicon.said(text, "whole_order") and not draft.orders and (meant := self._meant(text, desk)):
            draft = draft.with_(orders=(meant,))
        elif selection.everything and not draft.orders:
            draft = draft.with_(orders=self._all_but(selection.excluded, desk))
        elif selection.elsewhere and not draft.orders:
            draft = draft.with_(orders=tuple(dict.fromkeys(k.rsplit("/", 1)[0] for k in selection.elsewhere)))
        elif not draft.orders and not selection.orders.unknown and (meant := self._meant(text, desk)):
            draft = draft.with_(orders=(meant,))
        if draft.orders and names_method(text, desk.lexicon):
            notices.append(Notice("utter_cancel_refund_original"))
        return draft, notices

    def _homes(
        self, text: str, draft: Draft, selection: Selection, homes: tuple[str, ...], desk: Desk
    ) -> tuple[Draft, list[Notice]]:
        """Orders named by items in them; only whole orders can be cancelled, which may be more than was wanted."""
        partial = self._partial({c.key for c in selection.chosen}, homes, desk)
        if partial and desk.lexicon.said(text, "part_only"):
            return draft.with_(settled=True, orders=homes), partial
        return draft.with_(orders=tuple(dict.fromkeys((*draft.orders, *homes)))), partial

    def _all_but(self, excluded: Sequence[str], desk: Desk) -> tuple[str, ...]:
        """Every order that can be cancelled, without those that hold something to be kept."""
        kept = {k.rsplit("/", 1)[0] for k in excluded}
        statuses = self.services.orders.rules.cancel_order.statuses
        return tuple(o.id for o in desk.orders if o.status in statuses and o.id not in kept)

    def _meant(self, text: str, desk: Desk) -> str | None:
        """The only order there is to cancel, or the one spoken of last."""
        statuses = self.services.orders.rules.cancel_order.statuses
        possible = [o.id for o in desk.orders if o.status in statuses]
        if len(possible) == 1:
            return possible[0]
        return next((f for f in desk.focus[:1] if f in possible), None)

    @staticmethod
    def _fewer(text: str, draft: Draft, selection: Selection, desk: Desk) -> tuple[str, ...] | None:
        """ "keep the second one", "not the one with the laptop", "just the first": what is left of several orders."""
        if len(draft.orders) < 2:
            return None
        out = {k.rsplit("/", 1)[0] for k in selection.excluded} & set(draft.orders)
        place = place_said(text, desk)
        if not out and place is not None and -len(draft.orders) <= place < len(draft.orders):
            if selection.only or desk.lexicon.said(text, "only"):
                return (draft.orders[first_place(text, desk, after="only", default=place)],)
            out = {draft.orders[place]} if desk.lexicon.said(text, "except") else set()
        left = tuple(o for o in draft.orders if o not in out)
        return left if out and left else None

    def _only_possible(self, draft: Draft, desk: Desk, notices: list[Notice]) -> Draft:
        """All orders named stay where one alone is meant; of several, those that can be cancelled."""
        statuses = self.services.orders.rules.cancel_order.statuses
        possible = tuple(i for i in draft.orders if (o := desk.order(i)) and o.status in statuses)
        if possible:
            notices += [
                Notice(
                    "utter_refused_cancel_not_pending",
                    {"order_number": o.number, "status": o.status.value.replace("_", " ")},
                )
                for i in draft.orders
                if (o := desk.order(i)) and i not in possible
            ]
        return draft.with_(orders=possible) if possible else draft

    @staticmethod
    def _partial(keys: set[str], homes: tuple[str, ...], desk: Desk) -> list[Notice]:
        notices = []
        for home in homes:
            order = desk.order(home)
            others = [x.title for x in order.lines if f"{home}/{x.id}" not in keys] if order else []
            if order and others:
                notices.append(
                    Notice("utter_cancel_whole_only", {"order_number": order.number, "others": ", ".join(others)})
                )
        return notices

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        rules = self.services.orders.rules.cancel_order
        if draft.settled:
            return None
        if not draft.orders:
            possible = [o.id for o in desk.orders if o.status in rules.statuses]
            return order_question(possible, desk, "utter_which_order_to_cancel") if possible else None
        possible_now = any((o := desk.order(i)) and o.status in rules.statuses for i in draft.orders)
        if not draft.reason and rules.reasons and possible_now:
            return Question(
                "reason",
                "utter_ask_reason",
                {"reasons": " or ".join(rules.reasons)},
                tuple((r, f"/reason {r}") for r in rules.reasons),
            )
        return None

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        return [] if draft.settled else [CancelOrder(order_id, draft.reason) for order_id in draft.orders]
