"""Where on the shop's site a message was written: read from what the widget sent, whoever wrote that.

Bounded and typed here; which products and variants there are, the finder knows. Address and title are kept for people
to see and are never instructions to anybody.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from bot.domain.events import PageViewed

MOST_LINES, MOST_OF_ONE = 50, 999
_ID, _TITLE, _URL = 200, 200, 500


def read_page(raw: Mapping[str, Any]) -> PageViewed | None:
    """None when nothing of use is in it; what is malformed is left out, never an error."""
    if not isinstance(raw, Mapping) or not raw:
        return None
    lines = raw.get("cart")
    cart = [line for item in lines[:MOST_LINES] if (line := _line(item))] if isinstance(lines, list) else []
    page = PageViewed(_text(raw.get("url"), _URL), _text(raw.get("title"), _TITLE), _text(raw.get("product_id"), _ID),
                      cart=cart)
    return page if page != PageViewed() else None


def same_page(seen: PageViewed, known: Mapping[str, Any]) -> bool:
    """Whether the tracker knows this page, with this cart, already."""
    return bool(known) and all(getattr(seen, name) == known.get(name) for name in ("url", "product_id", "cart"))


def _line(item: Any) -> dict[str, Any] | None:
    """A line of the cart; None for one without a variant or with an impossible quantity."""
    if not isinstance(item, Mapping):
        return None
    quantity = item.get("quantity", 1)
    product_id, variant_id = _text(item.get("product_id"), _ID), _text(item.get("variant_id"), _ID)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 < quantity <= MOST_OF_ONE or not variant_id:
        return None
    return {"product_id": product_id, "variant_id": variant_id, "quantity": quantity}


def _text(value: Any, limit: int) -> str:
    """One line without control characters; "" for anything that is no text or too long for an id or address."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > 4 * limit:
        return ""
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in value[:limit])
    return " ".join(kept.split())
