"""Every fact a response may have, as it looks in service, with values from wide random pools.

`sample` draws one, `sample_facts` several that agree with each other: the lines are those of the order, the total is
their sum, a gift card that is too short has less than is needed. How a reply says them is not known here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from training.corpus import goods, people
from training.corpus.people import person
from training.corpus.pools import pattern, pick, some
from training.corpus.scene import Order, Scene, bullets, numbered
from training.corpus.shops import Shop, date, draw_shop, money, order_number

__all__ = ["NAMES", "Shop", "date", "draw_shop", "money", "order_number", "person", "sample", "sample_facts", "title"]


def title(rng: random.Random, shop: Shop) -> str:
    """A product's name in the words of the shop's trade."""
    return goods.title(rng, shop.trade, shop.brands, shop.language, shop.case)


def sample(name: str, rng: random.Random, shop: Shop) -> str:
    """One fact by itself. KeyError for a name that no response uses."""
    return sample_facts((name,), rng, shop)[name]


def sample_facts(names: Iterable[str], rng: random.Random, shop: Shop, response: str = "") -> dict[str, str]:
    """Facts that belong together. `response` (without `utter_`) narrows what depends on it, such as an order's status."""
    wanted = list(names)
    facts = _Facts(rng, shop, frozenset(wanted), response.removeprefix("utter_"))
    return {name: _SAMPLERS[name](facts) for name in wanted}


class _Facts(Scene):
    """The scene of one act, with the names of all its facts."""

    def __init__(self, rng: random.Random, shop: Shop, names: frozenset[str], response: str) -> None:
        super().__init__(rng, shop)
        self.names, self.response = names, response

    def one(self, pool: str) -> str:
        return pattern(str(self.rng.choice(self.pool("shop")[pool])), self.rng)

    def part(self) -> str:
        """All of the order's money, or some of it."""
        return self.money(round(self.order.total * self.rng.choice([1, 1, 0.5, self.rng.uniform(0.05, 1)])))

    def products(self) -> str:
        found = [self.new_product() for _ in range(self.rng.randint(1, 4))]
        return numbered([f"{p.title}, {self.price_text(p)}" for p in found])

    @cached_property
    def sides(self) -> list[str]:
        """Two requests of which only one is possible."""
        return [str(side) for side in self.rng.sample(self.pool("shop")["request_sides"], 2)]

    @cached_property
    def there(self) -> int:
        return self.few()

    @cached_property
    def needed(self) -> int:
        """What a gift card would have to hold."""
        return max(100, self.order.total)

    def method(self, card: bool = False) -> str:
        return self.one("gift_cards") if card else self.rng.choice(self.methods)


def _order_number(f: _Facts) -> str:
    more = f.response == "either" and f.rng.random() < 0.15
    return f"{f.order.number}, {order_number(f.rng, f.shop)}" if more else f.order.number


_NEVER = {"refused_cancel_not_pending": {"pending"}, "refused_change_not_pending": {"pending"},
          "refused_return_not_delivered": {"delivered"}, "refused_exchange_not_delivered": {"delivered"}}


def _status(f: _Facts) -> str:
    if "case_number" in f.names:
        return f.one("case_statuses")
    if "expected" in f.names:
        return "pending"
    never = _NEVER.get(f.response, set())
    return f.order.status if f.order.status not in never else f.rng.choice(
        [s for s in f.pool("shop")["statuses"] if s not in never])


def _lines(f: _Facts) -> str:
    after = f" ({f.order.number})" if f.response in ("total_of", "total_back") else ""
    between = ": " if f.response == "cart_contents" else ", "
    return bullets([f.line_text(line, between) + after for line in f.order.lines])


def _several(f: _Facts, least: int = 1) -> list[Order]:
    orders = [f.order, *(f.new_order() for _ in range(f.number_of(least - 1, 7)))]
    f.rng.shuffle(orders)
    return orders


def _orders(f: _Facts) -> str:
    if f.response == "order_history" or (not f.response and f.rng.random() < 0.4):
        return bullets([f"{f.order_text(o, placed=True)}, {f.money(o.total)}" for o in _several(f)])
    return bullets([f.order_text(o) for o in _several(f)])


