"""Which of the customer's orders a text speaks of: by number, status, place, age, or by pointing back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.requests.desk import Desk
from bot.requests.words import words
from knowledge.models import Order, OrderStatus

_NUMBER = re.compile(r"#?\b([A-Za-z]{0,4}-?\d{1,20})\b")
_PENDING = (OrderStatus.PENDING,)


@dataclass(frozen=True, slots=True)
class OrderChoice:
    orders: tuple[str, ...] = ()  # ids, in the customer's words' order
    unknown: tuple[str, ...] = ()  # numbers that are none of the customer's
    named: bool = False  # by number or pointing, not only by status
    every: bool = False  # "all my orders", "both orders"
    statuses: tuple[OrderStatus, ...] = ()
    by_number: bool = False


def normal(number: str) -> str:
    return re.sub(r"[^0-9a-z]", "", number.lower())


def choose_orders(text: str, desk: Desk) -> OrderChoice:
    """The orders named in `text`. Bare digits match a number that ends with them ("9502127", "…127")."""
    known, unknown = _by_number(text, desk)
    statuses = said_statuses(text, desk)
    if known or unknown:
        return OrderChoice(tuple(known), tuple(unknown), named=bool(known), statuses=statuses, by_number=bool(known))
    place = _by_place(text, desk)
    if place:
        return OrderChoice(tuple(place), named=True, statuses=statuses)
    every = _every_order(text, desk)
    which = _by_age(text, desk, statuses)
    if which and not every:
        return OrderChoice(tuple(which), named=True, statuses=statuses)
    if every:
        return OrderChoice(
            tuple(o.id for o in desk.orders if not statuses or o.status in statuses), every=True, statuses=statuses
        )
    return OrderChoice(statuses=statuses)


def _by_number(text: str, desk: Desk) -> tuple[list[str], list[str]]:
    known: list[str] = []
    unknown: list[str] = []
    for match in _NUMBER.finditer(text):
        said = normal(match.group(1))
        digits = re.sub(r"\D", "", said)
        found = [
            o.id
            for o in desk.orders
            if normal(o.number) == said
            or (re.sub(r"\D", "", o.number) == digits == said and (len(digits) > 3 or match.group().startswith("#")))
        ]
        if found:
            known += [f for f in found if f not in known]
        elif _looks_like_order(said, text, match, desk):
            unknown.append(match.group(1))
    return known, unknown


def _looks_like_order(said: str, text: str, match: re.Match[str], desk: Desk) -> bool:
    """A number shaped like the shop's own, or one that the text calls an order."""
    shapes = {(len(normal(o.number)), re.sub(r"\d", "", normal(o.number))) for o in desk.orders}
    if match.group(0).startswith("#") or (len(said), re.sub(r"\d", "", said)) in shapes:
        return True
    before = words(text[max(0, match.start() - 20) : match.start()], desk.lexicon.locale)[-2:]
    called = any(w.text in desk.lexicon.words("order_words") for w in before)
    return called and len(re.sub(r"\D", "", said)) >= 4


def said_statuses(text: str, desk: Desk) -> tuple[OrderStatus, ...]:
    return tuple(OrderStatus(s) for s in desk.lexicon.which(text, "order_status"))


def _by_place(text: str, desk: Desk) -> list[str]:
    """ "the order sent to Texas": a place of its address that not every order shares."""
    low = f" {' '.join(w.text for w in words(text, desk.lexicon.locale))} "
    states: dict[str, str] = {k.lower(): v.lower() for k, v in desk.lexicon.data.get("states", {}).items()}
    found = []
    for order in desk.orders:
        address = order.address
        if address is None:
            continue
        places = {
            p.lower() for p in (address.city, address.state if address.state and len(address.state) > 2 else None) if p
        }
        places |= {name for name, code in states.items() if address.state and code == address.state.lower()}
        if any(f" {p} " in low for p in places):
            found.append(order.id)
    mentions_order = any(f" {w} " in low for w in desk.lexicon.words("order_words"))
    return found if mentions_order and 0 < len(found) < len(desk.orders) else []


def _every_order(text: str, desk: Desk) -> bool:
    return desk.lexicon.said(text, "every_order")


def _by_age(text: str, desk: Desk, statuses: tuple[OrderStatus, ...]) -> list[str]:
    which = desk.lexicon.which(text, "order_which")
    pool: list[Order] = [o for o in desk.orders if not statuses or o.status in statuses]
    if not pool or not which:
        return []
    if "that" in which and desk.focus:
        return [desk.focus[0]]
    if "other" in which:
        others = [o.id for o in pool if o.id not in desk.focus[:1]]
        return others if len(others) == 1 else []
    if "last" in which and (pool[0].placed_at or len(pool) == 1):
        return [pool[0].id]
    if "first" in which and (pool[-1].placed_at or len(pool) == 1):
        return [pool[-1].id]
    return []
