"""Which variant a customer's words mean: values, sizes up and down, prices, what is not wanted, what else would do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests.values import magnitude, option_values
from bot.requests.variants import Match, match_variants
from bot.requests.wishes import read_wish
from knowledge.models import Product
from tests.unit.requests.shelf import (
    BACKPACK,
    BOOTS,
    GOODS,
    KETTLE,
    KEYBOARD,
    LAMP,
    LAPTOP,
    PUZZLE,
    SHIRT,
    english,
)


def match(product: Product, current: str, text: str) -> Match:
    wish = read_wish(text, product, english())
    return match_variants(product, product.variant(current) if current else None, wish, english())


def fits(product: Product, current: str, text: str) -> set[str]:
    return {v.id for v in match(product, current, text).fits}


@pytest.mark.parametrize(("product", "current", "text", "meant"), [
    # a value, in words, numbers, units and spellings
    (KEYBOARD, "KEY-1", "a compact layout", {"KEY-5"}),
    (LAMP, "LAMP-1", "the 900 lumen one", {"LAMP-3"}),
    (LAMP, "LAMP-2", "the same in brass", {"LAMP-5"}),
    (BOOTS, "BOOT-2", "size 41 please", {"BOOT-1"}),
    (SHIRT, "TEE-2", "size L", {"TEE-3"}),
    (SHIRT, "TEE-2", "a large", {"TEE-3"}),
    (SHIRT, "TEE-2", "the same but in olive", {"TEE-4"}),
    (KETTLE, "KET-2", "the 2 l kettle", {"KET-3"}),
    (KETTLE, "KET-2", "in glass", {"KET-4"}),
    (LAPTOP, "LAP-2", "with 1TB", {"LAP-4"}),
    (LAPTOP, "LAP-2", "with a 15 inch screen", {"LAP-3", "LAP-4"}),
    (PUZZLE, "PUZ-2", "the one with the forest", {"PUZ-4"}),
    (BACKPACK, "PACK-1", "a gray one with 30 liters", {"PACK-2"}),
    (KEYBOARD, "KEY-1", "KEY-4 please", {"KEY-4"}),
    (KEYBOARD, "KEY-1", "SKU-KEY-6", {"KEY-6"}),
    # yes and no
    (LAMP, "LAMP-1", "a dimmable one", {"LAMP-2", "LAMP-3"}),
    (LAMP, "LAMP-2", "not dimmable, black", {"LAMP-1"}),
    (BACKPACK, "PACK-1", "without rain cover", {"PACK-3"}),
    (BOOTS, "BOOT-1", "synthetic and non-waterproof", {"BOOT-3"}),
    # not this
    (KEYBOARD, "KEY-1", "without backlight", {"KEY-2"}),
    (KEYBOARD, "KEY-1", "not clicky, no RGB", {"KEY-2", "KEY-6"}),
    (KETTLE, "KET-2", "glass instead of steel", {"KET-4"}),
    # up and down
    (BOOTS, "BOOT-2", "one size smaller", {"BOOT-1"}),
    (SHIRT, "TEE-2", "a bigger one", {"TEE-3"}),
    (SHIRT, "TEE-2", "a size down", {"TEE-1"}),
    (KETTLE, "KET-2", "a smaller one", {"KET-1"}),
    (LAMP, "LAMP-2", "a brighter one", {"LAMP-3"}),
    (LAPTOP, "LAP-2", "more storage", {"LAP-4"}),
    (PUZZLE, "PUZ-2", "a harder one", {"PUZ-3"}),
    (PUZZLE, "PUZ-2", "with more pieces", {"PUZ-3"}),
    (PUZZLE, "PUZ-2", "500 pieces less", {"PUZ-1"}),
    (PUZZLE, "PUZ-2", "the easiest", {"PUZ-1"}),
    # price
    (KEYBOARD, "KEY-1", "the cheapest one in stock", {"KEY-5"}),
    (KEYBOARD, "KEY-1", "the most expensive", {"KEY-6"}),
    (LAPTOP, "LAP-2", "a cheaper one", {"LAP-1"}),
    # indifferent
    (KEYBOARD, "KEY-1", "silent, I don't care about the backlight", {"KEY-6"}),
])
def test_what_the_words_mean(product, current, text, meant):
    assert fits(product, current, text) == meant


def test_a_clicky_one_with_its_light_or_else_without():
    text = "the same keyboard with clicky switches; if there is none with RGB in full size, then without backlight"
    assert fits(KEYBOARD, "KEY-1", text) == {"KEY-4"}


def test_a_second_choice_counts_only_where_the_first_cannot_be_had():
    assert fits(SHIRT, "TEE-2", "in XL olive, otherwise L") == {"TEE-5"}
    assert fits(SHIRT, "TEE-2", "size L in olive, and if that is not possible, L in navy") == {"TEE-3"}


def test_if_it_cannot_be_had_then_nothing():
    wish = read_wish("L in olive; if not available, leave it as it is", SHIRT, english())
    assert wish.else_nothing


def test_several_that_fit_are_a_choice_cheapest_first():
    found = match(KEYBOARD, "KEY-1", "with clicky switches").fits
    assert [v.id for v in found] == ["KEY-5", "KEY-4"]


def test_what_is_sold_out_is_said_and_the_nearest_offered():
    found = match(SHIRT, "TEE-2", "L in olive")
    assert (found.fits, found.sold_out) == ((), True)
    assert "olive" in found.failing
    assert found.nearest
    assert all(v.available for v in found.nearest)


def test_what_there_never_was_is_said():
    found = match(LAMP, "LAMP-1", "900 lumen in brass")
    assert found.fits == ()
    assert not found.sold_out
    assert found.failing
    assert {"LAMP-3", "LAMP-5"} & {v.id for v in found.nearest}


def test_a_named_variant_that_is_sold_out_is_not_sold():
    found = match(KEYBOARD, "KEY-1", "KEY-3")
    assert (found.fits, found.sold_out) == ((), True)


def test_what_one_has_already_is_no_change():
    assert match(KEYBOARD, "KEY-1", "tactile with RGB in full size").same
    assert match(KEYBOARD, "KEY-1", "KEY-1").same


def test_nothing_bigger_than_the_biggest():
    found = match(KETTLE, "KET-3", "a bigger one")
    assert found.fits == ()
    assert found.failing


@pytest.mark.parametrize("text", ["", "hello", "ivory keycaps please", "why?"])
def test_words_without_a_wish_are_none(text):
    assert read_wish(text, KEYBOARD, english()).empty


@pytest.mark.parametrize("text", ["what options are there?", "show me what you have"])
def test_wanting_to_see_what_there_is(text):
    assert read_wish(text, PUZZLE, english()).show


def test_a_preference_is_no_condition():
    wish = read_wish("size 43. Leather if possible", BOOTS, english())
    assert wish.options == {"size": ("43",)}
    assert fits(BOOTS, "BOOT-2", "size 43. Leather if possible") == {"BOOT-4"}


@pytest.mark.xfail(strict=True, reason="one 'if possible' makes the whole sentence a preference")
def test_only_what_is_said_to_be_a_preference_is_one():
    sold_out = tuple(replace(v, stock=0) if v.options["size"] == "43" else v for v in BOOTS.variants)
    assert fits(replace(BOOTS, variants=sold_out), "BOOT-1", "size 43, leather if possible") == set()


@pytest.mark.xfail(strict=True, reason="a superlative of its own ('brightest') finds no option")
@pytest.mark.parametrize(("product", "current", "text", "meant"), [
    (LAMP, "LAMP-1", "the brightest one", {"LAMP-3"}), (KETTLE, "KET-1", "the biggest one", {"KET-3"}),
    (BACKPACK, "PACK-1", "the largest", {"PACK-2"}), (SHIRT, "TEE-2", "the smallest", {"TEE-1"})])
def test_the_end_of_a_scale(product, current, text, meant):
    assert fits(product, current, text) == meant


def test_magnitudes_share_a_scale_or_a_unit():
    def places(product: Product, option: str) -> list[float | None]:
        values = option_values(product)[option]
        return [magnitude(v, values, english()) for v in values]

    for product, option in ((SHIRT, "size"), (LAPTOP, "storage"), (KETTLE, "capacity"), (PUZZLE, "difficulty level"),
                            (LAMP, "brightness"), (LAPTOP, "processor")):
        found = places(product, option)
        assert None not in found
        ranked = sorted(zip(found, option_values(product)[option], strict=True))
        assert len(set(found)) == len(found), ranked
    assert places(KEYBOARD, "switches") == [None] * 3
    assert magnitude("1TB", ("512GB", "1TB"), english()) > magnitude("512GB", ("512GB", "1TB"), english())


# --- whatever is said ------------------------------------------------------------------------------------------------

PIECES = st.lists(st.sampled_from([
    "clicky", "RGB", "no", "without", "not", "backlight", "size", "bigger", "smaller", "a", "cheaper", "the cheapest",
    "in", "red", "42", "43", "L", "olive", "2 liter", "if not,", "then", "otherwise", "prefer", "the same", "any",
    "leave it", "15 inch", "1TB", "500 more pieces", "don't care about the", "color", ".", ",", ";", "lumen",
    "dimmable", "leather", "only", "show me"]), max_size=9)


@settings(max_examples=150, deadline=None)
@given(PIECES, st.sampled_from(GOODS), st.booleans())
def test_only_other_variants_in_stock_are_ever_chosen(pieces, product, owned):
    current = product.variants[0] if owned else None
    found = match_variants(product, current, read_wish(" ".join(pieces), product, english()), english())
    for variant in (*found.fits, *found.nearest):
        assert variant in product.variants
        assert variant.available
        assert variant != current
    assert len(found.nearest) <= 3
    assert not (found.fits and (found.same or found.sold_out))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=80), st.sampled_from(GOODS))
def test_any_text_is_a_wish_or_none(text, product):
    wish = read_wish(text, product, english())
    values = option_values(product)
    for options in (wish.options, wish.without, wish.prefer):
        assert all(set(found) <= set(values[option]) for option, found in options.items())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(GOODS), st.data())
def test_every_variant_is_found_by_naming_all_its_options(product, data):
    """Said as "option value", a variant in stock is the one chosen."""
    wanted = data.draw(st.sampled_from([v for v in product.variants if v.available]))
    current = data.draw(st.sampled_from([v for v in product.variants if v is not wanted]))
    said = {"yes": "{o}", "no": "no {o}"}
    text = ", ".join(said.get(v, "{v} {o}").format(o=o, v=v) for o, v in wanted.options.items())
    twins = [v for v in product.variants if v.options == wanted.options]
    if len(twins) == 1:
        assert [v.id for v in match(product, current.id, text).fits] == [wanted.id], text


def test_prices_compare_as_money():
    dear = replace(LAMP, variants=tuple(replace(v, price=v.price * Decimal(100)) for v in LAMP.variants))
    assert fits(dear, "LAMP-3", "a cheaper one") == fits(LAMP, "LAMP-3", "a cheaper one")
