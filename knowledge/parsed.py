"""Stored bodies as models, each text parsed once. What comes back is shared: nobody changes it.

The text itself is the key, so a row that was written meanwhile is another text and read anew.
"""

from __future__ import annotations

from functools import lru_cache

from knowledge import stored
from knowledge.models import Customer, Order, Product

_PRODUCTS, _PEOPLE = 2048, 1024      # some 10 KB each with its text


@lru_cache(maxsize=_PRODUCTS)
def product_of(body: str) -> Product:
    return stored.product_from(body)


@lru_cache(maxsize=_PEOPLE)
def customer_of(body: str) -> Customer:
    return stored.customer_from(body)


@lru_cache(maxsize=4 * _PEOPLE)
def order_of(body: str) -> Order:
    return stored.order_from(body)
