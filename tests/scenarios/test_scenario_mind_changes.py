"""Customers who change their mind at the card, wholly or partly, and those who come back to what they were doing."""

from __future__ import annotations

from collections.abc import Callable

from knowledge.models import MethodKind, OrderStatus
from tests.scenarios.books import CANCELLED, DELIVERED, PENDING, Books, amount, different, lines, one_line, returned
from tests.scenarios.talk import Talk

CARD, PAYPAL, GIFT = MethodKind.CREDIT_CARD, MethodKind.PAYPAL, MethodKind.GIFT_CARD
SignIn = Callable[..., Talk]


async def test_one_item_less(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(3), different, books.single_method)
    talk = signed_in(books.owner(order))
    await talk.say(f"return everything from {order.number}")
    assert talk.asked == "confirmation"
    await talk.say(f"wait, not the {books.name(order.lines[0])}, i keep that")
    assert talk.asked == "confirmation"
    assert talk.money == [("refund", f"${amount(order.lines[1:]):,.2f}", books.method(order).label)]
    await talk.say("yes")
    assert returned(await talk.order(order.number)) == {x.id: x.quantity for x in order.lines[1:]}


async def test_one_item_more(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(2), different, books.single_method,
                        lambda o: all(books.known_by(x, o) for x in o.lines))
    talk = signed_in(books.owner(order))
    await talk.say(f"I'd like to return the {books.name(order.lines[0])} from {order.number}")
    await talk.say(f"and the {books.name(order.lines[1])} as well please")
    assert talk.asked == "confirmation"
    await talk.say("yes")
    assert returned(await talk.order(order.number)) == {x.id: x.quantity for x in order.lines[:2]}


async def test_another_item_altogether(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, lines(2), different, books.single_method,
                        lambda o: all(books.known_by(x, o) for x in o.lines))
    talk = signed_in(books.owner(order))
    await talk.say(f"return the {books.name(order.lines[0])} of {order.number}")
    await talk.say(f"no sorry i meant the {books.name(order.lines[1])} instead")
    assert talk.asked == "confirmation"
    await talk.say("yes")
    assert returned(await talk.order(order.number)) == {order.lines[1].id: order.lines[1].quantity}


async def test_another_way_for_the_money(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.paid_by(CARD), books.has(GIFT))
    customer = books.owner(order)
    talk = signed_in(customer)
    await talk.say(f"return everything in {order.number}, money back on my card")
    assert talk.asked == "confirmation"
    await talk.say("hmm, put it on the gift card instead")
    assert [method for _, _, method in talk.money] == [books.gift_card(customer).label]
    await talk.say("yes")
    assert (await talk.order(order.number)).returns[0].refund_method_id == books.gift_card(customer).id


async def test_another_variant(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.single_method, lambda o: len(books.equal(o.lines[0])) >= 2)
    (_, one_words), (two, two_words) = books.equal(order.lines[0])[:2]
    talk = signed_in(books.owner(order))
    await talk.say(f"exchange the {books.name(order.lines[0])} from {order.number} for {one_words}")
    assert talk.asked == "confirmation"
    await talk.say(f"actually make that {two_words}")
    assert talk.asked == "confirmation"
    await talk.say("yes")
    assert [e.new_variant_id for e in (await talk.order(order.number)).exchanges] == [two.id]


async def test_something_else_instead(signed_in: SignIn, books: Books) -> None:
    """No to the exchange, and a return of the same thing."""
    order = books.first(DELIVERED, one_line, books.single_method, lambda o: bool(books.equal(o.lines[0])))
    _, words = books.equal(order.lines[0])[0]
    talk = signed_in(books.owner(order))
    await talk.say(f"exchange the {books.name(order.lines[0])} from {order.number} for {words}")
    await talk.say("no. you know what, i'd rather return it")
    assert talk.to_confirm == [("return_items", order.number)]
    await talk.say("yes")
    stored = await talk.order(order.number)
    assert stored.exchanges == () and returned(stored) == {order.lines[0].id: order.lines[0].quantity}


