"""Writes the demo shop into a folder as native files and documents; it knows nothing of ingest.

The same seed and day give the same bytes. Dates lie relative to the day, so that "last week" works.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from bot.demo import source
from bot.demo.behaviour import invent_interactions
from bot.demo.catalogue import build_catalogue
from bot.demo.orders import OrderDesk, invent_orders
from bot.demo.people import invent_people
from bot.demo.pricing import invent_prices, price_rows
from bot.demo.reviews import invent_reviews
from bot.demo.stories import DEMO_CUSTOMERS, DemoCustomer, story_orders, story_people

NAME = "Larkfell"


@dataclass(frozen=True, slots=True)
class DemoShop:
    """What was written: where, and how much of each kind ("products" → 423)."""

    directory: Path
    documents: Path
    counts: Mapping[str, int]
    name: str = NAME
    customers: tuple[DemoCustomer, ...] = DEMO_CUSTOMERS

    @property
    def data_files(self) -> tuple[Path, ...]:
        """The native files, in an order in which they can be read in."""
        return tuple(self.directory / f"{kind}.jsonl" for kind in self.counts if kind != "documents")


def generate(directory: Path, seed: int = 7, today: date | None = None) -> DemoShop:
    """Write the shop into `directory` (made if missing). `today` is a UTC date, by default the current one."""
    midnight = datetime.combine(today or datetime.now(UTC).date(), time(), UTC)
    tables = _tables(seed, midnight)
    directory.mkdir(parents=True, exist_ok=True)
    counts = {kind: _write(directory / f"{kind}.jsonl", rows) for kind, rows in tables.items()}
    documents = directory / "documents"
    documents.mkdir(exist_ok=True)
    for page in source.documents():
        shutil.copyfile(page, documents / page.name)
    counts["documents"] = len(source.documents())
    return DemoShop(directory, documents, counts)


def _tables(seed: int, midnight: datetime) -> dict[str, Iterable[dict[str, Any]]]:
    catalogue = build_catalogue(seed)
    prices = invent_prices(catalogue, seed)
    desk = OrderDesk(midnight, prices)
    heroes = story_people()
    others = invent_people(sorted({item.department for item in catalogue.values()}), seed)
    told = story_orders(heroes, catalogue, desk, seed)
    orders = told + invent_orders(others, catalogue, desk, {order["number"] for order in told}, seed)
    return {
        "products": [item.product for item in catalogue.values()],
        "customers": [person.customer for person in (*heroes, *others)],
        "orders": sorted(orders, key=lambda order: (order["placed_at"], order["id"])),
        "reviews": invent_reviews(catalogue, midnight, seed),
        "prices": price_rows(catalogue, prices, midnight),
        "interactions": invent_interactions([*heroes, *others], orders, catalogue, midnight, seed),
        "answers": source.read("answers"),
        "cases": source.read("cases"),
    }


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count
