"""Invents what customers did on the site, in newsletters and on social media, in line with tastes and orders.

Every ordered line is a purchase that somebody searched, clicked, viewed and put in the cart before. It knows orders
only as native rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.demo import source
from bot.demo.catalogue import Item
from bot.demo.orders import stamp
from bot.demo.people import Person

# campaign → (where it ran, departments it is about)
_CAMPAIGNS = {
    "trail-season": ("newsletter", ("Shoes", "Jackets", "Sport & Yoga")),
    "first-coffee": ("instagram", ("Coffee & Tea", "Kitchen")),
    "dark-evenings": ("newsletter", ("Lighting", "Bike Accessories")),
    "tent-weekend": ("instagram", ("Camping", "Bags & Backpacks")),
    "back-to-desk": ("search-ads", ("Home Office", "Audio & Gadgets")),
    "small-gardens": ("pinboard", ("Garden", "Home & Living")),
}
_BROWSING_DAYS = 150


def invent_interactions(people: Sequence[Person], orders: Sequence[Mapping[str, Any]], catalogue: Mapping[str, Item],
                        midnight: datetime, seed: int) -> list[dict[str, Any]]:
    """interactions.jsonl in order of time."""
    by_department: dict[str, list[Item]] = {}
    for item in catalogue.values():
        by_department.setdefault(item.department, []).append(item)
    events: list[dict[str, Any]] = []
    for order in orders:
        events += _shopping(order, catalogue, source.randomness(seed, "shopping", order["id"]))
    for person in people:
        chance = source.randomness(seed, "browsing", person.id)
        for session in range(chance.randint(1, 5)):
            start = midnight - timedelta(minutes=chance.randint(60, _BROWSING_DAYS * 24 * 60))
            events += _browsing(person, f"S{person.id[1:]}-{session + 1}", by_department, start, chance)
    events.sort(key=lambda event: (event["at"], event["session_id"]))
    return [{"id": f"I{index:06d}", **event} for index, event in enumerate(events, start=1)]


def _event(kind: str, session: str, customer: str, at: datetime, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"customer_id": customer, "session_id": session, "event": kind, "product_id": None,
                           "query": None, "campaign_id": None, "experiment": None, "source": "site", "at": stamp(at)}
    return row | fields


def _shopping(order: Mapping[str, Any], catalogue: Mapping[str, Item], chance: random.Random
              ) -> Iterator[dict[str, Any]]:
    session, customer = f"S{order['id']}", order["customer_id"]
    at = bought = datetime.fromisoformat(order["placed_at"])
    for line in order["lines"]:
        item = catalogue[line["product_id"]]
        at = bought - timedelta(minutes=chance.randint(4, 55))
        if chance.random() < 0.5:
            yield _event("search", session, customer, at, query=_query(item, chance))
        for kind in ("click", "view", "cart"):
            at = min(at + timedelta(seconds=chance.randint(5, 70)), bought)
            yield _event(kind, session, customer, at, product_id=item.id)
        yield _event("purchase", session, customer, bought, product_id=item.id)
    for request in order["returns"]:
        back = datetime.fromisoformat(order["delivered_at"]) + timedelta(hours=chance.randint(1, 4))
        for returned in request["lines"]:
            product = next(line["product_id"] for line in order["lines"] if line["id"] == returned["line_id"])
            yield _event("return", session, customer, back, product_id=product)


def _browsing(person: Person, session: str, by_department: Mapping[str, list[Item]], start: datetime,
              chance: random.Random) -> Iterator[dict[str, Any]]:
    """One visit without a purchase: it begins with a search, a campaign or the home page."""
    department = chance.choices(person.tastes, (5, 3, 2))[0]
    items = by_department[department]
    shared: dict[str, Any] = {}
    campaign = next((name for name, (_, about) in _CAMPAIGNS.items() if department in about), None)
    if campaign and chance.random() < 0.3:
        shared = {"campaign_id": campaign, "source": _CAMPAIGNS[campaign][0]}
    elif chance.random() < 0.25:
        arm = chance.choice(("control", "profile"))
        shared = {"experiment": {"name": "home-ranking", "arm": arm, "propensity": 0.5}}
    at = start
    if not shared and chance.random() < 0.7:
        yield _event("search", session, person.id, at, query=_query(chance.choice(items), chance))
    for item in chance.choices(items, [item.appeal for item in items], k=chance.randint(2, 6)):
        for kind, likelihood in (("impression", 1.0), ("click", 0.55), ("view", 0.95), ("like", 0.2), ("share", 0.12),
                                 ("cart", 0.25)):
            if chance.random() > likelihood:
                if kind == "click":
                    break       # nobody sees a product page without a click
                continue
            at += timedelta(seconds=chance.randint(4, 95))
            yield _event(kind, session, person.id, at, product_id=item.id, **shared)


def _query(item: Item, chance: random.Random) -> str:
    """What somebody who ends up at this item may have typed."""
    typed = chance.choice([*item.searches, *item.searches, item.leaf.lower(), str(item.product["title"]).lower()])
    if chance.random() < 0.12 and len(typed) > 6:
        spot = chance.randrange(1, len(typed) - 1)
        typed = typed[:spot] + typed[spot + 1:]       # a typo
    return typed
