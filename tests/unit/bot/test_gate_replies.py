"""The gate on whole replies about orders: ways of saying a draft that pass, and ways that change what it says."""

from __future__ import annotations

from typing import Any

import pytest

from bot.engine.gate import Gate
from bot.llm.prompt import gate_for

# (draft, facts, what may be said, what may not)
REPLIES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "Order #W1 is processed, and only pending orders can be cancelled.",
        {"order_number": "#W1", "status": "processed"},
        [
            "I'm sorry, order #W1 has already been processed, and I can only cancel pending orders.",
            ("Unfortunately order #W1 is already processed; only orders that are still pending can be cancelled."),
        ],
        [
            "Order #W1 is pending, so I can cancel it.",
            "Good news, order #W1 can be cancelled!",
            "I can cancel processed orders too.",
            "Order #W1 is cancelled.",
        ],
    ),
    (
        (
            "Done: the return for order #W1 is requested. You get back $45.10. It goes to PayPal, within "
            "5 to 7 business days. You'll get an email with how to send it back."
        ),
        {
            "order_number": "#W1",
            "refund": "$45.10",
            "refund_method": "PayPal",
            "refund_timing": "within 5 to 7 business days",
        },
        [
            (
                "Your return for order #W1 has been requested. You'll get $45.10 back to your PayPal "
                "within 5 to 7 business days, and an email will tell you how to send it back."
            ),
            (
                "I've requested the return for order #W1. $45.10 goes back to PayPal in 5-7 business "
                "days. Look out for an email with details on how to send it back."
            ),
        ],
        [
            "Your return for order #W1 was approved.",
            "I've refunded $45.10 to PayPal.",
            "You'll get $45.10 back today.",
            "The return label is attached.",
            "You get $45.10 back as store credit.",
        ],
    ),
    (
        "Your gift card has $20.00 left, and $45.10 is needed, so that isn't enough.",
        {"label": "gift card", "balance": "$20.00", "amount": "$45.10"},
        [
            "Unfortunately your gift card only has $20.00 left, which isn't enough: $45.10 is needed.",
            "There's $20 left on your gift card, but we'd need $45.10.",
        ],
        [
            "Your gift card has $45.10 left.",
            "Your gift card has enough left.",
            "You need to pay the remaining $25.10.",
        ],
    ),
    (
        ("Order #W1 (Norda Jacket) is on its way. Tracking number: 1Z999AA1. Carrier: UPS. Expected: November 24."),
        {
            "order_number": "#W1",
            "items": "Norda Jacket",
            "tracking": "1Z999AA1",
            "carrier": "UPS",
            "eta": "November 24",
        },
        [
            (
                "Great news! Order #W1 with your Norda Jacket is on its way with UPS and expected on "
                "November 24. Your tracking number is 1Z999AA1."
            ),
            (
                "Your Norda Jacket (order #W1) is already on its way! UPS is the carrier, the tracking "
                "number is 1Z999AA1, and it should arrive by November 24."
            ),
        ],
        [
            "Your order #W1 was delivered on November 24.",
            "Your Norda Jacket will be delivered tomorrow by UPS.",
            "Order #W1 is not on its way.",
            "Order #W1 is delayed.",
            "Your tracking number is 1Z999AA2.",
        ],
    ),
    (
        "There is no Norda Jacket with size XL in stock, so I leave that one as it is.",
        {"title": "Norda Jacket", "wish": "size XL"},
        [
            "I'm sorry, the Norda Jacket isn't in stock in size XL, so I'll leave that one as it is.",
            "Sadly we don't have a Norda Jacket in size XL in stock. I'll leave that one as it is.",
        ],
        [
            "The Norda Jacket is in stock in size XL.",
            "I've changed it to size XL.",
            "There is a Norda Jacket in size XL, so I'll exchange it.",
            "Size XL will be back in stock soon.",
        ],
    ),
    (
        "Where should the refund of $45.10 go: PayPal or your Visa?",
        {"amount": "$45.10", "methods": "PayPal or your Visa"},
        [
            "Where would you like the $45.10 refund to go: PayPal or your Visa?",
        ],
        [
            "The refund of $45.10 goes to PayPal.",
            "Would you like $45.10 or $50 back?",
            "Would you like it to go to Mastercard?",
        ],
    ),
    (
        ("The order system did not accept this for order #W1, so nothing was changed. Reason: already packed."),
        {"order_number": "#W1", "reason": "already packed"},
        [
            (
                "I'm afraid the order system didn't accept this for order #W1, because it is already "
                "packed. Nothing was changed."
            ),
            (
                "Sorry, nothing was changed for order #W1: the order system did not accept it. The reason"
                " given is: already packed."
            ),
        ],
        [
            "Order #W1 was changed.",
            "The order system accepted this for order #W1.",
            "I've changed order #W1.",
        ],
    ),
    (
        (
            "A cancellation can't be undone here, I'm sorry. You can place the order again in the shop, "
            "or I can bring in a person."
        ),
        {},
        [
            (
                "I'm sorry, but a cancellation can't be undone here. You could place the order again in "
                "the shop, or I can bring in a person."
            ),
            (
                "Sorry, I can't undo a cancellation here. You can order again in the shop, or I could "
                "bring in a person if you like."
            ),
        ],
        [
            "I can undo the cancellation.",
            "I've placed the order again.",
            "I've brought in a person.",
            "A person will call you.",
        ],
    ),
    (
        "The Norda Jacket (red, M) is $120.00. The Alpha Tent (green) is $80.00.",
        {
            "lines": [
                {"title": "Norda Jacket", "options": "red, M", "price": "$120.00"},
                {"title": "Alpha Tent", "options": "green", "price": "$80.00"},
            ]
        },
        [
            "The Norda Jacket in red, size M, costs $120, and the Alpha Tent in green is $80.",
            "Norda Jacket (red, M): $120.00\nAlpha Tent (green): $80.00",
        ],
        [
            "The green Norda Jacket is $120.",
            "The Alpha Tent in red is $80.",
            "Together they cost $200.",
            "The Norda Jacket is $80.",
        ],
    ),
]


@pytest.fixture(scope="module")
def gate() -> Gate:
    found = gate_for("en")
    assert found is not None
    return found


@pytest.mark.parametrize(("draft", "facts", "said"), [(d, f, t) for d, f, good, _ in REPLIES for t in good])
def test_the_same_in_other_words_is_said(gate: Gate, draft: str, facts: dict[str, Any], said: str) -> None:
    result = gate.check(said, draft, facts)
    assert result.complete and not result.dropped, result


@pytest.mark.parametrize(("draft", "facts", "said"), [(d, f, t) for d, f, _, bad in REPLIES for t in bad])
def test_what_changes_the_meaning_is_dropped(gate: Gate, draft: str, facts: dict[str, Any], said: str) -> None:
    assert gate.check(said, draft, facts).dropped
