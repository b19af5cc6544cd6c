"""Who counts as identified: complete claims, all of them right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.orders.identity import IdentityService
from knowledge.orders.memory import MemoryOrderBook
from knowledge.orders.rules import Rules
from tests.fakes_orders import ana, ben, orders

NAME = {"first_name": "Ana", "last_name": "Ruiz"}


@pytest.fixture
def service() -> IdentityService:
    twin = replace(ana(), id="C3", email="other.ana@example.com", address=replace(ana().address, postcode="99999"))
    accented = replace(ana(), id="C4", first_name="José", last_name="O'Neil", email="jose@example.com")
    return IdentityService(MemoryOrderBook([ana(), ben(), twin, accented], orders()), Rules())


@pytest.mark.parametrize(("claims", "found"), [
    ({"email": " ANA@Example.com "}, "C1"),
    ({"email": "wrong@example.com, ben@example.com"}, "C2"),
    ({"email": "ana@example.com ben@example.com"}, "C1"),
    ({**NAME, "postcode": "04101"}, "C1"),
    ({"first_name": "ANA", "last_name": "ruiz", "zip": "04101"}, "C1"),
    ({**NAME, "postcode": "99999"}, "C3"),
    ({"first_name": "Ben", "last_name": "Ode", "postcode": "05033"}, "C2"),
    ({"first_name": "Ben", "last_name": "Ode", "postcode": "05033 1200"}, "C2"),
    ({"customer_id": "c2", "postcode": "05033-1200"}, "C2"),
    ({"customer_id": "C2", "postcode": "05033-1200"}, "C2"),
    ({"order_number": "w100", "email": "ana@example.com"}, "C1"),
    ({"order_number": "#W100", "postcode": "04101"}, "C1"),
    ({"order_number": "200", "postcode": "05033"}, "C2"),
    ({"email": "jose@example.com", "first_name": "jose", "last_name": "Oneil"}, "C4"),
    ({"email": "ana@example.com", "phone": "(207) 555-0142"}, "C1"),
    ({}, None),
    (NAME, None),
    ({"postcode": "04101"}, None),
    ({"customer_id": "C1"}, None),
    ({"order_number": "#W100"}, None),
    ({"order_number": "#W100", **NAME}, None),
    ({**NAME, "postcode": "04102"}, None),
    ({"email": "nobody@example.com"}, None),
    ({"email": "ana@example.com", "first_name": "Bea"}, None),
    ({"email": "ana@example.com", "postcode": "99999"}, None),
    ({"email": "ana@example.com", "order_number": "#W200"}, None),
    ({"email": "ana@example.com", "order_number": "#W999"}, None),
    ({"email": "ana@example.com", "customer_id": "C2"}, None),
    ({"email": "ana@example.com", "phone": "+1 207 555 9999"}, None),
    ({"email": "not an address"}, None),
    ({"email": "ana@example.com'--"}, None),
])
async def test_identify(service, claims, found):
    customer = await service.identify(claims)
    assert (customer.id if customer else None) == found


async def test_two_customers_who_fit_alike_are_nobody():
    double = replace(ana(), id="C9", email="second@example.com")
    service = IdentityService(MemoryOrderBook([ana(), double]), Rules())
    assert await service.identify({**NAME, "postcode": "04101"}) is None
    assert (await service.identify({**NAME, "postcode": "04101", "email": "second@example.com"})).id == "C9"


@pytest.mark.parametrize(("claims", "missing"), [
    ({}, ("email",)), ({"email": "a@b.c"}, ()), (NAME, ("postcode",)),
    ({"first_name": "Ana"}, ("last_name", "postcode")),
    ({"customer_id": "C1"}, ("postcode",)), ({"order_number": "#W1"}, ("email",)), ({**NAME, "zip": "1"}, ()),
    ({"postcode": "04101"}, ("customer_id",)),
])
def test_missing_names_what_would_complete_the_nearest_way(service, claims, missing):
    assert service.missing(claims) == missing
