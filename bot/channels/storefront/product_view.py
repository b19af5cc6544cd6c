"""What a product's page says about its variants, and what one may want to ask about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.actions.saying import money_text
from bot.channels.storefront.shelves import Offer
from knowledge.models import Variant

_FEW = 4
_ASKED = 5


def chosen_variant(offer: Offer, query: Mapping[str, str]) -> Variant:
    """The one the address names (by id, or by option values), else the first there is in stock."""
    variants = offer.product.variants
    named = next((v for v in variants if v.id == query.get("variant")), None)
    wanted = {name: query[name] for name in offer.product.options if name in query}
    fitting = [v for v in variants if all(v.options.get(n) == x for n, x in wanted.items())] or list(variants)
    return named or next((v for v in fitting if v.available), fitting[0])


def stock_words(variant: Variant) -> tuple[str, str]:
    """(state, words)"""
    if not variant.available:
        return "gone", "Sold out in this combination"
    if variant.stock is not None and variant.stock <= _FEW:
        return "few", f"Only {variant.stock} left"
    return "there", "In stock, leaves us the same or the next working day"


def variants_json(offer: Offer) -> list[dict[str, Any]]:
    """For the picker in the page: each combination with its price and state."""
    currency = offer.product.currency
    return [{"id": v.id, "sku": v.sku or "", "options": dict(v.options), "price": money_text(v.price, currency),
             "before": money_text(v.compare_at_price, currency) if v.compare_at_price else "",
             "state": stock_words(v)[0], "words": stock_words(v)[1]} for v in offer.product.variants]


def starters_for(offer: Offer, questions: Sequence[Mapping[str, str]], related: Sequence[Offer] = ()) -> list[str]:
    """The first few questions that this product, among those `related` to it, can answer."""
    product = offer.product
    values = {name: offer.values(name) for name in product.options}
    known = {name for name, found in values.items() if len(found) > 1} | set(product.attributes)
    known |= {"reviews"} if offer.opinions else set()
    known |= {"cheaper"} if any(o.kind == offer.kind and o.price < offer.price for o in related) else set()
    fitting = [q["text"] for q in questions if not q.get("needs") or q["needs"] in known]
    last = {name: found[len(found) // 2 if name == "size" else -1] for name, found in values.items() if found}
    return [text.format_map(last | {"size": last.get("size", ""), "color": last.get("color", "")})
            for text in fitting[:_ASKED]]
