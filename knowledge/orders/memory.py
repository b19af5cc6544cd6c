"""Catalogue and order book in memory: complete implementations for tests, trials and very small shops.

They keep nothing on disk and know no rules; ownership is the order service's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

from knowledge.keys import digits, folded, letters_and_digits
from knowledge.models import Customer, Order, Product, Review

_EARLIEST = datetime.min.replace(tzinfo=UTC)


class MemoryCatalogue:
    """Catalogue over a list of products."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._products = {p.id: p for p in products}
        self._by_variant = {key: p for p in self._products.values() for v in p.variants for key in (v.sku, v.id) if key}

    def put(self, product: Product) -> None:
        """Add or replace a product, as an ingest would."""
        self._products[product.id] = product
        self._by_variant |= {key: product for v in product.variants for key in (v.sku, v.id) if key}

    async def product(self, product_id: str) -> Product | None:
        return self._products.get(product_id)

    async def products(self, ids: Iterable[str]) -> list[Product]:
        return [self._products[i] for i in ids if i in self._products]

    async def product_of_variant(self, variant_id: str) -> Product | None:
        return self._by_variant.get(variant_id)

    async def all_products(self) -> AsyncIterator[Product]:
        for product in list(self._products.values()):
            yield product

    async def reviews_of(self, product_id: str, limit: int = 100) -> list[Review]:
        """It keeps none."""
        return []

    async def titles(self) -> dict[str, str]:
        return {p.id: p.title for p in self._products.values()}


class MemoryOrderBook:
    """OrderBook over dictionaries. No await inside a write, so a write is atomic within one event loop."""

    def __init__(self, customers: Iterable[Customer] = (), orders: Iterable[Order] = ()) -> None:
        self._customers = {c.id: c for c in customers}
        self._orders = {o.id: o for o in orders}
        self._applied: set[str] = set()

    async def customer(self, customer_id: str) -> Customer | None:
        return self._customers.get(customer_id)

    async def customer_by_email(self, email: str) -> Customer | None:
        wanted = folded(email)
        return next((c for c in self._customers.values() if wanted and folded(c.email) == wanted), None)

    async def customers_by_name(self, first_name: str, last_name: str) -> list[Customer]:
        wanted = (folded(first_name), folded(last_name))
        if None in wanted:
            return []
        return [c for c in self._customers.values() if (folded(c.first_name), folded(c.last_name)) == wanted]

    async def order(self, order_id: str) -> Order | None:
        return self._orders.get(order_id)

    async def order_by_number(self, number: str) -> Order | None:
        """Letters and digits decide; digits alone are enough where only one order has them."""
        key = letters_and_digits(number)
        found = [o for o in self._orders.values() if key and letters_and_digits(o.number) == key]
        if found or not key or key != digits(key):
            return found[0] if found else None
        found = [o for o in self._orders.values() if digits(o.number) == key]
        return found[0] if len(found) == 1 else None

    async def orders_of(self, customer_id: str) -> list[Order]:
        own = [o for o in self._orders.values() if o.customer_id == customer_id]
        dated = sorted((o for o in own if o.placed_at), key=lambda o: o.placed_at or _EARLIEST, reverse=True)
        return dated + [o for o in own if o.placed_at is None]

    async def save(self, order: Order, *, customer: Customer | None = None, expected: Order | None = None,
                   expected_customer: Customer | None = None, operation_id: str = "") -> bool:
        if operation_id and operation_id in self._applied:
            return False
        if expected is not None and self._orders.get(order.id) != expected:
            return False
        if customer is not None and expected_customer is not None \
                and self._customers.get(customer.id) != expected_customer:
            return False
        self._orders[order.id] = order
        if customer is not None:
            self._customers[customer.id] = customer
        self._note(operation_id)
        return True

    async def save_customer(self, customer: Customer, *, expected: Customer | None = None,
                            operation_id: str = "") -> bool:
        if operation_id and operation_id in self._applied:
            return False
        if expected is not None and self._customers.get(customer.id) != expected:
            return False
        self._customers[customer.id] = customer
        self._note(operation_id)
        return True

    async def applied(self, operation_id: str) -> bool:
        return operation_id in self._applied

    def _note(self, operation_id: str) -> None:
        if operation_id:
            self._applied.add(operation_id)
