"""Which of the customer's payment methods their words mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.requests.lexicon import Lexicon
from knowledge.models import MethodKind, PaymentMethod

STORE_CREDIT = "store_credit"


def choose_methods(
    text: str, methods: Sequence[PaymentMethod], original: str | None, lexicon: Lexicon
) -> list[PaymentMethod]:
    """The methods that fit, none when the text names none; "original" and "the other one" need `original`."""
    text = lexicon.pattern("method_dropped").sub(" ", text)
    by_id = [m for m in methods if m.id.lower() in text.lower()]
    if by_id:
        return by_id
    named = _named(text, methods, lexicon)
    if named:
        return named
    if lexicon.said(text, "method_other") and original:
        others = [m for m in methods if m.id != original]
        kinds = set(lexicon.which(text, "method"))
        return [m for m in others if m.kind.value in kinds] or others
    if lexicon.said(text, "method_original") and original:
        return [m for m in methods if m.id == original]
    return []


def names_method(text: str, lexicon: Lexicon) -> bool:
    """The text speaks of a way to pay, whether or not the customer has it."""
    return any(lexicon.said(text, section) for section in ("method_original", "method_other", "store_credit")) or bool(
        lexicon.which(text, "method")
    )


def _named(text: str, methods: Sequence[PaymentMethod], lexicon: Lexicon) -> list[PaymentMethod]:
    ending = set(re.findall(r"\b(\d{4})\b", text))
    by_ending = [m for m in methods if any(m.label.endswith(e) for e in ending)]
    if by_ending:
        return by_ending
    brands = lexicon.which(text, "card_brand")
    by_brand = [m for m in methods if any(b in m.label.lower() for b in brands)]
    if by_brand:
        return by_brand
    if brands:
        return []
    if lexicon.said(text, "method_other") and not {"paypal", "gift_card"} & set(lexicon.which(text, "method")):
        return []
    kinds = _unnegated_kinds(text, lexicon)
    if kinds == ["credit_card"] and lexicon.said(text, "method_original"):
        return []
    return [m for kind in kinds[:1] for m in methods if m.kind == MethodKind(kind)]


def _unnegated_kinds(text: str, lexicon: Lexicon) -> list[str]:
    """Kinds in the order said, without those spoken of as not wanted ("not my gift card")."""
    found: list[tuple[int, str]] = []
    taken: list[tuple[int, int]] = []
    for kind in ("paypal", "gift_card", "credit_card"):
        for match in lexicon.pattern("method", kind).finditer(text):
            if any(a < match.end() and match.start() < b for a, b in taken):
                continue
            taken.append(match.span())
            before = text[max(0, match.start() - 18) : match.start()]
            if not lexicon.said(re.split(r"[,.;]", before)[-1], "negation"):
                found.append((match.start(), kind))
    return list(dict.fromkeys(kind for _, kind in sorted(found)))