def _choices(f: _Facts) -> str:
    kind = ("lines" if "phrase" in f.names else "variants" if "title" in f.names else
            "addresses" if f.response else f.rng.choice(["lines", "variants", "addresses"]))
    if kind == "variants":
        return numbered([f"{', '.join(v.options.values()) or f.product.title} ({f.money(v.units)})"
                         for v in f.product.variants])
    if kind == "addresses":
        return numbered([people.address(f.rng, f.shop.language) for _ in range(f.number_of(2, 4))])
    found = []
    for order in _several(f, least=2):
        line = order.lines[0]
        options = f" ({', '.join(line.options.values())})" if line.options else " ()"
        found.append(f"{line.title}{options}, {f.money(line.units)}, order {order.number}")
    return numbered(found)


def _missing(f: _Facts) -> str:
    pools = {"ask_identity_rest": ("identity_parts", " and ", 2), "ask_address_rest": ("address_parts", ", ", 3),
             "refused_address_incomplete": ("address_fields", ", ", 3)}
    pool, between, most = pools.get(f.response) or f.rng.choice(list(pools.values()))
    return between.join(some(f.rng, f.pool("shop")[pool], 1, most))


def _wish(f: _Facts) -> str:
    """What no variant has: option and value, only the option, a price, or words that name no option at all."""
    options = [f"{o} {f.rng.choice(v)}" for o, v in f.product.options.items() if o != "pack"]
    if f.response in ("wish_unknown", "no_such_value") or not options:
        return pick(f.rng, f.pool("shop")["colours_wished"])
    if f.response == "not_available":
        return "; ".join(some(f.rng, options, 1, 3))
    kind = f.rng.random()
    if kind < 0.15:
        return f.one("wishes_by_price")
    return f.rng.choice(list(f.product.options)) if kind < 0.25 else ", ".join(some(f.rng, options, 1, 3))


def _kind(f: _Facts) -> str:
    if "case_number" in f.names:
        return f.one("case_kinds")
    return f.one("line_ends" if f.response == "extreme_line" or "line" in f.names else "price_ends")


def _methods(f: _Facts) -> str:
    offered = f.response in ("ask_refund_method", "ask_difference_method", "ask_new_method") or (
        not f.response and f.rng.random() < 0.5)
    return (" or " if offered else ", ").join(f.methods)


def _reasons(f: _Facts) -> str:
    reasons = f.rng.choice(f.pool("shop")["reasons"])
    return (", " if f.response == "refused_reason_not_accepted" else " or ").join(reasons)


def _balances(f: _Facts) -> str:
    cards = [f.one("gift_cards") for _ in range(f.rng.choice([1, 1, 1, 2, 3]))]
    return ", ".join(f"{card}: {money(f.rng, f.shop)}" for card in dict.fromkeys(cards))


def _fact(f: _Facts) -> str:
    told = [f"{name}: {value}" for name, value in f.product.attributes.items()]
    return f.rng.choice([*told, *f.values(f.product)])


def _rows(f: _Facts) -> str:
    products = [f.product, *(f.new_product() for _ in range(f.rng.choice([1, 1, 2])))]
    return bullets([f"{p.title}: {f.price_text(p)}" + "".join(f", {k} {v}" for k, v in p.attributes.items())
                    for p in products])


def _count(f: _Facts) -> str:
    return str(f.rng.choice([1, 2, 3, 7, 12, 48, f.rng.randrange(1, 400)]) if f.response == "opinions" or
               "rating" in f.names else len(f.product.variants))


def _side_money(f: _Facts) -> str:
    said = [f"you get back {f.part()}", f"you get back {f.part()}", f"you pay {money(f.rng, f.shop)}", "no money moves"]
    return f.rng.choice(said)


def _tracking(f: _Facts) -> str:
    return ", ".join(f.one("tracking") for _ in range(f.rng.choices([1, 2, 3], [88, 9, 3])[0]))


def _ended_on(f: _Facts) -> str:
    return f.later(10, 60).isoformat() if f.rng.random() < 0.6 else f.date(f.later(10, 60))


def _amount(f: _Facts) -> str:
    return f.money(f.needed if "balance" in f.names else max(1, f.order.total))


