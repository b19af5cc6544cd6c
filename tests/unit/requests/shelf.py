"""A small shop of mixed goods and two customers with orders, for tests of what customers' words mean.

Options of every kind stand on it: numbers with units, scales (S, M, L), yes and no, and free words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from bot.assistant_files import SHIPPED
from bot.requests.desk import Desk
from bot.requests.lexicon import Lexicon, load_lexicon
from knowledge.models import (
    Address,
    Customer,
    Fulfillment,
    MethodKind,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentMethod,
    Product,
    Variant,
)

NOW = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)
HOME = Address("12 Orchard Row", "Apt 3", "Portland", "OR", "97205", "USA")
CABIN = Address("880 Lake Shore", None, "Tacoma", "WA", "98402", "USA")
STUDIO = Address("7 Mill Street", None, "Savannah", "GA", "31401", "USA")


@cache
def english() -> Lexicon:
    return load_lexicon(SHIPPED / "en" / "lexicon.yml", "en")


def _product(key: str, title: str, category: str, rows: Mapping[str, tuple[Any, ...]], *options: str,
             attributes: Mapping[str, Any] | None = None) -> Product:
    """`rows`: variant id → (price, stock, value of each option …)."""
    variants = tuple(Variant(i, Decimal(row[0]), f"SKU-{i}", dict(zip(options, row[2:], strict=True)), stock=row[1])
                     for i, row in rows.items())
    return Product(key, title, variants, category=(category,), options=options, attributes=attributes or {})


KEYBOARD = _product("KEY", "Typist Keyboard", "Computers", {
    "KEY-1": ("89.00", 4, "tactile", "RGB", "full size"), "KEY-2": ("79.00", 4, "tactile", "none", "full size"),
    "KEY-3": ("95.00", 0, "clicky", "RGB", "full size"), "KEY-4": ("82.00", 3, "clicky", "none", "full size"),
    "KEY-5": ("76.00", 5, "clicky", "RGB", "compact"), "KEY-6": ("99.00", 2, "silent", "white", "full size"),
}, "switches", "backlight", "layout", attributes={"weight": "1.1 kg", "cable length": "180 cm"})
LAMP = _product("LAMP", "Reading Lamp", "Lighting", {
    "LAMP-1": ("24.00", 9, "300 lumen", "black", "no"), "LAMP-2": ("31.00", 9, "600 lumen", "black", "yes"),
    "LAMP-3": ("39.50", 9, "900 lumen", "black", "yes"), "LAMP-4": ("33.00", 0, "600 lumen", "brass", "yes"),
    "LAMP-5": ("26.00", None, "300 lumen", "brass", "no"),
}, "brightness", "color", "dimmable", attributes={"warranty": "3 years"})
BOOTS = _product("BOOT", "Trail Boots", "Shoes", {
    "BOOT-1": ("140.00", 2, "41", "leather", "yes"), "BOOT-2": ("140.00", 2, "42", "leather", "yes"),
    "BOOT-3": ("118.00", 2, "42", "synthetic", "no"), "BOOT-4": ("125.00", 2, "43", "synthetic", "yes"),
    "BOOT-5": ("140.00", 0, "43", "leather", "yes"),
}, "size", "material", "waterproof")
SHIRT = _product("TEE", "Cotton T-Shirt", "Clothing", {
    "TEE-1": ("18.00", 7, "S", "navy"), "TEE-2": ("18.00", 7, "M", "navy"), "TEE-3": ("18.00", 7, "L", "navy"),
    "TEE-4": ("20.00", 7, "M", "olive"), "TEE-5": ("20.00", 7, "XL", "olive"), "TEE-6": ("20.00", 0, "L", "olive"),
}, "size", "color")
KETTLE = _product("KET", "Tea Kettle", "Kitchen", {
    "KET-1": ("35.00", 5, "1 liter", "steel"), "KET-2": ("42.00", 5, "1.5 liter", "steel"),
    "KET-3": ("49.00", 5, "2 liter", "steel"), "KET-4": ("45.00", 5, "1.5 liter", "glass"),
}, "capacity", "material")
LAPTOP = _product("LAP", "Travel Laptop", "Computers", {
    "LAP-1": ("999.00", 2, "13-inch", "256GB", "i5"), "LAP-2": ("1149.00", 2, "13-inch", "512GB", "i5"),
    "LAP-3": ("1399.00", 2, "15-inch", "512GB", "i7"), "LAP-4": ("1599.00", 2, "15-inch", "1TB", "i7"),
}, "screen size", "storage", "processor")
PUZZLE = _product("PUZ", "Jigsaw Puzzle", "Games", {
    "PUZ-1": ("14.00", 8, "500", "harbour", "beginner"), "PUZ-2": ("19.00", 8, "1000", "harbour", "intermediate"),
    "PUZ-3": ("26.00", 8, "2000", "harbour", "expert"), "PUZ-4": ("21.00", 8, "1000", "forest", "intermediate"),
}, "pieces", "motif", "difficulty level")
BACKPACK = _product("PACK", "City Backpack", "Bags", {
    "PACK-1": ("60.00", 3, "20 l", "grey", "yes"), "PACK-2": ("72.00", 3, "30 l", "grey", "yes"),
    "PACK-3": ("55.00", 3, "20 l", "red", "no"),
}, "capacity", "color", "rain cover")
GOODS = (KEYBOARD, LAMP, BOOTS, SHIRT, KETTLE, LAPTOP, PUZZLE, BACKPACK)

VISA = PaymentMethod("pm_visa_1", MethodKind.CREDIT_CARD, "visa ending in 4417")
PAYPAL = PaymentMethod("pm_paypal_1", MethodKind.PAYPAL, "paypal")
GIFT = PaymentMethod("pm_gift_1", MethodKind.GIFT_CARD, "gift card ending in 0092", Decimal("80.00"))
MIRA = Customer("mira_holt_7712", "Mira", "Holt", "mira.holt@example.com", "+1 503 555 0117", "en", HOME,
                (VISA, PAYPAL, GIFT))
JON = Customer("jon_vask_2040", "Jon", "Vask", "jon@example.org", address=CABIN,
               payment_methods=(PaymentMethod("pm_mc_9", MethodKind.CREDIT_CARD, "mastercard ending in 5120"),))


def line(key: str, variant_id: str, quantity: int = 1) -> OrderLine:
    product = next(p for p in GOODS if p.variant(variant_id))
    variant = product.variant(variant_id)
    assert variant is not None
    return OrderLine(key, product.id, variant.id, product.title, variant.price, variant.options, quantity)


def order(key: str, status: str, *variants: str, days: int | None = None, customer: str = MIRA.id,
          address: Address | None = HOME, method: str = VISA.id, **more: Any) -> Order:
    """Lines L1, L2 … of the variants, placed `days` ago (None: the shop does not say)."""
    lines = tuple(line(f"L{n}", v) for n, v in enumerate(variants, 1))
    total = sum((x.unit_price for x in lines), Decimal(0))
    placed = NOW - timedelta(days=days) if days is not None else None
    return Order(key, f"#K{key}", customer, OrderStatus(status), lines, placed, "USD", address,
                 payments=(Payment("payment", total, method),), **more)


def orders() -> list[Order]:
    """Mira's, newest first, then Jon's."""
    shipped = (Fulfillment("Parcel Post", "PP900112", "in_transit", "2026-09-17"),)
    return [
        order("10455", "pending", "KEY-1", "LAMP-1", days=1),
        order("10412", "pending", "PUZ-2", "LAP-2", days=3, address=STUDIO, method=PAYPAL.id),
        order("10388", "shipped", "TEE-1", days=6, fulfillments=shipped),
        order("10301", "delivered", "BOOT-2", "TEE-2", "KET-2", days=20, delivered_at=NOW - timedelta(days=14)),
        order("10267", "delivered", "LAMP-2", "LAMP-3", "PACK-1", days=40, method=PAYPAL.id),
        order("20111", "pending", "KEY-2", days=2, customer=JON.id, address=CABIN, method="pm_mc_9"),
        order("20095", "delivered", "BOOT-1", days=30, customer=JON.id, address=CABIN, method="pm_mc_9"),
    ]


PENDING, DELIVERED = (OrderStatus.PENDING,), (OrderStatus.DELIVERED,)


def desk(*own: Order, customer: Customer = MIRA, **more: Any) -> Desk:
    """Mira at the counter with her orders, or with just those given."""
    found = list(own) or [o for o in orders() if o.customer_id == customer.id]
    return Desk(customer, found, {p.id: p for p in GOODS}, english(), **more)
