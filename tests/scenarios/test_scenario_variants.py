"""Customers who choose a variant by what it is like: "bigger", "cheapest in stock", "if there is none … then …"."""

from __future__ import annotations

from collections.abc import Callable

from knowledge.models import Order, Variant
from tests.scenarios.books import DELIVERED, PENDING, Books, one_line
from tests.scenarios.talk import Talk

SignIn = Callable[..., Talk]


async def swapped(talk: Talk, number: str) -> list[str]:
    """Confirm, and the new variants of the exchange."""
    if talk.asked == "payment_method":
        await talk.say("original payment method")
    await talk.say("yes")
    return [e.new_variant_id for e in (await talk.order(number)).exchanges]


def words(variant: Variant) -> str:
    """All its options: "color oat, size 36-37"."""
    return ", ".join(f"{option} {value}" for option, value in variant.options.items())


def sized(books: Books, option: str, step: int) -> Callable[[Order], list[Variant]]:
    """Variants in stock that differ in a numeric option only, the nearest in this direction first."""
    def find(order: Order) -> list[Variant]:
        line = order.lines[0]
        if not line.options.get(option, "").isdigit():
            return []
        now = int(line.options[option])
        same = [v for v, said in books.near(line) if said.startswith(f"{option} ") and v.options[option].isdigit()]
        return sorted((v for v in same if (int(v.options[option]) - now) * step > 0),
                      key=lambda v: abs(int(v.options[option]) - now))
    return find


async def test_one_size_up(signed_in: SignIn, books: Books) -> None:
    bigger = sized(books, "size", 1)
    order = books.first(DELIVERED, one_line, lambda o: bool(bigger(o)) and books.known_by(o.lines[0], o))
    talk = signed_in(books.owner(order))
    await talk.say(f"the {books.name(order.lines[0])} is too tight, i need the next bigger size, same colour")
    assert await swapped(talk, order.number) == [bigger(order)[0].id]


async def test_a_number_alone_is_a_size(signed_in: SignIn, books: Books) -> None:
    smaller = sized(books, "size", -1)
    order = books.first(DELIVERED, one_line, lambda o: bool(smaller(o)) and books.known_by(o.lines[0], o))
    variant = smaller(order)[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"can I swap the {books.name(order.lines[0])} from {order.number} for a {variant.options['size']}?")
    assert await swapped(talk, order.number) == [variant.id]


async def test_the_cheapest_in_stock(signed_in: SignIn, books: Books) -> None:
    def single_cheapest(order: Order) -> bool:
        prices = sorted(v.price for v in books.others(order.lines[0]))
        return len(prices) >= 2 and prices[0] < prices[1] and prices[0] < order.lines[0].unit_price

    order = books.first(DELIVERED, one_line, single_cheapest)
    cheapest = min(books.others(order.lines[0]), key=lambda v: v.price)
    talk = signed_in(books.owner(order))
    await talk.say(f"exchange the {books.name(order.lines[0])} of {order.number} for the cheapest one in stock")
    assert await swapped(talk, order.number) == [cheapest.id]


async def test_if_there_is_none_then_another(signed_in: SignIn, books: Books) -> None:
    """The first wish is sold out, the second is there."""
    order = books.first(DELIVERED, one_line,
                        lambda o: bool(books.sold_out(o.lines[0]) and books.equal(o.lines[0])))
    gone, variant = books.sold_out(order.lines[0])[0][0], books.equal(order.lines[0])[0][0]
    talk = signed_in(books.owner(order))
    await talk.say(f"swap the {books.name(order.lines[0])} in order {order.number} for {words(gone)}. "
                   f"if you don't have that, then {words(variant)}")
    assert await swapped(talk, order.number) == [variant.id]


async def test_several_fit_and_are_shown_with_prices(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, lambda o: 3 <= len(books.others(o.lines[0])) <= 6)
    others = books.others(order.lines[0])
    talk = signed_in(books.owner(order))
    await talk.say(f"i'd like a different {books.name(order.lines[0])}, exchange please. order {order.number}. "
                   "what is there?")
    assert talk.asked == "options"
    assert talk.shows(*{f"{v.price:.2f}" for v in others})
    await talk.press(" ".join(list(others[1].options.values())[:1]))
    await swapped(talk, order.number)
    assert (await talk.order(order.number)).exchanges


async def test_the_second_of_those_shown(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, lambda o: 3 <= len(books.others(o.lines[0])) <= 6)
    talk = signed_in(books.owner(order))
    await talk.say(f"exchange the {books.name(order.lines[0])} from {order.number}. which options do you have?")
    offered = [b.payload.split()[-1] for r in talk.replies for b in r.buttons if b.payload.startswith("/variant")]
    assert len(offered) >= 3
    await talk.say("the second one please")
    assert await swapped(talk, order.number) == [offered[1]]


async def test_none_fits_and_the_wish_is_named(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, lambda o: "color" in o.lines[0].options and books.swappable(o))
    talk = signed_in(books.owner(order))
    await talk.say(f"can I get the {books.name(order.lines[0])} of {order.number} in neon pink instead?")
    assert talk.asked != "confirmation"
    assert talk.shows("pink")
    near = {value for v in books.others(order.lines[0]) for value in v.options.values()}
    assert any(talk.shows(value) for value in near), "the nearest is offered"
    await talk.say("no, leave it then")
    assert await talk.writes() == set()


async def test_two_wishes_at_once(signed_in: SignIn, books: Books) -> None:
    """Colour and size both change."""
    def both(order: Order) -> list[Variant]:
        line = order.lines[0]
        return [v for v in books.others(line) if set(v.options) == {"color", "size"} and v.price == line.unit_price
                and all(v.options[o] != line.options.get(o) for o in v.options)]

    order = books.first(PENDING, books.alone, lambda o: bool(both(o)), lambda o: books.known_by(o.lines[0], o))
    variant = both(order)[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"oh dear wrong size AND colour. {books.name(order.lines[0])} in {variant.options['color']}, "
                   f"size {variant.options['size']} please, order {order.number}, change it")
    assert talk.to_confirm == [("change_items", order.number)]
    await talk.say("yes")
    assert (await talk.order(order.number)).lines[0].variant_id == variant.id
