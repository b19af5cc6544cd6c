"""Shop traffic as data/traffic.yml describes it, about a store's real orders and products: every intent, every flow.

It writes what customers say and judges what they were answered; it knows no clock, no door and no engine.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from benchmarks.demo_folder import ROOT

DATA = ROOT / "benchmarks" / "data"
MIX = DATA / "traffic.yml"
QUESTIONS = DATA / "demo_questions.jsonl"
_ASKED = {"policy": "policy", "search": "product_search", "question": "product_question", "reference": "reference"}
# What a customer answers when the assistant asks for one of these.
ANSWERS = {"payment_method": "the way I paid", "confirmation": "yes please", "reason": "no longer needed",
           "items": "all of it"}
MAX_ANSWERS = 4
MOST_ORDERS = 20_000
# Replies that stand for no answer: something failed inside, or took too long.
APOLOGIES = frozenset({"utter_internal_error", "utter_turn_timeout", "utter_llm_failed"})
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """`lines` are said one after the other; a request goes on answering until nothing is asked any more."""

    kind: str
    lines: tuple[str, ...]
    customer_id: str | None = None  # whom the shop's site has signed in
    request: bool = False
    expect: tuple[str, ...] = ()

    def served(self, responses: Iterable[str]) -> bool:
        """Whether the right kind of reply was among the responses given."""
        given = set(responses)
        fits = not self.expect or any(part in name for part in self.expect for name in given)
        return bool(given) and not given & APOLOGIES and fits


def mix(source: Path, count: int, seed: int = 1) -> list[Conversation]:
    """`count` conversations in a fixed random order; no order is used by two of them that change something."""
    chance, kinds = random.Random(seed), _kinds()
    shop = _Shop(source, chance)
    found = [conversation for kind, share in _shares(kinds, count).items()
             for conversation in _conversations(kind, kinds[kind], share, shop)]
    chance.shuffle(found)
    return found


def each_kind(source: Path, seed: int = 1) -> list[Conversation]:
    """One conversation of every kind."""
    shop = _Shop(source, random.Random(seed))
    return [conversation for kind, how in _kinds().items() for conversation in _conversations(kind, how, 1, shop)]


@cache
def _kinds() -> Mapping[str, Record]:
    kinds: Mapping[str, Record] = yaml.safe_load(MIX.read_text(encoding="utf-8"))["kinds"]
    assert sum(how["weight"] for how in kinds.values()) == 100, f"the weights in {MIX} must be percents"
    return kinds


def _shares(kinds: Mapping[str, Record], count: int) -> dict[str, int]:
    """Whole numbers as near to the weights as can be (largest remainders)."""
    exact = {kind: how["weight"] * count / 100 for kind, how in kinds.items()}
    shares = {kind: int(share) for kind, share in exact.items()}
    left = sorted(exact, key=lambda kind: shares[kind] - exact[kind])[:count - sum(shares.values())]
    return {kind: share + (kind in left) for kind, share in shares.items()}


def _conversations(kind: str, how: Record, count: int, shop: _Shop) -> Iterator[Conversation]:
    for _ in range(count):
        words = shop.words(how)
        signed = words.get("customer_id") if how.get("signed") else None
        yield Conversation(kind, tuple(line.format_map(_Asked(words, shop)) for line in how["lines"]), signed,
                           bool(how.get("request")), tuple(how.get("expect", ())))


class _Asked(dict[str, str]):
    """Fills {policy}, {search} … with the next question of the kind; the rest is there already."""

    def __init__(self, words: Mapping[str, str], shop: _Shop) -> None:
        super().__init__(words)
        self._shop = shop

    def __missing__(self, name: str) -> str:
        return str(next(self._shop.questions[_ASKED[name]])["query"])


class _Shop:
    """A store's own files, and what has been used of them."""

    def __init__(self, source: Path, chance: random.Random) -> None:
        self._products = {row["id"]: row for row in _read(source / "products.jsonl")}
        self._customers = {row["id"]: row for row in _read(source / "customers.jsonl")}
        orders = _some(source / "orders.jsonl", chance)
        by_status = {status: [o for o in orders if o["status"] == status] for status in {o["status"] for o in orders}}
        self._once = {status: iter(found) for status, found in by_status.items()}
        self._orders = {status: cycle(reversed(found)) for status, found in by_status.items()}
        asked = list(_read(QUESTIONS))
        chance.shuffle(asked)
        self.questions = {kind: cycle([row for row in asked if row["kind"] == kind]) for kind in _ASKED.values()}
        self._titles = cycle(sorted(row["title"] for row in self._products.values()))

    def words(self, how: Record) -> dict[str, str]:
        """What fills the lines' places. Raises ValueError where the store has no such orders left."""
        if "order" in how:
            orders = (self._once if how.get("request") else self._orders)[how["order"]]
            found = next((words for order in orders if (words := self._about(order, how["lines"]))), None)
            if found is None:
                raise ValueError(f"the store has too few orders that are {how['order']}: ask for fewer conversations")
            return found
        if how.get("signed"):
            question = next(self.questions["reference"])
            return {"reference": question["query"], "customer_id": question["customer_id"]}
        return {}

    def _about(self, order: Record, lines: Sequence[str]) -> dict[str, str] | None:
        """None where the order does not have what the lines speak of."""
        customer, line = self._customers[order["customer_id"]], order["lines"][0]
        words = {"number": order["number"], "email": customer["email"], "title": line["title"],
                 "customer_id": customer["id"], "other_title": next(self._titles),
                 "wish": self._wish(line), "method": _method(order, customer)}
        needed = {name for name in words if any(f"{{{name}}}" in text for text in lines)}
        return words if all(words[name] for name in needed) else None

    def _wish(self, line: Record) -> str:
        """The one option in which another variant in stock differs."""
        for variant in self._products[line["product_id"]]["variants"]:
            other = {k: v for k, v in variant["options"].items() if line["options"].get(k) != v}
            if variant["stock"] > 0 and len(other) == 1:
                return str(next(iter(other.values())))
        return ""


def _method(order: Record, customer: Record) -> str:
    """A card or PayPal that the order was not paid with."""
    paid = {payment["method_id"] for payment in order["payments"]}
    return next((str(m["label"]) for m in customer["payment_methods"]
                 if m["id"] not in paid and m["kind"] != "gift_card"), "")


def _some(path: Path, chance: random.Random) -> list[Record]:
    """Rows in random order; of a big file only some, so that the client stays small."""
    with path.open(encoding="utf-8") as file:
        lines = file.readlines()
    return [json.loads(line) for line in chance.sample(lines, min(len(lines), MOST_ORDERS))]


def _read(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file)
