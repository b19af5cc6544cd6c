"""What the knowledge base needs from outside, and what others may ask of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.models import Customer, Evidence, EvidenceKind, Order, Product, Review

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into unit vectors; the inner product of two is their cosine."""

    dimension: int
    name: str

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One L2-normalised float32 row per text, shape (len(texts), dimension). Thread-safe, blocking."""
        ...


class Catalogue(Protocol):
    """The shop's products, read live."""

    async def product(self, product_id: str) -> Product | None:
        """The product as it is now, or None."""
        ...

    async def products(self, ids: Iterable[str]) -> list[Product]:
        """Those of `ids` that exist, in the order asked for."""
        ...

    async def product_of_variant(self, variant_id: str) -> Product | None:
        """The product that has this variant (by id or SKU), or None."""
        ...

    def all_products(self) -> AsyncIterator[Product]:
        """Every product, streamed."""
        ...

    async def titles(self) -> dict[str, str]:
        """Product id → title, for entity matching."""
        ...

    async def reviews_of(self, product_id: str, limit: int = 100) -> list[Review]:
        """What customers wrote about a product, in file order."""
        ...


class OrderBook(Protocol):
    """Customers and orders as stored. It checks no ownership: only the order service may hold it."""

    async def customer(self, customer_id: str) -> Customer | None: ...

    async def customer_by_email(self, email: str) -> Customer | None:
        """Case-insensitive."""
        ...

    async def customers_by_name(self, first_name: str, last_name: str) -> list[Customer]:
        """Case-insensitive exact names."""
        ...

    async def order(self, order_id: str) -> Order | None: ...

    async def order_by_number(self, number: str) -> Order | None:
        """Any spelling: '#W5918442', 'w5918442', '5918442'."""
        ...

    async def orders_of(self, customer_id: str) -> list[Order]:
        """Newest first; undated ones last, in file order."""
        ...

    async def save(
        self,
        order: Order,
        *,
        customer: Customer | None = None,
        expected: Order | None = None,
        expected_customer: Customer | None = None,
        operation_id: str = "",
    ) -> bool:
        """Write order (and customer, for a gift-card balance) in one transaction.

        False, and nothing written, when the stored order is no longer equal to `expected`, the stored customer
        no longer equal to `expected_customer`, or `operation_id` was applied before.
        """
        ...

    async def save_customer(
        self, customer: Customer, *, expected: Customer | None = None, operation_id: str = ""
    ) -> bool:
        """Write the customer; False when it is no longer equal to `expected` or `operation_id` was applied before."""
        ...

    async def applied(self, operation_id: str) -> bool:
        """Whether a write under this operation id is in the book: what a restart asks after a crash."""
        ...


class BackendState(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # asked, no answer yet: ask `outcome` later, never ask again under a new id


@dataclass(frozen=True, slots=True)
class BackendAnswer:
    state: BackendState
    reason: str = ""  # why refused, in the shop system's words
    reference: str = ""  # the shop system's own reference


class OrderBackend(Protocol):
    """The shop's order system: what is true about a write is what it says (requested → accepted | refused | unknown)."""

    async def request(
        self,
        operation_id: str,
        before: Order | None,
        after: Order | None,
        customer: Customer | None,
        kind: str,
        *,
        customer_before: Customer | None = None,
    ) -> BackendAnswer:
        """Ask for one write. `operation_id` makes it idempotent: the same id twice is one write.

        `customer` is how the customer is left (gift-card balance, default address), None when untouched;
        `customer_before` guards it as `before` guards the order.
        """
        ...

    async def outcome(self, operation_id: str) -> BackendAnswer:
        """What became of an earlier request."""
        ...


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a product must fulfil, parsed from a query or set by a caller."""

    min_price: Any = None  # Decimal | None
    max_price: Any = None
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()  # (option, value) that one variant must have together
    excluded: tuple[str, ...] = ()  # words that must not describe it ("leather")
    in_stock: bool = False

    @property
    def empty(self) -> bool:
        return self == Constraints()


class Search(Protocol):
    """Hybrid search over everything that may be said to anyone."""

    async def search(
        self,
        query: str,
        *,
        kinds: tuple[EvidenceKind, ...] = (),
        constraints: Constraints | None = None,
        limit: int = 10,
        vector: Vectors | None = None,
    ) -> list[Evidence]:
        """Best first. Without `constraints` they are parsed from the query. `vector` saves a second embedding."""
        ...


class OrderLineSearch(Protocol):
    """Search over one customer's own order lines; only the order service calls it."""

    async def search_lines(
        self, owner_id: str, query: str, *, limit: int = 5, vector: Vectors | None = None
    ) -> list[Evidence]:
        """Never returns another owner's line, whatever the query."""
        ...
