"""Invents product reviews: a rating, an opinion that fits it, a fact of the product, now and then a defect.

The sentences are hand-written per kind of product (data/reviews.yml); it knows nothing of who bought what.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.demo import source
from bot.demo.catalogue import Item
from bot.demo.orders import stamp

_RATINGS = {5: 44, 4: 27, 3: 12, 2: 9, 1: 8}
_REVIEWED_DAYS = 500


def invent_reviews(catalogue: Mapping[str, Item], midnight: datetime, seed: int) -> list[dict[str, Any]]:
    """reviews.jsonl: popular products have several, some have none."""
    rows: list[dict[str, Any]] = []
    for item in catalogue.values():
        chance = source.randomness(seed, "reviews", item.id)
        for _ in range(int(item.appeal * chance.uniform(0.1, 3.5))):
            at = midnight - timedelta(hours=chance.randint(12, _REVIEWED_DAYS * 24))
            review = _review(item, chance)
            rows.append({"id": f"R{len(rows) + 1:04d}", "product_id": item.id, **review, "at": stamp(at)})
    return rows


def _review(item: Item, chance: random.Random) -> dict[str, Any]:
    words = source.read("reviews")
    rating = chance.choices(list(_RATINGS), list(_RATINGS.values()))[0]
    own = words["departments"][item.department]
    tone = "good" if rating >= 4 else "mixed" if rating == 3 else "bad"
    body = [chance.choice(own[tone])]
    if rating <= 2 and chance.random() < 0.6:
        body.append(chance.choice(own["defects"]))
    elif chance.random() < 0.4:
        body.append(chance.choice(own["use"]))
    if chance.random() < 0.45:
        body.append(chance.choice(words["endings"][tone]))
    if chance.random() < 0.15:
        body.insert(0, chance.choice(words["openings"]))
    return {"rating": rating, "title": chance.choice(words["titles"][tone]), "text": " ".join(body)}
