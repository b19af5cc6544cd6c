"""Other variants instead: a change of items while the order is pending, an exchange once it is delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.actions.review import ReviewAction, method_question, order_question
from bot.actions.review_return import which_line
from bot.requests.amend import ORIGINAL, amend_lines, amend_method
from bot.requests.desk import Desk, paid_with
from bot.requests.model import Draft, Notice, Pick, Question
from bot.requests.selection import select_lines
from bot.requests.swaps import answer_choice, question_about, settle_variants
from bot.requests.wishes import read_wish
from knowledge.errors import Refused
from knowledge.models import OrderStatus
from knowledge.orders.operations import ChangeItems, ExchangeItems, Operation, Swap


class ActionReviewSwap(ReviewAction):
    kind = "swap"

    def read(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        start = draft
        answered = self._answered(text, asked, draft, desk)
        notices: list[Notice] = []
        if answered is not None:
            draft = answered
        else:
            before = draft
            draft, notices = amend_lines(text, draft, desk, self._allowed(), swap=True, asked=asked)
            if draft.picks == before.picks and draft.open == before.open:
                draft = self._wish_for_open_pick(text, draft, desk)
            if not draft.picks and not draft.open:
                draft = self._line_in_focus(text, draft, desk)
        ids = list(dict.fromkeys(p.order for p in draft.picks))
        draft, told = amend_method(text, draft, desk, asked, ids)
        draft = draft.with_(otherwise=_otherwise(text, desk) or draft.otherwise)
        unread = asked == "options" and not told and draft == start
        draft, more = settle_variants(draft, desk)
        if unread and not more and (waiting := next((p for p in draft.picks if not p.variant), None)):
            more = [Notice("utter_only_variants", {"title": desk.line(waiting.key)[1].title})]
            rest = tuple(p for p in draft.picks if p.variant) if draft.misses else draft.picks
            draft = draft.with_(misses=draft.misses + 1, picks=rest, orders=(waiting.order,), settled=not rest)
        return draft, [*notices, *told, *more]

    def instead(self, draft: Draft, notices: list[Notice], desk: Desk) -> Mapping[str, Any] | None:
        """The customer's own condition ("if there is none, return it"), once a wish has failed."""
        failed = any(
            n.response in ("utter_variant_none", "utter_variant_sold_out", "utter_variant_same", "utter_only_variants")
            for n in notices
        )
        waiting = [p for p in draft.picks if not p.variant]
        if not failed or not draft.otherwise or not waiting:
            return None
        order, _ = desk.line(waiting[0].key)
        entry = {"order": order.number} if draft.otherwise == "cancel_order" else {"pick": waiting[0].key}
        return {"flow": draft.otherwise, "slots": {"said": [entry]}}

    def _line_in_focus(self, text: str, draft: Draft, desk: Desk) -> Draft:
        """ "the cheapest of those instead": the line whose product was spoken of last."""
        keys = [k for k in desk.line_keys(self._allowed()) if desk.line(k)[1].product_id == desk.focus_product]
        return draft.with_(picks=(Pick(keys[0], text),)) if len(keys) == 1 else draft

    def _allowed(self) -> tuple[OrderStatus, ...]:
        rules = self.services.orders.rules
        return (*rules.change_items.statuses, *rules.exchange_items.statuses)

    def _answered(self, text: str, asked: str, draft: Draft, desk: Desk) -> Draft | None:
        """The answer to "which variant?", where it is one."""
        pick = next((p for p in draft.picks if not p.variant), None)
        if asked != "options" or pick is None:
            return None
        selection = select_lines(text, desk, self._allowed(), swap=True)
        if pick.key in selection.excluded:
            return draft.with_(picks=tuple(p for p in draft.picks if p.key != pick.key))
        if selection.chosen and pick.key not in {c.key for c in selection.chosen}:
            return None
        if desk.lexicon.said(text, "leave_it"):
            return draft.with_(picks=tuple(p for p in draft.picks if p.key != pick.key))
        for candidate in [pick, *(p for p in draft.picks if not p.variant and p.key != pick.key)]:
            chosen = answer_choice(text, candidate, desk)
            if chosen is not None:
                return draft.with_pick(chosen)
        return None

    def _wish_for_open_pick(self, text: str, draft: Draft, desk: Desk) -> Draft:
        """Words that name no line are a wish: for the pick without a variant, or the only one there is."""
        waiting = [p for p in draft.picks if not p.variant] or (list(draft.picks) if len(draft.picks) == 1 else [])
        for pick in waiting:
            product = desk.products.get(desk.line(pick.key)[1].product_id)
            if product is not None and not read_wish(text, product, desk.lexicon).empty:
                return draft.with_pick(
                    replace(pick, wish=f"{pick.wish}; {text}" if not pick.variant else text, variant="")
                )
        if draft.open and not waiting:
            return draft.with_(open=(replace(draft.open[0], words=f"{draft.open[0].words}; {text}"), *draft.open[1:]))
        return draft

    def pressed(self, entry: Any, draft: Draft, desk: Desk) -> Draft:
        waiting = next((p for p in draft.picks if not p.variant), None)
        if "variant" in entry and waiting is not None:
            return draft.with_pick(replace(waiting, variant=str(entry["variant"]), choices=()))
        if "leave" in entry and waiting is not None:
            return draft.with_(picks=tuple(p for p in draft.picks if p.key != waiting.key))
        if "pick" in entry:
            words = draft.open[0].words if draft.open else ""
            draft = draft.with_(
                picks=(*draft.picks, *(Pick(k, words) for k in desk.line_keys() if k == entry["pick"])), open=draft.open[1:]
            )
            return settle_variants(draft, desk)[0]
        return super().pressed(entry, draft, desk)

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        allowed = self._allowed()
        if draft.open:
            return which_line(draft, desk)
        if draft.settled and not draft.picks:
            return None
        if not draft.picks:
            orders = [o.id for o in desk.orders if o.status in allowed]
            wanted = [o for o in draft.orders if o in orders] or orders
            if not wanted:
                return None
            question = order_question(wanted, desk, "utter_which_items_to_swap")
            return Question("items", question.response, question.facts, _line_buttons(wanted, desk))
        if (about := question_about(draft, desk)) is not None:
            return about
        if not draft.method and len(desk.customer.payment_methods) > 1 and self._money_moves(draft, desk):
            return method_question(self._methods(draft, desk), "utter_ask_difference_method")
        return None

    def _money_moves(self, draft: Draft, desk: Desk) -> bool:
        for pick in draft.picks:
            _, line = desk.line(pick.key)
            product = desk.products.get(line.product_id)
            variant = product.variant(pick.variant) if product else None
            if variant is not None and variant.price != line.unit_price:
                return True
        return False

    @staticmethod
    def _methods(draft: Draft, desk: Desk) -> list[tuple[str, str]]:
        originals = {m for p in draft.picks if (o := desk.order(p.order)) and (m := paid_with(o))}
        methods = sorted(desk.customer.payment_methods, key=lambda m: m.id not in originals)
        return [(m.id, m.label) for m in methods]

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        found: list[Operation] = []
        rules = self.services.orders.rules
        for order_id in dict.fromkeys(p.order for p in draft.picks):
            order = desk.order(order_id)
            swaps = tuple(Swap(p.line, p.variant) for p in draft.picks if p.order == order_id and p.variant)
            if order is None or not swaps:
                continue
            method = draft.method if draft.method not in ("", ORIGINAL) else paid_with(order)
            kind = ExchangeItems if order.status in rules.exchange_items.statuses else ChangeItems
            found.append(kind(order_id, swaps, method))
        return found

    def refused(self, refusal: Refused, draft: Draft, desk: Desk) -> Question | None:
        if refusal.code in ("gift_card_short", "method_unknown", "method_not_allowed", "method_needed"):
            others = [m for m in self._methods(draft, desk) if m[0] != draft.method]
            return method_question(others or self._methods(draft, desk), "utter_ask_difference_method")
        return None


def _otherwise(text: str, desk: Desk) -> str:
    """ "If it isn't available, return it": the flow of the consequence, "" when there is none."""
    for match in desk.lexicon.pattern("otherwise").finditer(text):
        rest = text[match.end() :].split(".")[0]
        for label, flow in (("return_items", "return_items"), ("cancel_order", "cancel_order")):
            if desk.lexicon.said(rest, "cues", label):
                return flow
    return ""


def _line_buttons(order_ids: list[str], desk: Desk) -> tuple[tuple[str, str], ...]:
    keys = list(desk.line_keys(None, order_ids))[:10]
    return tuple((desk.line(k)[1].title, f"/pick {k}") for k in keys)
