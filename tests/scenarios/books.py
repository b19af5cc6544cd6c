"""The demo shop's own data, to pick customers and orders from by what they are like, never by their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from knowledge.models import Customer, MethodKind, Order, OrderLine, OrderStatus, PaymentMethod, Product, Variant

PENDING, DELIVERED, SHIPPED = OrderStatus.PENDING, OrderStatus.DELIVERED, OrderStatus.SHIPPED
PROCESSED, CANCELLED = OrderStatus.PROCESSED, OrderStatus.CANCELLED


@dataclass(frozen=True, repr=False)
class Books:
    """Everything as generated, before anybody wrote to it."""

    customers: dict[str, Customer]
    orders: tuple[Order, ...]
    products: dict[str, Product]

    def owner(self, order: Order) -> Customer:
        return self.customers[order.customer_id]

    def of(self, customer: Customer, *statuses: OrderStatus) -> list[Order]:
        """Newest first, as the customer sees them."""
        own = [o for o in self.orders if o.customer_id == customer.id and (not statuses or o.status in statuses)]
        return sorted(own, key=lambda o: o.placed_at or 0, reverse=True)    # type: ignore[arg-type,return-value]

    def each(self, *statuses: OrderStatus) -> Iterator[Order]:
        return (o for o in self.orders if o.status in statuses)

    def first(self, status: OrderStatus, *conditions: Callable[[Order], bool]) -> Order:
        """The first order of this status for which all conditions hold. Raises LookupError when the data has none."""
        for order in self.each(status):
            if all(holds(order) for holds in conditions):
                return order
        raise LookupError(f"the demo shop has no {status.value} order like that")

    # --- conditions --------------------------------------------------------------------------------------------------

    def known_by(self, line: OrderLine, order: Order) -> bool:
        """No other order of the customer holds the same product."""
        others = (o for o in self.of(self.owner(order)) if o.id != order.id)
        return not any(x.product_id == line.product_id for o in others for x in o.lines)

    def alone(self, order: Order) -> bool:
        """The only one of its status that its customer has."""
        return len(self.of(self.owner(order), order.status)) == 1

    def only(self, order: Order) -> bool:
        """The customer's only order."""
        return len(self.of(self.owner(order))) == 1

    def paid_by(self, *kinds: MethodKind) -> Callable[[Order], bool]:
        """With one payment, by a method of one of these kinds."""
        def holds(order: Order) -> bool:
            paid = [p for p in order.payments if p.kind == "payment"]
            return len(paid) == 1 and self.method(order).kind in kinds
        return holds

    def has(self, *kinds: MethodKind) -> Callable[[Order], bool]:
        """The customer has a method of each of these kinds."""
        return lambda order: set(kinds) <= {m.kind for m in self.owner(order).payment_methods}

    def single_method(self, order: Order) -> bool:
        return len(self.owner(order).payment_methods) == 1

    def swappable(self, order: Order) -> bool:
        """The first line has another variant in stock."""
        return bool(self.others(order.lines[0]))

    # --- facts -------------------------------------------------------------------------------------------------------

    def method(self, order: Order) -> PaymentMethod:
        """What the order was paid with first."""
        wanted = order.payments[0].method_id
        return next(m for m in self.owner(order).payment_methods if m.id == wanted)

    def gift_card(self, customer: Customer) -> PaymentMethod:
        return next(m for m in customer.payment_methods if m.kind == MethodKind.GIFT_CARD)

    def others(self, line: OrderLine) -> list[Variant]:
        """Other variants of the line's product that are in stock."""
        return [v for v in self.products[line.product_id].variants if v.id != line.variant_id and v.available]

    def near(self, line: OrderLine) -> list[tuple[Variant, str]]:
        """Those of `others` that differ in exactly one option, with words for it: "size L"."""
        found = []
        for variant in self.others(line):
            changed = [(o, v) for o, v in variant.options.items() if line.options.get(o) != v]
            if len(changed) == 1:
                found.append((variant, " ".join(changed[0])))
        return found

    def dearer(self, line: OrderLine) -> list[tuple[Variant, str]]:
        return [(v, words) for v, words in self.near(line) if v.price > line.unit_price]

    def cheaper(self, line: OrderLine) -> list[tuple[Variant, str]]:
        return [(v, words) for v, words in self.near(line) if v.price < line.unit_price]

    def equal(self, line: OrderLine) -> list[tuple[Variant, str]]:
        return [(v, words) for v, words in self.near(line) if v.price == line.unit_price]

    def sold_out(self, line: OrderLine) -> list[tuple[Variant, str]]:
        """Variants without stock that differ from the line in exactly one option."""
        found = []
        for variant in self.products[line.product_id].variants:
            changed = [(o, v) for o, v in variant.options.items() if line.options.get(o) != v]
            if len(changed) == 1 and not variant.available:
                found.append((variant, " ".join(changed[0])))
        return found

    def name(self, line: OrderLine) -> str:
        """What a customer calls it: the title without the brand, in lower case."""
        brand = self.products[line.product_id].brand or ""
        return line.title.removeprefix(brand).strip().lower()


def lines(count: int) -> Callable[[Order], bool]:
    """At least so many."""
    return lambda order: len(order.lines) >= count


def one_line(order: Order) -> bool:
    return len(order.lines) == 1


def different(order: Order) -> bool:
    """No product twice."""
    return len({line.product_id for line in order.lines}) == len(order.lines)


def amount(lines_: Sequence[OrderLine]) -> Decimal:
    return sum((line.unit_price * line.quantity for line in lines_), Decimal(0))


def refunds(order: Order) -> list[tuple[str | None, Decimal]]:
    """(method id, amount) of each refund entry."""
    return [(p.method_id, p.amount) for p in order.payments if p.kind == "refund"]


def returned(order: Order) -> dict[str, int]:
    """Line id → quantity that a return was asked for."""
    return {line_id: quantity for request in order.returns for line_id, quantity in request.lines}
