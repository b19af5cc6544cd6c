"""Customers who want something else in an order that is still pending: once, every item at a go, difference settled."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from bot.demo import DEMO_CUSTOMERS
from knowledge.models import MethodKind
from tests.scenarios.books import PENDING, PROCESSED, Books, lines, one_line
from tests.scenarios.talk import Talk

CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD
SignIn = Callable[..., Talk]


async def test_maya_wants_her_jacket_larger(talk: Talk, books: Books) -> None:
    """The first line that a newcomer to the demo is told to type."""
    maya = books.customers[DEMO_CUSTOMERS[0].id]
    order = books.of(maya, PENDING)[0]
    line = next(x for x in order.lines if "jacket" in x.title.lower())
    await talk.say(DEMO_CUSTOMERS[0].things_to_try[0])
    await talk.say(f"{maya.email}")
    if talk.asked == "payment_method":
        await talk.say("the visa")
    assert talk.to_confirm == [("change_items", order.number)]
    await talk.say("yes")
    stored = await talk.order(order.number)
    changed = stored.line(line.id)
    assert changed is not None
    assert changed.options["size"] == "L" and changed.options["color"] == line.options["color"]
    assert stored.items_changed and stored.status is PENDING
    others = [x for x in order.lines if x.id != line.id]
    assert [x for x in stored.lines if x.id != line.id] == others


async def test_the_difference_is_paid_at_once(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL),
                        lambda o: bool(books.dearer(o.lines[0])) and books.known_by(o.lines[0], o))
    line, (variant, words) = order.lines[0], books.dearer(order.lines[0])[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"In my pending order make the {books.name(line)} {words} instead please")
    if talk.asked == "payment_method":
        await talk.say(f"{books.method(order).label}")
    difference = (variant.price - line.unit_price) * line.quantity
    assert talk.money == [("charge", f"${difference:,.2f}", books.method(order).label)]
    await talk.say("yes")
    stored = await talk.order(order.number)
    changed = stored.lines[0]
    assert (changed.id, changed.variant_id, changed.unit_price) == (line.id, variant.id, variant.price)
    added = stored.payments[len(order.payments):]
    assert [(p.kind, p.amount, p.method_id) for p in added] == [("payment", difference, books.method(order).id)]


async def test_a_gift_card_pays_the_difference(signed_in: SignIn, books: Books) -> None:
    def covered(order: object) -> bool:
        line = order.lines[0]                                            # type: ignore[attr-defined]
        balance = books.gift_card(books.owner(order)).balance or Decimal(0)  # type: ignore[arg-type]
        return any((v.price - line.unit_price) * line.quantity <= balance for v, _ in books.dearer(line)[:1])

    order = books.first(PENDING, books.has(GIFT), covered)
    customer, line = books.owner(order), order.lines[0]
    variant, words = books.dearer(line)[0]
    talk = signed_in(customer)
    await talk.say(f"change the {books.name(line)} in {order.number} to {words}, use my gift card for the difference")
    await talk.say("yes")
    stored, card = await talk.order(order.number), books.gift_card(await talk.customer(customer.id))
    difference = (variant.price - line.unit_price) * line.quantity
    assert stored.lines[0].variant_id == variant.id
    assert card.balance == (books.gift_card(customer).balance or 0) - difference
    assert await talk.writes() == {order.number, customer.id}


async def test_afterwards_nothing_more(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.single_method, lambda o: bool(books.equal(o.lines[0])),
                        lambda o: books.known_by(o.lines[0], o))
    _, words = books.equal(order.lines[0])[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"change my {books.name(order.lines[0])} ({order.number}) to {words}")
    await talk.say("yes")
    changed = await talk.order(order.number)
    assert changed.items_changed
    await talk.say(f"hmm actually cancel {order.number} altogether, i dont need it anymore")
    assert talk.asked != "confirmation"
    await talk.say(f"ok then send {order.number} to 12 Elm Street, Springfield, IL 62701")
    assert talk.asked != "confirmation"
    assert await talk.order(order.number) == changed


async def test_before_the_yes_everything_can_still_be_said(signed_in: SignIn, books: Books) -> None:
    """One change of items per order: a second item named at the card joins the same request."""
    order = books.first(PENDING, lines(2), books.single_method,
                        lambda o: all(books.equal(x) and books.known_by(x, o) for x in o.lines[:2]))
    (one, one_words), (two, two_words) = (books.equal(x)[0] for x in order.lines[:2])
    talk = signed_in(books.owner(order))
    await talk.say(f"for order {order.number}, change the {books.name(order.lines[0])} to {one_words}")
    assert talk.to_confirm == [("change_items", order.number)]
    await talk.say(f"yes, and also the {books.name(order.lines[1])} to {two_words}")
    if talk.asked == "confirmation":
        await talk.say("yes")
    stored = await talk.order(order.number)
    assert [x.variant_id for x in stored.lines[:2]] == [one.id, two.id]


async def test_too_late_once_it_is_processed(signed_in: SignIn, books: Books) -> None:
    order = books.first(PROCESSED, one_line, books.alone, lambda o: bool(books.near(o.lines[0])),
                        lambda o: books.known_by(o.lines[0], o))
    _, words = books.near(order.lines[0])[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"ugh wrong one. can you change the {books.name(order.lines[0])} to {words} before it ships")
    assert talk.asked != "confirmation" and talk.shows("processed")
    await talk.say("please!!")
    assert await talk.writes() == set()


async def test_nothing_can_be_added(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.only)
    other = next(p for p in books.products.values() if p.id not in {x.product_id for x in order.lines})
    talk = signed_in(books.owner(order))
    await talk.say(f"can you add a {other.title} to my order {order.number}?")
    await talk.say("yes")
    assert await talk.writes() == set()


async def test_what_is_not_named_stays(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lines(3), lambda o: bool(books.near(o.lines[1])) and books.known_by(o.lines[1], o))
    line, (variant, words) = order.lines[1], books.near(order.lines[1])[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"{order.number}: i want {words} for the {books.name(line)}, nothing else changes")
    if talk.asked == "payment_method":
        await talk.say(books.owner(order).payment_methods[0].label)
    await talk.say("yes")
    stored = await talk.order(order.number)
    wanted = {x.id: x.variant_id for x in order.lines} | {line.id: variant.id}
    assert {x.id: x.variant_id for x in stored.lines} == wanted
