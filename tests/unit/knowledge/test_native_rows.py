"""Native rows to things and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_files import CUSTOMER, ORDER, PRODUCT

from knowledge import native, stored
from knowledge.native_fields import FieldError

FULL_ORDER: dict[str, Any] = {
    "id": "O55", "number": "#W5918442", "customer_id": "C7", "status": "delivered", "placed_at": "2026-11-02T10:00:00Z",
    "currency": "EUR",
    "address": {"line1": "a", "line2": None, "city": "b", "state": None, "postcode": "c", "country": "d"},
    "lines": [{"id": "L1", "product_id": "P100", "variant_id": "V1", "title": "Shoe", "options": {"size": "42"},
               "quantity": 2, "unit_price": "129.90", "extra": {"engraving": "A"}}],
    "fulfillments": [{"carrier": "UPS", "tracking_number": "1Z", "status": "in_transit", "eta": "2026-11-24",
                      "line_ids": ["L1"]}],
    "payments": [{"kind": "payment", "amount": "259.80", "method_id": "PM1"}],
    "delivered_at": "2026-11-05T09:30:00.250000Z", "items_changed": True, "cancel_reason": None,
    "returns": [{"lines": [{"line_id": "L1", "quantity": 1}], "refund_method_id": "PM1"}],
    "exchanges": [{"line_id": "L1", "new_variant_id": "V2", "method_id": "PM1"}], "extra": {"channel": "web"}}


def test_an_order_goes_round_unchanged() -> None:
    assert native.order_to(native.order_from(FULL_ORDER)) == FULL_ORDER


def test_what_is_missing_is_written_in_full() -> None:
    row = native.order_to(native.order_from(ORDER))
    assert row["items_changed"] is False and row["returns"] == [] and row["exchanges"] == []
    assert row["cancel_reason"] is None and row["delivered_at"] is None and row["currency"] == "USD"
    assert native.product_to(native.product_from(PRODUCT))["variants"][0]["compare_at_price"] is None


def test_an_empty_string_equals_null() -> None:
    customer = native.customer_from({**CUSTOMER, "phone": "", "email": "", "address": "", "payment_methods": ""})
    assert (customer.phone, customer.email, customer.address, customer.payment_methods) == (None, None, None, ())


def test_unknown_fields_are_kept_under_extra_however_often_a_row_goes_round() -> None:
    once = native.product_to(native.product_from({**PRODUCT, "weight": 3, "extra": {"hs_code": "64"}}))
    assert once["extra"] == {"hs_code": "64", "weight": 3}
    assert native.product_to(native.product_from(once)) == once


@pytest.mark.parametrize(("written", "read"), [
    ("2026-11-02T10:00:00+02:00", datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ("2026-11-02 10:00:00", datetime(2026, 11, 2, 10, tzinfo=UTC)), ("2026-11-02", datetime(2026, 11, 2, tzinfo=UTC))])
def test_times_are_utc(written: str, read: datetime) -> None:
    assert native.order_from({**ORDER, "placed_at": written}).placed_at == read


@pytest.mark.parametrize("written", ["129.90", 129.9, " 129.90 "])
def test_amounts_may_be_text_or_numbers(written: Any) -> None:
    product = native.product_from({**PRODUCT, "variants": [{"id": "V1", "price": written}]})
    assert product.variants[0].price == Decimal("129.9")


def test_ids_may_be_numbers() -> None:
    assert native.product_from({**PRODUCT, "id": 12}).id == "12"


@pytest.mark.parametrize(("row", "field"), [
    ({**PRODUCT, "tags": "sale"}, "tags"), ({**PRODUCT, "title": {"en": "x"}}, "title"),
    ({**PRODUCT, "id": True}, "id"),
    ({**PRODUCT, "attributes": [1]}, "attributes"), ({**PRODUCT, "id": "x" * 600}, "id"),
    ({**PRODUCT, "variants": [{"id": "V", "price": 1, "stock": 1.5}]}, "variants[0].stock")])
def test_a_field_of_the_wrong_shape_is_named(row: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        native.product_from(row)
    assert caught.value.field == field


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6)


@given(st.sampled_from([(PRODUCT, native.product_from), (CUSTOMER, native.customer_from), (ORDER, native.order_from)]),
       st.data(), json_values)
def test_a_damaged_row_is_read_or_refused_and_nothing_else(case: Any, data: st.DataObject, value: Any) -> None:
    row, read = case
    names = [*row, "address", "variants", "payments", "returns", "exchanges", "fulfillments", "placed_at", "currency"]
    try:
        read({**row, data.draw(st.sampled_from(names)): value})
    except FieldError as error:
        assert error.field


@given(st.sampled_from([
    (PRODUCT, native.product_from, native.product_to, stored.product_from),
    (CUSTOMER, native.customer_from, native.customer_to, stored.customer_from),
    (FULL_ORDER, native.order_from, native.order_to, stored.order_from)]), st.data(), json_values)
def test_a_stored_row_is_read_quickly_as_it_is_read_with_care(case: Any, data: st.DataObject, value: Any) -> None:
    """Whatever came in and could be read."""
    whole, read, write, read_stored = case
    names = [*whole, "address", "variants", "payments", "returns", "exchanges", "fulfillments", "extra"]
    try:
        body = native.compact(write(read({**whole, data.draw(st.sampled_from(names)): value})))
    except (FieldError, ValueError):
        return
    assert read_stored(body) == read(json.loads(body))


def test_a_row_of_another_shape_is_read_with_care() -> None:
    """By another version, or by hand."""
    assert stored.product_from(json.dumps(PRODUCT)) == native.product_from(PRODUCT)
    assert stored.order_from(json.dumps(ORDER)) == native.order_from(ORDER)
    assert stored.customer_from(json.dumps(CUSTOMER)) == native.customer_from(CUSTOMER)
    with pytest.raises(FieldError):
        stored.order_from(json.dumps({**FULL_ORDER, "status": "lost"}))
