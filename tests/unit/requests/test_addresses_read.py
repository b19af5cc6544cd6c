"""Addresses out of words: written down whole or in part, or pointed at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests.addresses import address_text, complete, missing_parts, point_at, read_address, same_address
from knowledge.models import Address
from tests.unit.requests.shelf import CABIN, HOME, STUDIO, desk, english

FULL = Address("45 Birch Avenue", "Apt 9", "Denver", "CO", "80203", "USA")


@pytest.mark.parametrize(("text", "expected"), [
    ("45 Birch Avenue, Denver, CO 80203", ("45 Birch Avenue", None, "Denver", "CO", "80203")),
    ("Please ship it to 45 Birch Avenue, Apt 9, Denver, Colorado, 80203, USA",
     ("45 Birch Avenue", "Apt 9", "Denver", "CO", "80203")),
    ("it should go to 500 W 7th Street Suite 12 in Austin, Texas 78701",
     ("500 W 7th Street", "Suite 12", "Austin", "TX", "78701")),
    ("221B Baker Street, London NW1 6XE", ("221B Baker Street", None, "London", None, "NW1 6XE")),
    ("19 Elm St, Boise, ID 83702-1100", ("19 Elm St", None, "Boise", "ID", "83702-1100")),
    ("Hauptstraße 5, 10115 Berlin", ("Hauptstraße 5", None, None, None, "10115")),
    ("19 Elm St", ("19 Elm St", None, None, None, None)),
])
def test_an_address_written_down(text, expected):
    found = read_address(text, english())
    assert found is not None
    assert (found.line1, found.line2, found.city, found.state, found.postcode) == expected


@pytest.mark.xfail(strict=True, reason="the street runs on into the next line")
def test_an_address_on_several_lines():
    found = read_address("Mira Holt\n19 Elm St\nBoise, ID\n83702", english())
    assert found == Address("19 Elm St", None, "Boise", "ID", "83702", None)


@pytest.mark.parametrize("text", ["", "no address here", "97205", "order #K10455", "somewhere in Denver", "PO box"])
def test_without_a_street_there_is_no_address(text):
    assert read_address(text, english()) is None


def test_what_is_missing_is_named():
    assert missing_parts(Address("19 Elm St")) == ("city", "postcode")
    assert missing_parts(FULL) == ()


def test_gaps_are_filled_from_what_the_customer_has():
    known = complete(Address("3 Other Road", postcode="31401"), desk())
    assert (known.city, known.state, known.country) == ("Savannah", "GA", "USA")


def test_a_country_is_not_made_up():
    found = read_address("221B Baker Street, London NW1 6XE", english())
    assert found is not None
    assert complete(found, desk()).country != "USA"


@pytest.mark.parametrize(("text", "current", "meant"), [
    ("my default address", STUDIO, HOME), ("the Savannah one", HOME, STUDIO), ("the one in Georgia", HOME, STUDIO),
    ("same as order #K10412", HOME, STUDIO), ("7 Mill Street", HOME, STUDIO), ("to my home address", STUDIO, HOME)])
def test_an_address_pointed_at(text, current, meant):
    assert point_at(text, desk(), current) == [meant]


@pytest.mark.parametrize("text", ["nowhere", "", "the boots", "my friend's place in Tacoma"])
def test_nothing_pointed_at_is_nothing(text):
    assert point_at(text, desk(), HOME) == []


def test_where_it_goes_already_is_not_the_new_address():
    assert point_at("my default address", desk(), HOME) == []


def test_addresses_are_the_same_whatever_case_and_spaces():
    assert same_address(HOME, Address(" 12 orchard row", "APT 3", "portland", "or", "97205 ", "usa"))
    assert not same_address(HOME, CABIN)


def test_an_address_as_one_line():
    assert address_text(FULL) == "45 Birch Avenue, Apt 9, Denver, CO 80203, USA"
    assert address_text(None) == ""


NUMBERS = st.integers(1, 9999).map(str)
STREETS = st.sampled_from(["Birch Avenue", "Elm Street", "Lake Shore Drive", "W 7th Street", "Old Mill Road"])
CITIES = st.sampled_from([("Denver", "CO"), ("Fort Worth", "TX"), ("St Paul", "MN"), ("New York", "NY")])
ZIPS = st.integers(10000, 99999).map(str)
UNITS = st.sampled_from([None, "Apt 4", "Suite 210", "Unit B"])


@settings(max_examples=80)
@given(NUMBERS, STREETS, UNITS, CITIES, ZIPS)
def test_an_address_on_one_line_is_read_back(number, street, unit, place, postcode):
    address = Address(f"{number} {street}", unit, *place, postcode, "USA")
    assert read_address(f"Please send it to {address_text(address)}", english()) == address


@given(st.text(max_size=150))
def test_any_text_may_be_read(text):
    found = read_address(text, english())
    assert found is None or found.line1
    point_at(text, desk(), HOME)
