"""Who a customer is, from what they say: complete claims that all match, or nobody.

It tells neither what was wrong nor whether anybody was close: a wrong postcode, a wrong order and an unknown name look
the same from outside. It counts no attempts; whoever talks to the customer does (`rules.identity.attempts`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from knowledge.keys import digits, folded, letters_and_digits
from knowledge.models import Customer, Order
from knowledge.orders.rules import Rules
from knowledge.ports import OrderBook

Claims = Mapping[str, str]
_OTHER_NAMES: Mapping[str, str] = MappingProxyType({"zip": "postcode", "zipcode": "postcode", "zip_code": "postcode",
                                                    "order": "order_number"})
_ADDRESSES = re.compile(r"[^\s,;|<>]+@[^\s,;|<>]+")


class IdentityService:
    """Finds the one customer that claims describe. Claims: email (several, apart by commas or spaces, are tried each),
    first_name, last_name, postcode, customer_id, order_number, phone."""

    def __init__(self, book: OrderBook, rules: Rules) -> None:
        self._book, self._rules = book, rules

    async def identify(self, claims: Claims) -> Customer | None:
        """The customer whom the claims name completely and without contradiction; None otherwise."""
        given = _tidied(claims)
        if not any(set(wanted) <= given.keys() for wanted in self._rules.identity.accept):
            return None
        order = await self._book.order_by_number(given["order_number"]) if "order_number" in given else None
        fitting = {c.id: c for c in await self._candidates(given, order) if self._fits(c, given, order)}
        return next(iter(fitting.values())) if self._unambiguous(fitting, given) else None

    def missing(self, claims: Claims) -> tuple[str, ...]:
        """Claims that would complete the way nearest to what was given; () when they are complete."""
        given = _tidied(claims).keys()
        started = [w for w in self._rules.identity.accept if set(w) & given] or list(self._rules.identity.accept[:1])
        nearest = min(started, key=lambda wanted: len(set(wanted) - given), default=())
        return tuple(name for name in nearest if name not in given)

    async def _candidates(self, given: Claims, order: Order | None) -> list[Customer]:
        found = [await self._book.customer_by_email(email) for email in _emails(given.get("email", ""))]
        if "customer_id" in given:
            key = given["customer_id"]
            found += [await self._book.customer(spelled) for spelled in dict.fromkeys((key, key.lower(), key.upper()))]
        if order is not None:
            found.append(await self._book.customer(order.customer_id))
        if "first_name" in given and "last_name" in given:
            found += await self._book.customers_by_name(given["first_name"], given["last_name"])
        return [c for c in found if c is not None]

    def _fits(self, customer: Customer, given: Claims, order: Order | None) -> bool:
        """No claim contradicts, and those of one accepted way are all confirmed."""
        checked = {name: _matches(name, value, customer, order) for name, value in given.items()}
        confirmed = {name for name, match in checked.items() if match}
        return False not in checked.values() and any(set(w) <= confirmed for w in self._rules.identity.accept)

    def _unambiguous(self, fitting: Mapping[str, Customer], given: Claims) -> bool:
        """One customer; where several e-mail addresses are tried, the first that fits, for each would do alone."""
        return len(fitting) == 1 or (len(fitting) > 1 and len(_emails(given.get("email", ""))) > 1)


def _matches(name: str, value: str, customer: Customer, order: Order | None) -> bool | None:
    """True, False, or None when we hold nothing to compare with."""
    match name:
        case "email":
            return customer.email is not None and folded(customer.email) in {folded(e) for e in _emails(value)}
        case "customer_id":
            return folded(customer.id) == folded(value)
        case "order_number":
            return order is not None and order.customer_id == customer.id
        case "postcode":
            return _postcode_matches(value, customer, order)
        case "phone":
            return _phones_match(value, customer.phone)
        case "first_name" | "last_name":
            held = getattr(customer, name)
            return None if held is None else _plain(held) == _plain(value)
    return None


def _postcode_matches(value: str, customer: Customer, order: Order | None) -> bool | None:
    """The customer's postcode, or that of the order they name, if it is theirs."""
    addresses = [customer.address, order.address if order and order.customer_id == customer.id else None]
    held = [a.postcode for a in addresses if a and a.postcode]
    return any(_same_postcode(value, h) for h in held) if held else None


def _same_postcode(a: str, b: str) -> bool:
    """Spaces, dashes and case do not count; a US ZIP+4 equals its ZIP."""
    one, other = letters_and_digits(a), letters_and_digits(b)
    if one.isdigit() and other.isdigit() and {len(one), len(other)} == {5, 9}:
        return one[:5] == other[:5]
    return bool(one) and one == other


def _phones_match(value: str, held: str | None) -> bool | None:
    """The last nine digits decide, for a country code may be left out. Fewer than seven prove nothing."""
    one, other = digits(value), digits(held)
    if len(one) < 7 or len(other) < 7:
        return None
    return one[-9:] == other[-9:] or one.endswith(other) or other.endswith(one.lstrip("0"))


def _plain(name: str) -> str:
    """Case, accents, apostrophes and dashes do not count: 'José O'Neil' is 'jose oneil'."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in letters if c.isalnum())


def _emails(text: str) -> list[str]:
    return [found.strip(".") for found in _ADDRESSES.findall(text)]


def _tidied(claims: Claims) -> dict[str, str]:
    """Known names, no empty values."""
    renamed = ((_OTHER_NAMES.get(name, name), value) for name, value in claims.items())
    return {name: value.strip() for name, value in renamed if value and value.strip()}
