"""Why an operation is refused: stable codes. The assistant's response for each is `utter_refused_<code>`.

Facts that come with every code where an order is concerned: `order_number`, `status`, `operation`. Further facts stand
beside the code. Alternatives are names of operations that the rules would allow for that order instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from knowledge.errors import Refused
from knowledge.models import Order
from knowledge.orders.rules import Rules


class Code(StrEnum):
    # the order's state
    CANCEL_NOT_PENDING = "cancel_not_pending"            # the status does not allow cancelling
    CHANGE_NOT_PENDING = "change_not_pending"            # … nor changing address, payment or items
    RETURN_NOT_DELIVERED = "return_not_delivered"
    EXCHANGE_NOT_DELIVERED = "exchange_not_delivered"
    ITEMS_ALREADY_CHANGED = "items_already_changed"      # items were changed once: no more change or cancellation
    EXCHANGE_ALREADY_REQUESTED = "exchange_already_requested"
    TOO_LATE = "too_late"                                # minutes
    WINDOW_CLOSED = "window_closed"                      # days, ended_on
    DATE_UNKNOWN = "date_unknown"                        # a window applies and nobody knows the date
    NOT_OFFERED = "not_offered"                          # the shop has switched this operation off
    # what was named
    REASON_NOT_ACCEPTED = "reason_not_accepted"          # reason, reasons
    NOTHING_NAMED = "nothing_named"
    LINE_UNKNOWN = "line_unknown"                        # line_id
    LINE_TWICE = "line_twice"                            # line_id, title
    QUANTITY_WRONG = "quantity_wrong"                    # title, quantity, available
    WHOLE_LINE_ONLY = "whole_line_only"                  # title, quantity
    NOT_RETURNABLE = "not_returnable"                    # title, category
    VARIANT_UNKNOWN = "variant_unknown"                  # title, variant_id
    VARIANT_OF_OTHER_PRODUCT = "variant_of_other_product"    # title, other
    VARIANT_SAME = "variant_same"                        # title, options
    VARIANT_UNAVAILABLE = "variant_unavailable"          # title, options, stock, quantity
    ADDRESS_INCOMPLETE = "address_incomplete"            # missing (names of fields)
    ADDRESS_SAME = "address_same"
    # money
    METHOD_NEEDED = "method_needed"                      # amount, direction, currency
    METHOD_UNKNOWN = "method_unknown"                    # not one of the customer's own
    METHOD_SAME = "method_same"                          # label
    METHOD_NOT_ALLOWED = "method_not_allowed"            # label, allowed (labels)
    GIFT_CARD_SHORT = "gift_card_short"                  # label, balance, amount, missing
    PAYMENT_NOT_RECORDED = "payment_not_recorded"
    # the confirmation
    ANSWER_PENDING = "answer_pending"                    # an earlier request on it has no answer yet
    BLOCKED_BY_OTHER_REQUEST = "blocked_by_other_request"    # blocked_by: allowed alone, not after that one
    PROPOSAL_OUTDATED = "proposal_outdated"              # the card would look different now; why (a code, or "")
    CONFIRMATION_MISMATCH = "confirmation_mismatch"      # the yes belongs to another card


# What a customer who asks for this may want instead, best first.
_INSTEAD: Mapping[str, tuple[str, ...]] = {
    "cancel_order": ("return_items", "exchange_items"),
    "change_address": (),
    "change_payment": (),
    "change_items": ("exchange_items", "return_items"),
    "return_items": ("cancel_order", "change_items"),
    "exchange_items": ("change_items", "cancel_order"),
}
_PENDING_KINDS = ("cancel_order", "change_address", "change_payment", "change_items")


def alternatives(kind: str, order: Order, rules: Rules) -> tuple[str, ...]:
    """Operations that the order's state would allow instead of `kind`."""
    return tuple(other for other in _INSTEAD.get(kind, ()) if state_allows(other, order, rules))


def state_allows(kind: str, order: Order, rules: Rules) -> bool:
    """Whether status and earlier changes alone would let `kind` happen; items, money and dates are not looked at."""
    rule = getattr(rules, kind)
    if not rule.enabled or order.status not in rule.statuses:
        return False
    return not (kind in _PENDING_KINDS and order.items_changed and not rule.after_items_changed)


def refuse(code: Code, kind: str, order: Order | None = None, rules: Rules | None = None, **facts: Any) -> Refused:
    """A Refused with the facts every response may use; alternatives only where the order's state is the reason."""
    base: dict[str, Any] = {"operation": kind}
    if order is not None:
        base |= {"order_number": order.number, "status": order.status.value}
    others = alternatives(kind, order, rules) if order is not None and rules is not None else ()
    return Refused(code.value, base | facts, others)
