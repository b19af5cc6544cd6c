"""Kinds of acts and the flows they start; and the parts of a message, each one act with its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.nlu.entities import order_numbers
from bot.nlu.intents import Intent, IntentModel, read_intent
from bot.requests.lexicon import Lexicon
from bot.requests.segments import segments

WRITES: Mapping[str, str] = {
    "cancel_order": "cancel_order",
    "remove_item": "cancel_order",
    "return_items": "return_items",
    "exchange_items": "swap_items",
    "change_items": "swap_items",
    "change_address": "change_address",
    "change_default_address": "change_default_address",
    "change_payment": "change_payment",
    "missing_item_or_damaged": "open_case",
    "complaint": "open_case",
}
READS: Mapping[str, str] = {
    "track_order": "track_order",
    "order_details": "order_details",
    "order_history": "order_history",
    "order_totals": "order_totals",
    "refund_status": "refund_status",
    "undo_cancellation": "undo_cancellation",
    "reorder": "reorder",
    "invoice_copy": "invoice_copy",
    "split_payment": "split_payment",
    "case_status": "case_status",
    "product_search": "product_search",
    "recommend": "product_search",
    "product_question": "product_question",
    "product_options_count": "product_options",
    "availability": "availability",
    "cheapest_or_most_expensive": "price_extreme",
    "compare_products": "compare_products",
    "cart_contents": "cart_contents",
    "policy_question": "policy_question",
    "promotions": "policy_question",
    "gift_card_balance": "gift_card_balance",
    "profile_info": "profile_info",
}
CASES = frozenset({"missing_item_or_damaged", "complaint"})
ADDRESSES = frozenset({"change_address", "change_default_address"})
TALK = frozenset(
    {"greet", "goodbye", "thanks", "chitchat", "bot_abilities", "insult", "no_more", "feedback_positive", "wait"}
)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the message that asks for one thing."""

    intent: Intent
    text: str

    @property
    def flow(self) -> str:
        return WRITES.get(self.intent.label) or READS.get(self.intent.label, "")



def parts_of(
    text: str, model: IntentModel, lexicon: Lexicon, product_in_focus: bool = False, not_owned: bool = False
) -> list[Part]:
    """The message cut into parts, each with the act it is.

    `product_in_focus`: a product was shown or looked at last, no order; `not_owned`: and it is none of the customer's.
    """
    pieces = [piece for segment in segments(text, lexicon) for piece in _split_lead_in(segment, lexicon)]
    ranked = model.classify(pieces) if pieces else []
    parts = [
        Part(act_of(piece, rank, lexicon, product_in_focus), piece) for piece, rank in zip(pieces, ranked, strict=True)
    ]
    return [before_buying(part, lexicon) for part in parts] if not_owned else parts


def act_of(piece: str, ranked: Sequence[tuple[str, float]], lexicon: Lexicon, product_in_focus: bool) -> Intent:
    """The act of one piece, from likelihoods, cues and what was spoken of."""
    intent = _about_own_things(read_intent(piece, ranked, lexicon), piece, lexicon)
    return _about_focus(intent, piece, lexicon, product_in_focus)


def read_part(text: str, lexicon: Lexicon) -> str:
    """The act that cues alone give the first part of a text."""
    pieces = segments(text, lexicon)
    return read_intent(pieces[0], (), lexicon).label if pieces else ""


def _split_lead_in(segment: str, lexicon: Lexicon) -> list[str]:
    """ "Hello, I have some boots …": the greeting apart from what follows."""
    match = lexicon.pattern("lead_ins").match(segment)
    rest = segment[match.end() :].lstrip(" ,!.:-–") if match else ""
    return [segment[: match.end()], rest] if match and len(rest.split()) >= 3 else [segment]


ABOUT_PRODUCTS = frozenset(
    {"product_search", "product_question", "compare_products", "product_options_count", "availability", "recommend"}
)
OPTIONS = frozenset(
    {"product_options_count", "availability", "cheapest_or_most_expensive", "product_question", "product_search"}
)


def _about_own_things(intent: Intent, text: str, lexicon: Lexicon) -> Intent:
    """Questions about what one has bought are about orders, not the catalogue."""
    if (
        intent.label in (*ABOUT_PRODUCTS, "reorder")
        and (order_numbers(text) or lexicon.said(text, "own_thing"))
        and not lexicon.said(text, "wants_new")
    ):
        return replace(intent, label="order_details")
    if intent.label in ("order_totals", "order_details", "product_search") and lexicon.said(text, "cues", "cart_contents"):
        return replace(intent, label="cart_contents")
    if intent.label == "change_payment" and lexicon.said(text, "difference_words"):
        return replace(intent, label="", confidence=0.0)
    if intent.label == "cheapest_or_most_expensive" and (lexicon.said(text, "own_thing") or order_numbers(text)):
        return replace(intent, label="order_totals")
    return intent


def _about_focus(intent: Intent, text: str, lexicon: Lexicon, product_in_focus: bool) -> Intent:
    """ "How much is it?" after a product was shown is about that product."""
    short = len(text.split()) <= 7 and lexicon.said(text, "reference")
    if (
        product_in_focus
        and short
        and intent.label in ("order_totals", "order_details")
        and not lexicon.said(text, "own_thing")
    ):
        return replace(intent, label="product_options_count")
    return intent


def before_buying(part: Part, lexicon: Lexicon) -> Part:
    """ "Can I return this if it doesn't fit?" of something one looks at asks for the shop's terms, and starts nothing."""
    terms = lexicon.data.get("terms_question", {}).get(part.intent.label)
    asks = lexicon.said(part.text, "may_i") and not lexicon.said(part.text, "own_thing") and not order_numbers(part.text)
    return Part(replace(part.intent, label="policy_question"), str(terms)) if terms and asks else part
