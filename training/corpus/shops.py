"""A shop as one example knows it: what stays the same while its orders, products and customers are drawn."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date as Day
from datetime import timedelta

from training.corpus.goods import brand
from training.corpus.pools import data, pattern

_FIRST_DAY = Day(2023, 1, 1)


@dataclass(frozen=True, slots=True)
class Shop:
    """`money`, `date` and `order` are the ways it writes them, in the notation of facts/money.yml and facts/shop.yml."""

    language: str
    currency: str
    money: str
    date: str
    order: str
    hash: bool
    trade: str
    brands: tuple[str, ...]
    case: str  # how titles are written: "as is", "lower", "upper"


def draw_shop(rng: random.Random, language: str = "en") -> Shop:
    """Half of all shops write money and dates as the assistant itself does."""
    currencies = data(language, "facts/money")["currencies"]
    currency = rng.choices(list(currencies), [c["weight"] for c in currencies.values()])[0]
    ways, dates = currencies[currency]["ways"], data(language, "facts/money")["dates"]
    order = rng.choice(data(language, "facts/shop")["order_numbers"])
    return Shop(
        language=language,
        currency=currency,
        money=ways[0] if rng.random() < 0.5 else rng.choice(ways),
        date=dates[0] if rng.random() < 0.5 else rng.choice(dates),
        order=order,
        hash=not order.startswith("\\#") and rng.random() < data(language, "facts/shop")["hash_first"],
        trade=rng.choice(list(data(language, "facts/trades"))),
        brands=tuple(brand(rng, language) for _ in range(rng.randint(1, 5))),
        case=rng.choices(["as is", "lower", "upper"], [90, 7, 3])[0],
    )


def order_number(rng: random.Random, shop: Shop) -> str:
    return ("#" if shop.hash else "") + pattern(shop.order, rng)


def amount(rng: random.Random, shop: Shop) -> int:
    """A price of the shop's trade, in the currency's smallest coin."""
    rules = data(shop.language, "facts/money")["currencies"][shop.currency]
    low, high = data(shop.language, "facts/trades")[shop.trade]["price"]
    units = low * (high / low) ** rng.random() * rules["rate"]
    if rules["places"] == 0:
        return max(1, round(units / 10) * 10)
    cents = rng.choice([0, 50, 90, 95, 99, rng.randrange(100), rng.randrange(100), rng.randrange(100)])
    return max(1, int(units)) * 100 + int(cents)


def money_text(units: int, shop: Shop) -> str:
    """An amount in the smallest coin as this shop writes it."""
    places = data(shop.language, "facts/money")["currencies"][shop.currency]["places"]
    comma = f"{units / 10**places:,.{places}f}"
    point = comma.replace(",", " ").replace(".", ",")
    return shop.money.format(n=comma, p=point.replace(" ", "."), s=point)


def money(rng: random.Random, shop: Shop) -> str:
    return money_text(amount(rng, shop), shop)


def day(rng: random.Random) -> Day:
    return _FIRST_DAY + timedelta(days=rng.randrange(1800))


def date_text(moment: Day, shop: Shop) -> str:
    names = data(shop.language, "facts/money")
    month = names["months"][moment.month - 1]
    return str(shop.date).format(
        d=moment.day, dd=f"{moment.day:02}", m=moment.month, mm=f"{moment.month:02}", mon=month[:3], month=month,
        y=moment.year, wd=names["weekdays"][moment.weekday()])


def date(rng: random.Random, shop: Shop) -> str:
    return date_text(day(rng), shop)
