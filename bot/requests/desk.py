"""What lies on the counter while one customer is served: their orders, the products in them, and the language's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.requests.lexicon import Lexicon
from bot.requests.mentions import Similar, Thing
from knowledge.models import Address, Customer, Order, OrderLine, OrderStatus, PaymentMethod, Product


class Unlooked(tuple[str, ...]):
    """What retrieval would find, before anybody has looked: empty, and it remembers that somebody would have liked to."""

    missed = False

    def __bool__(self) -> bool:
        self.missed = True
        return False


@dataclass(frozen=True, slots=True)
class Desk:
    customer: Customer
    orders: Sequence[Order]  # newest first
    products: Mapping[str, Product]  # those in the orders
    lexicon: Lexicon
    similar: Similar | None = None
    focus: tuple[str, ...] = ()  # order ids spoken of last, latest first
    focus_lines: tuple[str, ...] = ()  # line keys spoken of last
    found: tuple[str, ...] = ()  # line keys that retrieval takes the words to mean, likeliest first
    focus_product: str = ""  # product id spoken of last
    previous_address: Address | None = None  # the default address before it was changed in this conversation

    def order(self, order_id: str) -> Order | None:
        return next((o for o in self.orders if o.id == order_id), None)

    def line(self, key: str) -> tuple[Order, OrderLine]:
        order_id, line_id = key.rsplit("/", 1)
        order = self.order(order_id)
        line = order.line(line_id) if order else None
        if order is None or line is None:
            raise KeyError(key)
        return order, line

    def line_keys(self, statuses: Sequence[OrderStatus] | None = None, orders: Sequence[str] = ()) -> list[str]:
        """Line keys "order/line" of orders in these statuses, of these orders where any are named."""
        return [
            f"{o.id}/{line.id}"
            for o in self.orders
            if (statuses is None or o.status in statuses) and (not orders or o.id in orders)
            for line in o.lines
        ]

    def thing(self, key: str) -> Thing:
        _, line = self.line(key)
        product = self.products.get(line.product_id)
        also = " ".join([*(product.category if product else ()), *(product.tags if product else ())])
        return Thing(key, line.title, line.options, also)

    def method(self, method_id: str | None) -> PaymentMethod | None:
        return next((m for m in self.customer.payment_methods if m.id == method_id), None)


def paid_with(order: Order) -> str | None:
    """The id of the method that paid the order first."""
    return next((p.method_id for p in order.payments if p.kind == "payment"), None)
