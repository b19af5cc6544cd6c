"""Customers who point instead of naming: the second one, that jacket, my last order, both, everything except."""

from __future__ import annotations

from collections.abc import Callable

from bot.demo import DEMO_CUSTOMERS
from knowledge.models import MethodKind, Order, OrderStatus
from tests.scenarios.books import CANCELLED, DELIVERED, PENDING, SHIPPED, Books, different, lines, one_line, returned
from tests.scenarios.talk import Talk

CARD, PAYPAL = MethodKind.CREDIT_CARD, MethodKind.PAYPAL
SignIn = Callable[..., Talk]


async def test_my_last_order(signed_in: SignIn, books: Books) -> None:
    customer = next(c for c in books.customers.values() if len(books.of(c)) >= 4)
    last = books.of(customer)[0]
    talk = signed_in(customer)
    await talk.say("whats in my last order?")
    assert talk.shows(last.number, *[x.title for x in last.lines])


async def test_the_second_one_of_a_list(signed_in: SignIn, books: Books) -> None:
    """Of the products just shown."""
    talk = signed_in(books.customers[DEMO_CUSTOMERS[0].id])
    await talk.say("show me some trail running shoes")
    shown = talk.products
    assert len(shown) >= 2
    await talk.say("which sizes does the second one come in?")
    product = books.products[shown[1]]
    sizes = [v.options["size"] for v in product.variants if v.available]
    assert talk.shows(product.title, sizes[0])


async def test_the_second_one_of_two_orders(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: len(books.of(books.owner(o), PENDING)) >= 2)
    talk = signed_in(books.owner(order))
    await talk.say("I'd like to cancel an order, ordered by mistake")
    assert talk.asked == "order"
    listed = [b.payload.split()[-1] for r in talk.replies for b in r.buttons]
    await talk.say("the second one")
    assert [n for _, n in talk.to_confirm] == [listed[1]]


async def test_that_order_just_spoken_of(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: len(books.of(books.owner(o))) >= 3)
    talk = signed_in(books.owner(order))
    await talk.say(f"what did i buy in {order.number}?")
    await talk.say("ok cancel that order, i don't need it any more")
    assert talk.to_confirm == [("cancel_order", order.number)]


async def test_that_one_in_the_middle_of_products(signed_in: SignIn, books: Books) -> None:
    talk = signed_in(books.customers[DEMO_CUSTOMERS[0].id])
    product = next(p for p in books.products.values() if "Tent" in p.title and p.attributes)
    await talk.say(f"tell me about the {product.title}")
    assert product.id in talk.products
    await talk.say("how much is it?")
    assert any(talk.shows(f"{v.price:.2f}") for v in product.variants)


async def test_both_of_a_kind(signed_in: SignIn, books: Books) -> None:
    """Two lines that share a word: "both" means the two of them."""
    def alike(order: Order) -> str:
        ends = [x.title.lower().split()[-1] for x in order.lines]
        return next((w for w in ends if ends.count(w) == 2 and len(order.lines) > 2), "")

    order = next((o for o in books.each(DELIVERED) if alike(o)), None)
    if order is None:                        # no such order in the data: two lines, and no third
        order = books.first(DELIVERED, lambda o: len(o.lines) == 2, different, books.single_method)
        words, wanted = "of the items", order.lines
    else:
        words = f"{alike(order)}s"
        wanted = tuple(x for x in order.lines if x.title.lower().endswith(alike(order)))
    talk = signed_in(books.owner(order))
    await talk.say(f"i'd like to return both {words} from {order.number}")
    if talk.asked == "payment_method":
        await talk.say("original payment method")
    await talk.say("yes")
    assert returned(await talk.order(order.number)) == {x.id: x.quantity for x in wanted}


async def test_everything_except_the_bottle(signed_in: SignIn, books: Books) -> None:
    """A return of all but one, told by its kind."""
    def has_bottle(order: Order) -> bool:
        return len(order.lines) >= 2 and sum("bottle" in x.title.lower() for x in order.lines) == 1

    order = books.first(DELIVERED, has_bottle)
    rest = {x.id: x.quantity for x in order.lines if "bottle" not in x.title.lower()}
    talk = signed_in(books.owner(order))
    await talk.say(f"Everything except the bottle goes back please, order {order.number}")
    if talk.asked == "payment_method":
        await talk.say("same way i paid")
    await talk.say("yes")
    assert returned(await talk.order(order.number)) == rest


async def test_the_thing_bought_for_something(signed_in: SignIn, books: Books) -> None:
    """Found by meaning among the customer's own lines, not by its name."""
    maya = books.customers[DEMO_CUSTOMERS[0].id]
    order = next(o for o in books.of(maya) if any("bike light" in x.title.lower() for x in o.lines))
    talk = signed_in(maya)
    await talk.say("when did i buy that thing for my bike, the lights?")
    assert talk.shows(order.number)


async def test_where_is_my_tent(signed_in: SignIn, books: Books) -> None:
    daniel = books.customers[DEMO_CUSTOMERS[1].id]
    order = next(o for o in books.of(daniel, SHIPPED) if any("tent" in x.title.lower() for x in o.lines))
    talk = signed_in(daniel)
    await talk.say("where is my tent?")
    assert talk.shows(order.number, order.fulfillments[0].tracking_number)


async def test_the_same_but_in_another_colour(signed_in: SignIn, books: Books) -> None:
    def colours(order: Order) -> list[str]:
        line = order.lines[0]
        return [words.removeprefix("color ") for v, words in books.equal(line) if words.startswith("color ")]

    order = books.first(DELIVERED, one_line, lambda o: bool(colours(o)) and books.known_by(o.lines[0], o))
    colour = colours(order)[0]
    variant = next(v for v, words in books.equal(order.lines[0]) if words == f"color {colour}")
    talk = signed_in(books.owner(order))
    await talk.say(f"can i swap my {books.name(order.lines[0])}? i want the same but in {colour}")
    assert talk.asked == "confirmation"
    await talk.say("yes")
    assert [e.new_variant_id for e in (await talk.order(order.number)).exchanges] == [variant.id]


async def test_it_after_looking_at_the_order(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.single_method, lambda o: books.known_by(o.lines[0], o),
                        lambda o: not books.alone(o))
    talk = signed_in(books.owner(order))
    await talk.say(f"show me order {order.number}")
    await talk.say("i want to return it")
    assert talk.to_confirm == [("return_items", order.number)]
    await talk.say("yes")
    assert await talk.writes() == {order.number}


async def test_the_cancelled_one(signed_in: SignIn, books: Books) -> None:
    order = books.first(CANCELLED, books.alone, lambda o: len(books.of(books.owner(o))) >= 3)
    talk = signed_in(books.owner(order))
    await talk.say("did I get my money back for the cancelled order?")
    assert talk.shows(order.number, f"{order.total:.2f}")


async def test_the_more_expensive_item_of_an_order(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(2), different, books.single_method,
                        lambda o: len({x.unit_price for x in o.lines}) == len(o.lines))
    dearest = max(order.lines, key=lambda x: x.unit_price)
    talk = signed_in(books.owner(order))
    await talk.say(f"which item in {order.number} was the most expensive?")
    assert talk.shows(dearest.title)
    await talk.say("i want to return that one")
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert returned(stored) == {dearest.id: dearest.quantity}
    assert stored.status is OrderStatus.RETURN_REQUESTED