def _category(f: _Facts) -> str:
    return str(f.rng.choice(f.pool("trades")[f.shop.trade]["categories"]))


def _full_name(f: _Facts) -> str:
    return " ".join(f.customer)


_SAMPLERS: Mapping[str, Callable[[_Facts], str]] = {
    # the order
    "order_number": _order_number,
    "status": _status,
    "items": lambda f: ", ".join(line.title for line in f.order.lines),
    "others": lambda f: ", ".join(line.title for line in f.order.lines[1:]) or f.new_title(),
    "lines": _lines,
    "line": lambda f: f.line_text(f.order.lines[-1]),
    "orders": _orders,
    "total": lambda f: f.money(f.order.total),
    "tracking": _tracking,
    "carrier": lambda f: f.one("carriers"),
    "eta": lambda f: f.date(f.later(1, 21)),
    "delivered_on": lambda f: f.date(f.later(2, 12)),
    "placed_on": lambda f: f.date(f.placed),
    "ended_on": _ended_on,
    "days": lambda f: f.one("window_days"),
    "minutes": lambda f: f.one("window_minutes"),
    "quantity": lambda f: str(f.there + f.rng.randint(1, 9) if "available" in f.names else f.there + 1),
    "available": lambda f: str(f.there),
    "gone": lambda f: ", ".join(line.title for line in some(f.rng, f.order.lines, 1, 3)),
    "category": _category,
    # money
    "refund": lambda f: f.part(),
    "charge": lambda f: f.money(round(f.order.total * f.rng.uniform(0.02, 0.6))),
    "refunded": lambda f: f.part(),
    "expected": lambda f: f.part(),
    "amount": _amount,
    "balance": lambda f: f.money(round(f.needed * f.rng.uniform(0.02, 0.95))),
    "balances": _balances,
    "first": lambda f: f.sides[0],
    "second": lambda f: f.sides[1],
    "first_money": _side_money,
    "second_money": _side_money,
    "refund_method": lambda f: f.method(),
    "charge_method": lambda f: f.method(),
    "refund_timing": lambda f: f.one("timings"),
    "method": lambda f: f.method(),
    "methods": _methods,
    "allowed": lambda f: ", ".join(f.methods),
    "label": lambda f: f.method(card="balance" in f.names),
    # the product
    "title": lambda f: f.product.title,
    "other": lambda f: f.new_title(),
    "current": lambda f: ", ".join(f.order.lines[0].options.values()) or f.order.lines[0].title,
    "options": lambda f: ", ".join(f.order.lines[0].options.values()) or f.order.lines[0].title,
    "choices": _choices,
    "phrase": lambda f: pick(f.rng, f.pool("texts")["phrases"]),
    "wish": _wish,
    "kind": _kind,
    "price": lambda f: f.price_text(f.product),
    "products": lambda f: f.products(),
    "variant": lambda f: f.variant_line(f.product.variants[0]),
    "variants": lambda f: bullets([f.variant_line(v) for v in f.product.variants]),
    "values": lambda f: bullets(f.values(f.product)) or f"• {f.product.title}",
    "rows": _rows,
    "description": lambda f: goods.description(f.rng, f.shop.language),
    "fact": _fact,
    "count": _count,
    "rating": lambda f: f"{f.rng.choice([f.rng.uniform(1, 5), f.rng.uniform(3.5, 5)]):.1f}",
    "quotes": lambda f: bullets([f.review() for _ in range(f.rng.choice([1, 2, 2, 3]))]),
    # the customer and the talk
    "first_name": lambda f: f.customer[0],
    "name": _full_name,
    "email": lambda f: people.email(f.rng, *f.customer, f.shop.language),
    "phone": lambda f: people.phone(f.rng, f.shop.language),
    "address": lambda f: people.address(f.rng, f.shop.language),
    "missing": _missing,
    "reasons": _reasons,
    "flow_name": lambda f: f.one("flows"),
    "case_number": lambda f: f.one("case_numbers"),
    "due": lambda f: f.date(f.later(1, 9)),
    "answer": lambda f: pick(f.rng, f.pool("texts")["answers"]),
}
NAMES = frozenset(_SAMPLERS)