async def test_never_mind(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.single_method)
    talk = signed_in(books.owner(order))
    await talk.say(f"i want to return {order.number}")
    await talk.say("never mind, forget it")
    await talk.say("yes")
    assert await talk.writes() == set()


async def test_a_yes_after_a_while_counts_for_the_latest_card_only(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: len(books.of(books.owner(o), PENDING)) == 2)
    first, second = books.of(books.owner(order), PENDING)
    talk = signed_in(books.owner(order))
    await talk.say(f"cancel {first.number}, no longer needed")
    await talk.say(f"no, I meant {second.number}")
    assert [n for _, n in talk.to_confirm] == [second.number]
    await talk.say("yes")
    assert (await talk.order(second.number)).status is CANCELLED
    assert (await talk.order(first.number)).status is PENDING


async def test_the_other_reason(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("to be exact: it was ordered by mistake")
    if talk.asked == "confirmation":
        await talk.say("yes")
    assert (await talk.order(order.number)).cancel_reason == "ordered by mistake"


async def test_a_question_at_the_card(signed_in: SignIn, books: Books) -> None:
    """Answered, and the card is still there; nothing is asked again."""
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk = signed_in(books.owner(order))
    await talk.say(f"cancel {order.number}, no longer needed")
    await talk.say("hold on, how long till i have my money back?")
    assert talk.shows("5 to 7")
    assert talk.asked == "confirmation"
    assert await talk.writes() == set()
    await talk.say("ok, yes")
    assert (await talk.order(order.number)).status is CANCELLED


async def test_away_to_a_product_and_back(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone, books.paid_by(CARD, PAYPAL))
    talk = signed_in(books.owner(order))
    await talk.say(f"i want to cancel {order.number}")
    assert talk.asked == "reason"
    await talk.say("btw do you have waterproof trail running shoes?")
    assert talk.products
    assert talk.asked == "reason", "back to the question that was open"
    await talk.say("no longer needed")
    assert talk.to_confirm == [("cancel_order", order.number)]


async def test_away_to_another_order_and_back(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.paid_by(CARD), books.has(GIFT),
                        lambda o: len(books.of(books.owner(o))) > 1)
    other = next(o for o in books.of(books.owner(order)) if o.number != order.number)
    talk = signed_in(books.owner(order))
    await talk.say(f"return everything in {order.number}")
    assert talk.asked == "payment_method"
    await talk.say(f"what's the status of {other.number} by the way?")
    assert talk.shows(other.number, other.status.value.replace("_", " "))
    assert talk.asked == "payment_method"
    await talk.say("original card")
    assert talk.to_confirm == [("return_items", order.number)]


async def test_what_was_said_before_the_name_is_kept(talk: Talk, books: Books) -> None:
    """Identity is a digression too: the request goes on where it was."""
    order = books.first(PENDING, books.alone)
    await talk.say("cancel my order, it was ordered by mistake")
    assert talk.asked == "identity"
    await talk.say("why do you need to know that?")
    await talk.say(f"alright... {books.owner(order).email}")
    if talk.asked == "order":
        await talk.say(order.number)
    assert talk.to_confirm == [("cancel_order", order.number)]
    await talk.say("yes")
    assert (await talk.order(order.number)).cancel_reason == "ordered by mistake"


async def test_say_that_again(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"cancel {order.number}, no longer needed")
    card = talk.card
    await talk.say("sorry, can you repeat that?")
    assert talk.card == card
    await talk.say("yes")
    assert (await talk.order(order.number)).status is CANCELLED


async def test_angry_but_clear(signed_in: SignIn, books: Books) -> None:
    order = books.first(DELIVERED, one_line, books.single_method)
    talk = signed_in(books.owner(order))
    await talk.say(f"WHAT A JOKE. the {books.name(order.lines[0])} is RUBBISH and I WANT TO RETURN IT!!! "
                   f"order {order.number}")
    if talk.asked == "remedy":
        await talk.press("return")
    await talk.say("YES")
    assert (await talk.order(order.number)).status is OrderStatus.RETURN_REQUESTED
