"""Invents the shop's customers: names, addresses with postcodes of the right shape, payment methods and tastes.

It knows which departments exist, but nothing of orders. E-mail addresses lie in example.com, and phone numbers in
ranges kept free for fiction wherever a country has one.
"""

from __future__ import annotations

import random
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.demo import source
from bot.demo.catalogue import money

CUSTOMERS = 225
FIRST_INVENTED = 1004       # C1001 to C1003 are the demo customers, who are written by hand


@dataclass(frozen=True, slots=True)
class Person:
    """A native customer and the departments this customer likes, favourite first."""

    customer: dict[str, Any]
    tastes: tuple[str, ...]

    @property
    def id(self) -> str:
        return str(self.customer["id"])

    @property
    def country(self) -> str:
        return str(self.customer["address"]["country"])

    def methods(self, *kinds: str) -> list[dict[str, Any]]:
        """The payment methods of these kinds."""
        return [method for method in self.customer["payment_methods"] if method["kind"] in kinds]


def invent_people(departments: Sequence[str], seed: int) -> list[Person]:
    """As many customers as the shop has, besides the ones written by hand."""
    emails: set[str] = set()
    return [_person(FIRST_INVENTED + index, departments, emails, seed) for index in range(CUSTOMERS - 3)]


def _person(number: int, departments: Sequence[str], emails: set[str], seed: int) -> Person:
    chance = source.randomness(seed, "customer", str(number))
    people = source.read("people")
    origin = chance.choice(people["names"])
    first, last = chance.choice(origin["first"]), chance.choice(origin["last"])
    address, phone = _home(chance)
    customer = {
        "id": f"C{number}",
        "first_name": first,
        "last_name": last,
        "email": _email(first, last, emails),
        "phone": phone if chance.random() < 0.9 else None,
        "locale": "en",
        "address": address,
        "payment_methods": _payment_methods(number, chance),
    }
    return Person(customer, tuple(chance.sample(list(departments), 3)))


def _home(chance: random.Random) -> tuple[dict[str, Any], str]:
    people = source.read("people")
    countries: dict[str, int] = people["country_weights"]
    country = chance.choices(list(countries), list(countries.values()))[0]
    places = people["places"][country]
    city, state, postcode, phone, _ = chance.choices(places, [place[4] for place in places])[0]
    street, number = chance.choice(people["streets"][country]), chance.randint(1, 1880 if country == "USA" else 140)
    after = country in ("Germany", "Netherlands")
    address = {
        "line1": f"{street} {number}" if after else f"{number} {street}",
        "line2": f"Apt {chance.randint(1, 48)}" if country in ("USA", "Canada") and chance.random() < 0.35 else None,
        "city": city,
        "state": state,
        "postcode": filled(postcode, chance),
        "country": country,
    }
    return address, filled(phone, chance)


def filled(pattern: str, chance: random.Random) -> str:
    """The pattern with every # a digit and every @ a letter that postcodes use."""
    letters = [letter for letter in string.ascii_uppercase if letter not in "CDFIKMOQUVWZ"]
    return "".join(str(chance.randint(0, 9)) if sign == "#" else chance.choice(letters) if sign == "@" else sign
                   for sign in pattern)


def _email(first: str, last: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower().replace("ø", "o").replace("ß", "ss"))
    name = "".join(sign for sign in plain if sign.isascii() and (sign.isalnum() or sign in ".-"))
    number, email = 1, f"{name}@example.com"
    while email in taken:
        number += 1
        email = f"{name}{number}@example.com"
    taken.add(email)
    return email


def _payment_methods(number: int, chance: random.Random) -> list[dict[str, Any]]:
    methods: list[dict[str, Any]] = []

    def add(kind: str, label: str, balance: Decimal | None = None) -> None:
        method = {"id": f"PM{number}{len(methods) + 1}", "kind": kind, "label": label}
        methods.append(method | ({"balance": money(balance)} if balance is not None else {}))

    for _ in range(chance.choices((0, 1, 2), (15, 65, 20))[0]):
        brand = chance.choices(("visa", "mastercard", "amex", "discover"), (5, 4, 1, 1))[0]
        add("credit_card", f"{brand} ending {chance.randint(1000, 9999)}")
    if not methods or chance.random() < 0.4:
        add("paypal", "PayPal")
    if chance.random() < 0.3:
        balance = Decimal(chance.choice((0, 8, 15, 20, 25, 40, 50, 75, 100, 150, 250)))
        balance += Decimal(chance.choice((0, 0, 35, 50, 90))) / 100
        add("gift_card", f"gift card ending {filled('@#@#', chance)}", balance)
    return methods
