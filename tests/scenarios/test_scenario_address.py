"""Customers who move: the address of a pending order, and the default one of their account."""

from __future__ import annotations

from collections.abc import Callable

from knowledge.models import Address
from tests.scenarios.books import PENDING, SHIPPED, Books
from tests.scenarios.talk import Talk

SignIn = Callable[..., Talk]


def parts(address: Address | None) -> tuple[str, str, str, str]:
    assert address is not None
    return address.line1 or "", address.city or "", address.state or "", address.postcode or ""


NEW = ("9 Alder Lane", "Portland", "OR", "97205")


async def test_a_whole_address_in_one_message(talk: Talk, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    customer = books.owner(order)
    await talk.say(f"Please send order {order.number} to 9 Alder Lane, Portland, OR 97205. I'm {customer.email}")
    assert talk.to_confirm == [("change_address", order.number)]
    await talk.say("yes")
    assert parts((await talk.order(order.number)).address) == NEW
    assert (await talk.customer(customer.id)).address == customer.address
    assert await talk.writes() == {order.number}


async def test_piece_by_piece(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"i moved! new shipping address for {order.number} please")
    assert talk.asked == "address"
    await talk.say("9 Alder Lane")
    assert talk.asked == "address"
    await talk.say("Portland OR 97205")
    await talk.say("yes")
    assert parts((await talk.order(order.number)).address) == NEW


async def test_a_slip_is_corrected_at_the_card(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"change the address of {order.number} to 9 Adler Lane, Portland, OR 97205")
    assert talk.asked == "confirmation"
    await talk.say("oh wait, it's 9 Alder Lane, Portland, OR 97205")
    assert talk.asked == "confirmation" and talk.shows("9 Alder Lane")
    await talk.say("yes now its right")
    assert parts((await talk.order(order.number)).address) == NEW


async def test_several_orders_at_once(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, lambda o: not books.alone(o))
    pending = books.of(books.owner(order), PENDING)
    talk = signed_in(books.owner(order))
    await talk.say("all my pending orders should go to 9 Alder Lane, Portland, OR 97205")
    assert {n for _, n in talk.to_confirm} == {o.number for o in pending}
    await talk.say("yes")
    assert [parts((await talk.order(o.number)).address) for o in pending] == [NEW] * len(pending)


async def test_a_parcel_on_its_way_is_not_redirected(signed_in: SignIn, books: Books) -> None:
    order = books.first(SHIPPED, books.only)
    talk = signed_in(books.owner(order))
    await talk.say(f"can you redirect {order.number} to 9 Alder Lane, Portland, OR 97205")
    assert talk.asked != "confirmation" and talk.shows("shipped")
    assert await talk.writes() == set()


async def test_the_apartment_goes_to_the_second_line(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"ship {order.number} to 300 Lake Street, Apt 4B, Chicago, IL 60614 instead")
    await talk.say("yes")
    address = (await talk.order(order.number)).address
    assert parts(address) == ("300 Lake Street", "Chicago", "IL", "60614")
    assert address is not None and address.line2 == "Apt 4B"


async def test_an_address_abroad(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    talk = signed_in(books.owner(order))
    await talk.say(f"I'm in London for a month, could {order.number} be delivered to 14 Mill Road, London N1 7AA, UK?")
    await talk.say("yes")
    address = (await talk.order(order.number)).address
    assert address is not None
    assert (address.line1, address.city, address.postcode) == ("14 Mill Road", "London", "N1 7AA")


async def test_the_default_address_alone(signed_in: SignIn, books: Books) -> None:
    customer = books.owner(books.first(PENDING, books.alone))
    talk = signed_in(customer)
    await talk.say("Please update the default address in my account to 9 Alder Lane, Portland, OR 97205")
    assert talk.to_confirm == [("change_default_address", "")]
    await talk.say("yes, correct")
    assert parts((await talk.customer(customer.id)).address) == NEW
    assert await talk.writes() == {customer.id}


async def test_both_the_order_and_the_account(signed_in: SignIn, books: Books) -> None:
    order = books.first(PENDING, books.alone)
    customer = books.owner(order)
    talk = signed_in(customer)
    await talk.say(f"I've moved to 9 Alder Lane, Portland, OR 97205. Change it for order {order.number} "
                   "and as my default address too")
    for _ in range(3):
        if talk.asked == "confirmation":
            await talk.say("yes")
    assert parts((await talk.order(order.number)).address) == NEW
    assert parts((await talk.customer(customer.id)).address) == NEW


async def test_the_default_address_is_put_back(signed_in: SignIn, books: Books) -> None:
    customer = books.owner(books.first(PENDING, books.alone))
    talk = signed_in(customer)
    await talk.say("change my default address to 9 Alder Lane, Portland, OR 97205")
    await talk.say("yes")
    await talk.say("sorry, please change my default address back to the old one")
    await talk.say("yes")
    assert (await talk.customer(customer.id)).address == customer.address


async def test_an_order_goes_to_the_default_address(signed_in: SignIn, books: Books) -> None:
    """First elsewhere, then home again, without the address being typed a second time."""
    order = books.first(PENDING, books.alone)
    customer = books.owner(order)
    talk = signed_in(customer)
    await talk.say(f"send {order.number} to 9 Alder Lane, Portland, OR 97205")
    await talk.say("yes")
    await talk.say(f"no, my trip is off. {order.number} should go to my home address after all")
    await talk.say("yes")
    assert parts((await talk.order(order.number)).address) == parts(customer.address)
