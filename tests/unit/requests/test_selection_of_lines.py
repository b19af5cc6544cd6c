"""Which order lines a request is about, out of the customer's own words; what stays open is never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests.selection import Selection, select_lines
from knowledge.models import OrderStatus
from tests.unit.requests.shelf import DELIVERED, PENDING, desk, order, orders

BOOTS, SHIRT, KETTLE = (f"10301/L{n}" for n in (1, 2, 3))
DIM_LAMP, BRIGHT_LAMP, PACK = (f"10267/L{n}" for n in (1, 2, 3))


def select(text: str, allowed=DELIVERED, *, swap: bool = False, **focus) -> Selection:
    return select_lines(text, desk(**focus), allowed, swap=swap)


def chosen(text: str, allowed=DELIVERED, **focus) -> set[str]:
    found = select(text, allowed, **focus)
    assert not found.unclear, text
    return {c.key for c in found.chosen}


@pytest.mark.parametrize(("text", "keys"), [
    ("the boots", {BOOTS}), ("I want to return my Trail Boots and the kettle", {BOOTS, KETTLE}),
    ("the tshirt", {SHIRT}), ("that t shirt", {SHIRT}), ("the tee", {SHIRT}), ("my rucksack", {PACK}),
    ("the ketle", {KETTLE}), ("BOOTS!!", {BOOTS}),
    ("both lamps", {DIM_LAMP, BRIGHT_LAMP}), ("two lamps", {DIM_LAMP, BRIGHT_LAMP}),
    ("the more expensive lamp", {BRIGHT_LAMP}), ("the cheaper lamp", {DIM_LAMP}), ("the 900 lumen lamp", {BRIGHT_LAMP}),
    ("everything except the kettle", {BOOTS, SHIRT}), ("keep the boots and return the rest", {SHIRT, KETTLE}),
    ("everything from order #K10301 but not the boots", {SHIRT, KETTLE}),
    ("the whole order #K10267", {DIM_LAMP, BRIGHT_LAMP, PACK}),
    ("the boots, the t-shirt and the kettle, but not the kettle", {BOOTS, SHIRT}),
    ("everything I received with the boots", {BOOTS, SHIRT, KETTLE}),
    ("the backpack that came with the lamps", {PACK}),
    ("only the kettle", {KETTLE}),
])
def test_lines_of_delivered_orders(text, keys):
    assert chosen(text) == keys


def test_the_same_word_means_what_the_request_allows():
    assert chosen("the lamp", PENDING) == {"10455/L2"}
    assert {BRIGHT_LAMP, DIM_LAMP} == {k for u in select("the lamp").unclear for k in u.keys}


def test_what_could_be_two_things_stays_open():
    found = select("the kettle and a lamp")
    assert [c.key for c in found.chosen] == [KETTLE]
    assert set(found.unclear[0].keys) == {DIM_LAMP, BRIGHT_LAMP}


@pytest.mark.parametrize("focus", [{"focus_lines": (BRIGHT_LAMP,)}, {"focus_lines": (BRIGHT_LAMP, PACK)}])
def test_what_was_spoken_of_last_settles_it(focus):
    assert chosen("that lamp", **focus) == {BRIGHT_LAMP}


def test_the_order_spoken_of_settles_it():
    lamps = [order("1", "delivered", "LAMP-1", days=1), order("2", "delivered", "LAMP-1", days=2)]
    found = select_lines("the lamp", desk(*lamps, focus=("2",)), DELIVERED)
    assert [c.key for c in found.chosen] == ["2/L1"]


def test_two_alike_lines_of_one_order_need_no_question():
    own = desk(order("1", "delivered", "LAMP-1", "LAMP-1", days=1))
    assert [c.key for c in select_lines("the lamp", own, DELIVERED).chosen] == ["1/L1"]
    assert len(select_lines("both lamps", own, DELIVERED).chosen) == 2


def test_a_line_whose_order_does_not_allow_it_is_told_apart():
    found = select("return the puzzle")
    assert (found.chosen, found.elsewhere) == ((), ("10412/L1",))


def test_an_unknown_order_is_told():
    assert select("return order #K99999").orders.unknown


@pytest.mark.parametrize("text", ["", "hello there", "what is your return policy?", "zebra", "!!!", "👍"])
def test_words_about_nothing_select_nothing(text):
    assert select(text).empty


def test_one_of_several_is_not_all_of_them():
    assert len(select("one of the lamps").chosen) <= 1


@pytest.mark.xfail(strict=True, reason="an id with a dash in it is read as a word of the title")
def test_a_line_named_by_the_id_of_its_variant():
    assert chosen("item LAMP-3") == {BRIGHT_LAMP}


@pytest.mark.xfail(strict=True, reason="what is settled by the order of the other lines is added to them once more")
def test_a_line_spoken_of_twice_is_chosen_once():
    keys = [c.key for c in select("the lamp, the cheaper lamp", tuple(OrderStatus)).chosen]
    assert len(keys) == len(set(keys))


# --- swaps: each line with the words said about it -------------------------------------------------------------------

def wishes(text: str, allowed=DELIVERED) -> dict[str, str]:
    return {c.key: c.words for c in select(text, allowed, swap=True).chosen}


def test_each_line_gets_its_own_wish():
    found = wishes("swap the t-shirt for an olive one and the kettle for a bigger one")
    assert found.keys() == {SHIRT, KETTLE}
    assert ("olive" in found[SHIRT], "bigger" in found[SHIRT]) == (True, False)
    assert ("olive" in found[KETTLE], "bigger" in found[KETTLE]) == (False, True)


def test_an_enumeration_shares_the_wish_that_follows_it():
    found = wishes("the kettle and the t-shirt for the cheapest ones")
    assert all("cheapest" in found[key] for key in (KETTLE, SHIRT))


def test_the_thing_named_again_is_the_wish_and_no_second_line():
    found = wishes("exchange the keyboard for a keyboard with clicky switches", PENDING)
    assert found.keys() == {"10455/L1"}
    assert "clicky" in found["10455/L1"]


# --- whatever is said ------------------------------------------------------------------------------------------------

PIECES = st.lists(st.sampled_from([
    "the", "my", "boots", "lamp", "lamps", "both", "all", "everything", "except", "kettle", "keep", "but not",
    "only", "also", "#K10301", "#K99999", "the rest", "t-shirt", "order", "last", "pending", "and", ",", ".", "that",
    "came with", "two", "one of the", "cheaper", "backpack", "return", "instead", "for", "blue", "same order",
    "Savannah", "delivered", "not", "12"]), max_size=10)


@settings(max_examples=150, deadline=None)
@given(PIECES, st.booleans(), st.sampled_from([PENDING, DELIVERED, tuple(OrderStatus)]))
def test_only_own_lines_that_allow_it_are_chosen(pieces, swap, allowed):
    own = desk()
    text = " ".join(pieces)
    found = select_lines(text, own, allowed, swap=swap)
    keys = [c.key for c in found.chosen]
    assert all(own.line(k)[0].status in allowed for k in keys), text
    assert not set(keys) & set(found.excluded), text
    every = set(own.line_keys())
    assert every >= {*keys, *found.excluded, *found.elsewhere, *(k for u in found.unclear for k in u.keys)}
    foreign = {o.number for o in orders() if o.customer_id != own.customer.id}
    assert not foreign & {own.line(k)[0].number for k in keys}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=100), st.booleans())
def test_any_text_may_be_read(text, swap):
    select(text, swap=swap)
