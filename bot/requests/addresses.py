"""Addresses out of words: one written down, or one pointed at ("my default one", "like order W…", "the one in Texas")."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.requests.desk import Desk
from bot.requests.lexicon import Lexicon
from bot.requests.orders import choose_orders
from bot.requests.selection import order_homes
from knowledge.models import Address

_POSTCODE = re.compile(
    r"\b(\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2})\b"
)
STREET = re.compile(
    r"\b(\d{1,6}[A-Za-z]?\s+(?:[A-Z0-9][\w.'’-]*\s*){1,5}|[A-ZÄÖÜ][\w.-]*(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee)\s+\d+\w?)"
)
_UNIT = re.compile(r"\b((?:suite|apt\.?|apartment|unit|floor|flat|room|ste\.?|#)\s*[\w-]+)", re.IGNORECASE)
_STATE = re.compile(r"\b([A-Z]{2})\b")


def read_address(text: str, lexicon: Lexicon, country: str | None = None) -> Address | None:
    """A street address written in the text, with as much of it as is there; None when there is no street."""
    street = STREET.search(text)
    if not street:
        return None
    unit = _UNIT.search(text)
    line1 = street.group(1).strip(" ,")
    if unit and unit.start() < street.end():
        line1 = text[street.start() : unit.start()].strip(" ,")
    tail = text[max(street.start() + len(line1), unit.end() if unit else 0) :]
    postcode = None
    for found in _POSTCODE.finditer(tail):
        postcode = found
    state, state_at = _state(tail, lexicon)
    city = _city(tail, state_at, postcode)
    said_country = _country(tail, lexicon)
    return Address(
        line1=line1,
        line2=unit.group(1) if unit else None,
        city=city,
        state=state,
        postcode=postcode.group(1) if postcode else None,
        country=said_country or country,
    )


def _state(tail: str, lexicon: Lexicon) -> tuple[str | None, int | None]:
    states: dict[str, str] = lexicon.data.get("states", {})
    codes = set(states.values())
    for match in _STATE.finditer(tail):
        if match.group(1) in codes:
            return match.group(1), match.start()
    named = [
        (m.start(), code)
        for name, code in states.items()
        if len(name) > 2
        for m in re.finditer(rf"\b{name}\b", tail, re.IGNORECASE)
    ]
    if not named:
        return None, None
    at, code = max(named)
    return code, at


def _city(tail: str, state_at: int | None, postcode: re.Match[str] | None) -> str | None:
    """The words before state and postcode, after the last comma that is not empty."""
    ends = [e for e in (state_at, postcode.start() if postcode else None) if e is not None]
    before = tail[: min(ends)] if ends else tail
    parts = [re.sub(r"^(?:in|at|to|the)\s+", "", p.strip(), flags=re.IGNORECASE) for p in re.split(r"[,\n]", before)]
    names = [p for p in parts if re.fullmatch(r"[^\W\d_][\w .'’-]{1,40}", p) and len(p.split()) <= 4]
    if names:
        return names[-1]
    state_named = tail[state_at:].split(",")[0].strip() if state_at is not None and len(ends) > 1 else ""
    return state_named if len(state_named) > 2 else None


def _country(tail: str, lexicon: Lexicon) -> str | None:
    for name, code in lexicon.data.get("countries", {}).items():
        if re.search(rf"\b{re.escape(name)}\b", tail, re.IGNORECASE):
            return str(code)
    return None


def complete(address: Address, desk: Desk) -> Address:
    """Fill country, and a city or state left out, from an address of the customer with the same postcode."""
    known = [a for a in (desk.customer.address, *(o.address for o in desk.orders)) if a]
    twin = next((a for a in known if a.line1 and address.line1 and a.line1.lower() == address.line1.lower()), None)
    if twin is not None and not address.postcode:
        return twin
    same = next((a for a in known if a.postcode and a.postcode == address.postcode), None)
    if same:
        address = replace(
            address,
            city=address.city or same.city,
            state=address.state or same.state,
            country=address.country or same.country,
        )
    if address.city and address.state is None:
        twin = next((a for a in known if a.city and a.city.lower() == address.city.lower()), None)
        address = replace(address, state=twin.state if twin else _city_is_state(address.city, desk.lexicon))
    home = desk.customer.address
    alike = home is not None and (home.postcode or "").isdigit() == (address.postcode or "").replace("-", "").isdigit()
    country = address.country or (home.country if home is not None and (alike or not address.postcode) else None)
    return replace(address, country=country)


def _city_is_state(city: str, lexicon: Lexicon) -> str | None:
    code = lexicon.data.get("states", {}).get(city.lower())
    return str(code) if code else None


def missing_parts(address: Address) -> tuple[str, ...]:
    return tuple(part for part in ("line1", "city", "postcode") if not getattr(address, part))


def point_at(text: str, desk: Desk, current: Address | None) -> list[Address]:
    """Addresses of this customer that the text points at, other than `current`; best first."""
    lexicon = desk.lexicon
    found: list[Address] = []
    choice = choose_orders(text, desk)
    homes = choice.orders if choice.named else order_homes(text, desk)
    named = [o.address for o in desk.orders if o.id in homes and o.address]
    known = _distinct([a for a in (desk.customer.address, *(o.address for o in desk.orders)) if a])
    low = text.lower()
    by_street = [a for a in known if a.line1 and _without_number(a.line1).lower() in low and a.line1.lower() in low]
    by_place = [a for a in known if _place_said(a, low, lexicon)]
    if by_street:
        found = by_street
    elif by_place:
        default = desk.customer.address if lexicon.said(text, "address_default") else None
        found = [a for a in by_place if default is not None and same_address(a, default)] or by_place
    elif lexicon.said(text, "address_default") and desk.customer.address:
        found = [desk.customer.address]
    elif named:
        found = _distinct(named)
    elif desk.previous_address is not None and lexicon.said(text, "address_original"):
        found = [desk.previous_address]
    elif lexicon.said(text, "address_like_order") or lexicon.said(text, "address_reference"):
        found = known
    return [a for a in found if current is None or not same_address(a, current)]


def _without_number(line: str) -> str:
    return re.sub(r"^\d+\s*", "", line)


def _place_said(address: Address, low: str, lexicon: Lexicon) -> bool:
    names = {n.lower() for n in (address.city, address.postcode) if n}
    states: dict[str, str] = lexicon.data.get("states", {})
    names |= {k for k, v in states.items() if v == address.state and (len(k) > 2 or k in ("la", "dc"))}
    nicknames: dict[str, str] = lexicon.data.get("city_nicknames", {})
    names |= {n for n, city in nicknames.items() if address.city and city == address.city.lower()}
    names -= {"la"} if address.city and "los angeles" not in address.city.lower() else set()
    return any(re.search(rf"\b{re.escape(n)}\b", low) for n in names)


def same_address(one: Address, other: Address) -> bool:
    def key(a: Address) -> tuple[str, ...]:
        return tuple(
            (part or "").strip().lower() for part in (a.line1, a.line2, a.city, a.state, a.postcode, a.country)
        )

    return key(one) == key(other)


def _distinct(addresses: list[Address]) -> list[Address]:
    kept: list[Address] = []
    for address in addresses:
        if not any(same_address(address, k) for k in kept):
            kept.append(address)
    return kept


def address_text(address: Address | None) -> str:
    """One line: "445 Maple Drive, Suite 394, Fort Worth, TX 76165, USA"."""
    if address is None:
        return ""
    region = " ".join(p for p in (address.state, address.postcode) if p)
    return ", ".join(p for p in (address.line1, address.line2, address.city, region, address.country) if p)
