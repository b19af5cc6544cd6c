"""Sums and what-ifs: what was paid, what things cost together, what would come back. Nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.carry_out import net_of, net_text
from bot.actions.saying import line_text, money_text, totals_text
from bot.actions.services import Services
from bot.actions.show_orders import said_text
from bot.requests.desk import Desk
from bot.requests.orders import choose_orders
from bot.requests.selection import select_lines
from knowledge.models import Order, OrderLine, OrderStatus
from knowledge.orders.proposal import Proposal

_ALL = tuple(OrderStatus)


class ActionOrderTotals(Action):
    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_order_totals"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        desk = await self.services.desk(tracker)
        if desk is None:
            dispatcher.utter_message(response="utter_identity_needed")
            return []
        text = said_text(tracker)
        back = desk.lexicon.said(text, "money_back")
        if back and self._conversation_total(dispatcher, tracker):
            return []
        pairs = self._lines(text, desk)
        if not pairs:
            dispatcher.utter_message(response="utter_which_total")
            return []
        if desk.lexicon.said(text, "extreme_line"):
            return self._extreme(dispatcher, text, pairs, desk)
        currency = pairs[0][0].currency
        total = sum((line.unit_price * line.quantity for _, line in pairs), Decimal(0))
        numbers = list(dict.fromkeys(o.number for o, _ in pairs))
        listed = "\n".join(f"• {line_text(line, o.currency)} ({o.number})" for o, line in pairs[:15])
        response = "utter_total_back" if back else "utter_total_of"
        dispatcher.utter_message(
            response=response,
            total=money_text(total, currency),
            lines=listed,
            order_numbers=", ".join(numbers),
            count=len(pairs),
        )
        return []

    @staticmethod
    def _conversation_total(dispatcher: CollectingDispatcher, tracker: Tracker) -> bool:
        """ "How much do I get back in total?" after or during requests of this conversation."""
        done: Sequence[Mapping[str, Any]] = tracker.slots.get("done") or ()
        waiting = tracker.slots.get("open_proposal")
        if not done and not waiting:
            return False
        entries = list(done)
        if waiting:
            proposal = Proposal.from_json(waiting)
            entries += [
                {"amount": str(m.amount), "direction": m.direction, "currency": m.currency}
                for q in proposal.quotes
                for m in q.money
            ]
            if not done:
                single = totals_text(proposal.quotes) or net_text(entries)
                dispatcher.utter_message(response="utter_quote_total", total=single)
                return True
        total = sum(net_of(entries).values(), Decimal(0))
        dispatcher.utter_message(
            response="utter_total_refund" if total >= 0 else "utter_total_charge", total=net_text(entries)
        )
        return True

    @staticmethod
    def _extreme(
        dispatcher: CollectingDispatcher, text: str, pairs: Sequence[tuple[Order, OrderLine]], desk: Desk
    ) -> list[dict[str, Any]]:
        pick = min if desk.lexicon.said(text, "cheaper_line") else max
        order, line = pick(pairs, key=lambda p: p[1].unit_price)
        dispatcher.utter_message(
            response="utter_extreme_line",
            line=line_text(line, order.currency),
            order_number=order.number,
            kind="least expensive" if pick is min else "most expensive",
        )
        return [SlotSet("focus_orders", [order.id]), SlotSet("focus_lines", [f"{order.id}/{line.id}"])]

    def _lines(self, text: str, desk: Desk) -> list[tuple[Order, OrderLine]]:
        """The lines meant: those named, or all of the orders meant, without what was just sent back ("the remaining")."""
        chosen = select_lines(text, desk, _ALL)
        keys = [c.key for c in chosen.chosen] + [k for u in chosen.unclear for k in u.keys] + list(chosen.elsewhere)
        if chosen.orders.statuses and keys:
            keys = [k for k in keys if desk.line(k)[0].status in chosen.orders.statuses] or keys
        if not keys:
            choice = choose_orders(text, desk)
            orders = choice.orders or tuple(o.id for o in desk.orders if o.status in choice.statuses) or desk.focus[:1]
            if not orders and len(desk.orders) == 1:
                orders = (desk.orders[0].id,)
            keys = desk.line_keys(None, orders) if orders else []
        if desk.lexicon.said(text, "remaining"):
            gone = {f"{o.id}/{line_id}" for o in desk.orders for r in o.returns for line_id, _ in r.lines}
            home = {k.rsplit("/", 1)[0] for k in gone} & ({k.rsplit("/", 1)[0] for k in keys} or set(desk.focus))
            keys = (
                [k for k in desk.line_keys(None, tuple(home)) if k not in gone]
                if home
                else [k for k in keys if k not in gone]
            )
        return [desk.line(k) for k in dict.fromkeys(keys)]
