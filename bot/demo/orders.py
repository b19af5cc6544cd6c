"""Writes orders as the shop's system would have left them: lines, payments that add up, parcels, requests.

`OrderDesk.write` builds one order from a plan; `invent_orders` makes plans at random. Times are given as hours before
midnight (UTC) of the day the shop is generated for, so that "yesterday" and "last week" stay true.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.demo import source
from bot.demo.baskets import Shopper
from bot.demo.catalogue import Item, money
from bot.demo.people import Person, filled
from bot.demo.pricing import PriceBook

ORDERS = 690
_STATUSES = {"pending": 13, "processed": 10, "shipped": 12, "delivered": 44, "cancelled": 9, "return_requested": 7,
             "exchange_requested": 5}
# Hours between placing the order and now, by status: (shortest, longest).
_AGES = {"pending": (3, 40), "processed": (26, 80), "shipped": (48, 190), "delivered": (170, 12900),
         "cancelled": (30, 9000), "return_requested": (240, 1300), "exchange_requested": (240, 1300)}
_ARRIVED = ("delivered", "return_requested", "exchange_requested")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an order is to look like; what is left open is decided by chance."""

    person: Person
    status: str
    hours_ago: int
    lines: Sequence[tuple[Item, Mapping[str, Any], int]]       # item, variant, quantity
    number: str
    method_id: str | None = None
    parcel: Mapping[str, Any] = field(default_factory=dict)    # carrier, status, eta_days
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Turns plans into native orders."""

    midnight: datetime
    prices: PriceBook

    def write(self, plan: Plan, chance: random.Random) -> dict[str, Any]:
        """One native order."""
        placed = self.midnight - timedelta(hours=plan.hours_ago, minutes=chance.randint(0, 59))
        lines = [self._line(index, plan, *line) for index, line in enumerate(plan.lines, start=1)]
        total = sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), Decimal(0))
        payments = _payments(plan, total, chance)
        order: dict[str, Any] = {
            "id": plan.number.lstrip("#"),
            "number": plan.number,
            "customer_id": plan.person.id,
            "status": plan.status,
            "placed_at": stamp(placed),
            "currency": "USD",
            "address": plan.person.customer["address"],
            "lines": lines,
            "fulfillments": self._parcels(plan, placed, lines, chance),
            "payments": payments,
            "delivered_at": None,
            "items_changed": False,
            "cancel_reason": None,
            "returns": [],
            "exchanges": [],
        }
        if plan.status in _ARRIVED:
            self._deliver(order, placed, chance)
        self._finish(order, plan, chance)
        return order

    def _line(self, index: int, plan: Plan, item: Item, variant: Mapping[str, Any], quantity: int) -> dict[str, Any]:
        price = self.prices.price(item, variant, plan.hours_ago // 24)
        return {"id": f"L{index}", "product_id": item.id, "variant_id": variant["id"], "title": item.product["title"],
                "options": variant["options"], "quantity": quantity, "unit_price": money(price)}

    def _parcels(self, plan: Plan, placed: datetime, lines: list[dict[str, Any]], chance: random.Random
                 ) -> list[dict[str, Any]]:
        if plan.status in ("pending", "processed", "cancelled"):
            return []
        ids = [line["id"] for line in lines]
        split = len(ids) > 2 and not plan.parcel and chance.random() < 0.25
        groups = [ids[:1], ids[1:]] if split else [ids]
        return [self._parcel(plan, placed, group, chance) for group in groups]

    def _parcel(self, plan: Plan, placed: datetime, line_ids: list[str], chance: random.Random) -> dict[str, Any]:
        carriers = source.read("people")["carriers"]
        served = carriers.get(plan.person.country, carriers["other"])
        carrier, pattern = next((row for row in served if row[0] == plan.parcel.get("carrier")), chance.choice(served))
        status = "delivered"
        if plan.status == "shipped":
            status = chance.choices(("in_transit", "out_for_delivery", "delayed", "label_created"), (60, 15, 15, 10))[0]
        eta = placed + timedelta(days=chance.randint(3, 6))
        if plan.status == "shipped" and eta < self.midnight:
            eta = self.midnight + timedelta(days=chance.randint(0, 3))
        if "eta_days" in plan.parcel:
            eta = self.midnight + timedelta(days=int(plan.parcel["eta_days"]))
        return {"carrier": carrier, "tracking_number": filled(pattern, chance),
                "status": plan.parcel.get("status", status), "eta": eta.date().isoformat(), "line_ids": line_ids}

    def _deliver(self, order: dict[str, Any], placed: datetime, chance: random.Random) -> None:
        earliest = placed + timedelta(days=2)
        latest = min(placed + timedelta(days=7), self.midnight - timedelta(hours=5))
        delivered = earliest + (latest - earliest) * chance.random()
        order["delivered_at"] = stamp(delivered)
        for parcel in order["fulfillments"]:
            parcel["eta"] = delivered.date().isoformat()

    def _finish(self, order: dict[str, Any], plan: Plan, chance: random.Random) -> None:
        """What a cancellation, a return or an exchange leaves behind."""
        method = order["payments"][0]["method_id"]
        if plan.status == "cancelled":
            order["cancel_reason"] = plan.reason or chance.choice(("no longer needed", "ordered by mistake"))
            order["payments"] += [{**entry, "kind": "refund"} for entry in order["payments"]]
        elif plan.status == "return_requested":
            chosen = chance.sample(order["lines"], chance.randint(1, len(order["lines"])))
            order["returns"] = [{"lines": [{"line_id": line["id"], "quantity": line["quantity"]} for line in chosen],
                                 "refund_method_id": method}]
        elif plan.status == "exchange_requested":
            order["exchanges"] = _exchanges(order, plan, method)


def _payments(plan: Plan, total: Decimal, chance: random.Random) -> list[dict[str, Any]]:
    main = plan.method_id
    if main is None:
        main = chance.choice(plan.person.methods("credit_card", "paypal"))["id"]
        cards = plan.person.methods("gift_card")
        if cards and chance.random() < 0.3:
            part = (total * Decimal("0.4")).quantize(Decimal(1))
            if chance.random() < 0.75 or part < 1:
                main = cards[0]["id"]
            else:
                return [_payment(part, cards[0]["id"]), _payment(total - part, main)]
    return [_payment(total, main)]


def _payment(amount: Decimal, method_id: str) -> dict[str, Any]:
    return {"kind": "payment", "amount": money(amount), "method_id": method_id}


def _exchanges(order: dict[str, Any], plan: Plan, method: str) -> list[dict[str, Any]]:
    """The first line that can be swapped goes for another variant that is in stock."""
    for line, (item, _, _) in zip(order["lines"], plan.lines, strict=True):
        for variant in item.variants:
            if variant["id"] != line["variant_id"] and variant["stock"]:
                return [{"line_id": line["id"], "new_variant_id": variant["id"], "method_id": method}]
    raise LookupError(f"{order['number']}: no line of an exchange has another variant in stock")


def invent_orders(people: Sequence[Person], catalogue: Mapping[str, Item], desk: OrderDesk, taken: set[str], seed: int
                  ) -> list[dict[str, Any]]:
    """The bulk of the orders; `taken` are numbers already in use."""
    chance = source.randomness(seed, "orders")
    weights = [chance.choice((1, 1, 2, 3, 5)) for _ in people]
    buyers = [*people, *chance.choices(people, weights, k=ORDERS - len(people) - len(taken))]
    by_department: dict[str, list[Item]] = {}
    for item in catalogue.values():
        by_department.setdefault(item.department, []).append(item)
    shoppers = {person.id: Shopper.of(person, by_department, seed) for person in people}
    orders = []
    for person in buyers:
        status = chance.choices(list(_STATUSES), list(_STATUSES.values()))[0]
        number = _number(taken, chance)
        lines = shoppers[person.id].basket(chance, swappable=status == "exchange_requested")
        orders.append(desk.write(Plan(person, status, _age(status, chance), lines, number), chance))
    return orders


def _age(status: str, chance: random.Random) -> int:
    """Hours ago; old delivered orders are rarer than new ones."""
    low, high = _AGES[status]
    return int(low + (high - low) * chance.random() ** (1.7 if high > 5000 else 1))


def _number(taken: set[str], chance: random.Random) -> str:
    while (number := f"#W{chance.randint(2_000_000, 9_899_999)}") in taken:
        pass
    taken.add(number)
    return number


def stamp(moment: datetime) -> str:
    """As the native format writes times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
