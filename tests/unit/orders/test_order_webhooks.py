"""Outgoing webhooks are signed so that any Standard Webhooks library can check them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from knowledge.errors import ConfigError, Forbidden
from knowledge.orders.operations import CancelOrder
from knowledge.orders.webhooks import event_body, new_secret, signed_headers, verify
from tests.fakes_orders import NOW, carry_out, open_desk

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def signed(*secrets: str) -> tuple[dict[str, str], bytes]:
    desk = open_desk()
    await carry_out(desk, CancelOrder("100", "no longer needed"))
    [event] = await desk.events.after(0)
    body = event_body(event)
    return signed_headers(event.operation_id, body, secrets, NOW), body


def test_the_signature_is_the_one_of_the_specifications_example():
    body = b'{"test": 2432232314}'
    at = NOW.fromtimestamp(1614265330, NOW.tzinfo)
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", body, [SECRET], at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_receiver_checks_the_body_and_reads_the_native_order():
    headers, body = await signed(SECRET)
    verify(headers, body, SECRET, NOW)
    payload = json.loads(body)
    assert (payload["type"], payload["data"]["number"]) == ("order.cancelled", "#W100")
    assert payload["data"]["payments"][-1] == {"kind": "refund", "amount": "105.00", "method_id": "visa"}


async def test_while_a_secret_is_replaced_both_fit():
    old, new = new_secret(), new_secret()
    headers, body = await signed(new, old)
    verify(headers, body, old, NOW)
    verify(headers, body, new, NOW)


async def test_a_changed_body_a_wrong_secret_an_old_stamp_and_missing_headers_are_turned_away():
    headers, body = await signed(SECRET)
    for head, content, secret, at in (
            (headers, body + b" ", SECRET, NOW), (headers, body, new_secret(), NOW),
            (headers, body, SECRET, NOW + timedelta(minutes=6)), ({}, body, SECRET, NOW)):
        with pytest.raises(Forbidden):
            verify(head, content, secret, at)


@pytest.mark.parametrize("secret", ["whsec_short", "whsec_c2hvcnQ=", "whsec_***"])
def test_a_secret_that_is_too_short_or_not_base64_is_named(secret):
    with pytest.raises(ConfigError, match="webhook secret"):
        signed_headers("m", b"", [secret], NOW)
