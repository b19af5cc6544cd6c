"""Invented people of many origins and where they live. Knows nothing of what they bought."""

from __future__ import annotations

import random
import re
import unicodedata

from training.corpus.pools import data, pattern


def person(rng: random.Random, language: str = "en") -> tuple[str, str]:
    """First and last name; one in five mixes two origins."""
    pool = data(language, "facts/people")
    origin = rng.choice(pool["names"])
    other = rng.choice(pool["names"]) if rng.random() < 0.2 else origin
    first, last = str(rng.choice(origin["first"])), str(rng.choice(other["last"]))
    style = rng.random()
    if style < 0.06:
        first = f"{first} {rng.choice(pool['initials'])}"
    elif style < 0.1:
        first = f"{first}-{rng.choice(origin['first'])}"
    elif style < 0.14:
        last = f"{last}-{rng.choice(pool['names'])['last'][0]}"
    return first, last


def email(rng: random.Random, first: str, last: str, language: str = "en") -> str:
    one, two = _plain(first), _plain(last)
    local = rng.choice([f"{one}.{two}", f"{one}{two}", f"{one[:1]}{two}", f"{two}.{one}", f"{one}_{two[:1]}",
                        f"{one}{rng.randrange(10, 99)}", f"{one}.{two}+shop", two])
    return f"{local}@{rng.choice(data(language, 'facts/people')['domains'])}"


def _plain(name: str) -> str:
    base = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", base) or "me"


def phone(rng: random.Random, language: str = "en") -> str:
    return pattern(rng.choice(data(language, "facts/people")["phones"]), rng)


def address(rng: random.Random, language: str = "en") -> str:
    """One line, in the order of its country."""
    place = rng.choice(data(language, "facts/people")["addresses"])
    city, region, postcode = rng.choice(place["cities"])
    country = rng.choice(place["countries"])
    unit = pattern(rng.choice(place["units"]), rng) if rng.random() < 0.4 else ""
    if unit and "}{u}" in place["pattern"] and unit[0] not in " -/":
        unit = f", {unit}"
    number = str(rng.choice([rng.randrange(1, 99), rng.randrange(1, 999), rng.randrange(1, 9999)]))
    line = place["pattern"].format(
        n=number, s=rng.choice(place["streets"]), u=unit, c=city, r=region, p=pattern(postcode, rng),
        k=f", {country}" if country else "")
    line = re.sub(r",(?=,)", "", re.sub(r"\s+", " ", line))
    return re.sub(r" ,", ",", line).strip(" ,")
