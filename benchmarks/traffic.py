"""Shop traffic for measuring: conversations of several kinds about a store's real orders and products.

It writes what customers say and answers what the assistant asks; it knows no clock and judges nothing but whether a
request got through.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.demo_folder import ROOT

QUESTIONS = ROOT / "benchmarks" / "data" / "demo_questions.jsonl"
# What a customer answers when the assistant asks for one of these.
ANSWERS = {"payment_method": "the way I paid", "confirmation": "yes please", "reason": "no longer needed",
           "items": "all of it"}
MAX_ANSWERS = 4
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """`opening` lines are said one after the other; a request goes on answering until nothing is asked any more."""

    kind: str
    opening: tuple[str, ...]
    customer_id: str | None = None
    request: bool = False


def traffic(source: Path, count: int, seed: int = 1) -> list[Conversation]:
    """`count` conversations in a fixed random order, equally many of each kind, no order used by two of them."""
    chance = random.Random(seed)
    products = {row["id"]: row for row in _read(source / "products.jsonl")}
    customers = {row["id"]: row for row in _read(source / "customers.jsonl")}
    orders = list(_read(source / "orders.jsonl"))
    chance.shuffle(orders)
    questions = {kind: chance.sample(rows, len(rows)) for kind, rows in _questions().items()}
    delivered, pending = _in_status(orders, "delivered"), _in_status(orders, "pending")
    streams: list[Iterator[Conversation]] = [
        _talks(questions["policy"]), _shopping(questions), _histories(questions["reference"]),
        _tracking(_in_status(orders, "shipped"), customers),
        _requests("return", delivered[::2], customers, products, _return_line),
        _requests("exchange", delivered[1::2], customers, products, _exchange_line),
        _requests("cancel", pending, customers, products, _cancel_line)]
    found = [conversation for stream in streams for conversation in islice(stream, -(-count // len(streams)))]
    chance.shuffle(found)
    return found[:count]


def _talks(questions: list[Record]) -> Iterator[Conversation]:
    for one, other in _pairs(questions):
        yield Conversation("policy", ("hi there", one["query"], other["query"], "thanks, bye"))


def _shopping(questions: Mapping[str, list[Record]]) -> Iterator[Conversation]:
    for search, question in zip(cycle(questions["product_search"]), cycle(questions["product_question"]), strict=False):
        yield Conversation("shopping", (search["query"], question["query"]))


def _tracking(orders: Iterable[Record], customers: Mapping[str, Record]) -> Iterator[Conversation]:
    for order in orders:
        number, email = order["number"], customers[order["customer_id"]]["email"]
        yield Conversation("tracking", (f"where is my order {number}?", email, "and what did I pay for it?"))


def _histories(questions: list[Record]) -> Iterator[Conversation]:
    for question in cycle(questions):
        yield Conversation("history", (f"when did I buy {question['query']}?",), question["customer_id"])


def _in_status(orders: Iterable[Record], status: str) -> list[Record]:
    return [order for order in orders if order["status"] == status]


def _requests(kind: str, orders: Iterable[Record], customers: Mapping[str, Record], products: Mapping[str, Record],
              words: Callable[[Record, Record], str | None]) -> Iterator[Conversation]:
    """About the first line of each order, where there are words for it."""
    for order in orders:
        if said := words(order, products[order["lines"][0]["product_id"]]):
            email = customers[order["customer_id"]]["email"]
            yield Conversation(kind, (f"Hello, my mail is {email}. {said}",), request=True)


def _return_line(order: Record, product: Record) -> str:
    return f"I'd like to return the {product['title']} from {order['number']}, it is not what I hoped for."


def _cancel_line(order: Record, product: Record) -> str:
    return f"Please cancel order {order['number']}, I don't need it any more."


def _exchange_line(order: Record, product: Record) -> str | None:
    """For the first other variant in stock that differs in one option."""
    line = order["lines"][0]
    for variant in product["variants"]:
        other = {k: v for k, v in variant["options"].items() if line["options"].get(k) != v}
        if variant["stock"] > 0 and len(other) == 1:
            wish = next(iter(other.values()))
            return f"Can I exchange the {product['title']} from {order['number']} for {wish} instead?"
    return None


def _pairs(rows: list[Record]) -> Iterator[tuple[Record, Record]]:
    yield from zip(cycle(rows[::2]), cycle(rows[1::2]), strict=False)


def _questions() -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for row in _read(QUESTIONS):
        found.setdefault(row["kind"], []).append(row)
    return found


def _read(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file)
