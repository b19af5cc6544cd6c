"""Shopify's exports, laid out as Shopify writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from knowledge.errors import DataError
from knowledge.ingest import ingest_files
from knowledge.models import MethodKind, OrderStatus
from knowledge.store import Knowledge, open_knowledge

PRODUCTS = """\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,\
Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,\
Variant Inventory Policy,Variant Price,Variant Compare At Price,Image Src,Status
trail-shoe,Trail Shoe,"<p>Grips on
wet <b>rock</b>.</p>",Norda,Shoes > Running,Shoes,"trail, run",true,Color,Red,Size,42,,,TS-R-42,shopify,3,deny,\
"1,129.90",1200,https://img/1.jpg,active
trail-shoe,,,,,,,,,Red,,43,,,TS-R-43,shopify,0,deny,129.90,,https://img/2.jpg,
trail-shoe,,,,,,,,,Blue,,42,,,,,,deny,119.90,,,
trail-shoe,,,,,,,,,,,,,,,,,,,,https://img/3.jpg,
mug,Mug,,Acme,,Kitchen,,true,Title,Default Title,,,,,'007,shopify,-2,continue,8,,,active
hidden,Hidden,,Acme,,,,false,Title,Default Title,,,,,H1,shopify,1,deny,8,,,draft
"""

ORDERS = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Total,\
Discount Code,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Lineitem fulfillment status,\
Shipping Name,Shipping Address1,Shipping Address2,Shipping City,Shipping Zip,Shipping Province,Shipping Country,\
Cancelled at,Payment Method,Refunded Amount,Id
#1002,Ana@Example.com,partially_refunded,2026-03-02 09:00:00 -0500,fulfilled,2026-03-03 09:00:00 -0500,EUR,267.80,5,0,\
272.80,,2026-03-02 08:59:00 -0500,2,Trail Shoe - Red / 43,129.90,TS-R-43,fulfilled,Ana María Ruiz,1 High St,,London,\
'00123,LND,GB,,PayPal Express Checkout,8.00,555
#1002,Ana@Example.com,,,,,,,,,,,,1,Mug,8.00,,fulfilled,,,,,,,,,,,
#1001,ana@example.com,pending,,unfulfilled,,EUR,10,0,0,10,,2026-03-01 08:00:00 -0500,1,Unknown thing,10,,pending,\
Ana María Ruiz,1 High St,,London,'00123,LND,GB,,Gift Card,0.00,554
#1000,,voided,,,,EUR,10,0,0,10,,,1,Mug,8,'007,pending,Bo,,,,,,,2026-02-02 08:00:00 -0500,,,553
"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Knowledge]:
    knowledge = await open_knowledge(tmp_path / "store")
    yield knowledge
    await knowledge.close()


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def test_rows_of_a_handle_are_one_product(shop: Knowledge, tmp_path: Path) -> None:
    report = await ingest_files(shop, [write(tmp_path, "products_export_1.csv", PRODUCTS)])
    shoe = await shop.catalogue.product("trail-shoe")
    assert shoe is not None
    assert (shoe.title, shoe.brand) == ("Trail Shoe", "Norda")
    assert (shoe.category, shoe.tags) == (("Shoes", "Running"), ("trail", "run"))
    assert shoe.description == "Grips on\nwet rock." and shoe.options == ("Color", "Size")
    assert [(v.id, dict(v.options), v.price, v.stock) for v in shoe.variants] == [
        ("TS-R-42", {"Color": "Red", "Size": "42"}, Decimal("1129.90"), 3),
        ("TS-R-43", {"Color": "Red", "Size": "43"}, Decimal("129.90"), 0),
        ("trail-shoe:Blue:42", {"Color": "Blue", "Size": "42"}, Decimal("119.90"), None)]
    assert shoe.variants[0].compare_at_price == Decimal(1200) and shoe.image_url == "https://img/1.jpg"
    mug = await shop.catalogue.product("mug")
    assert mug is not None and mug.options == () and mug.variants[0].available and mug.variants[0].sku == "007"
    assert await shop.catalogue.product("hidden") is None
    assert "1 products skipped" in report.warnings[0]


async def test_a_second_download_replaces_the_first(shop: Knowledge, tmp_path: Path) -> None:
    await ingest_files(shop, [write(tmp_path, "products_export_1.csv", PRODUCTS)])
    without_mug = "".join(line for line in PRODUCTS.splitlines(keepends=True) if not line.startswith("mug"))
    report = await ingest_files(shop, [write(tmp_path, "products_export_1 (1).csv", without_mug)])
    assert report.total("products").removed == 1
    assert set(await shop.catalogue.titles()) == {"trail-shoe"}


async def test_orders_find_their_products_and_customers(shop: Knowledge, tmp_path: Path) -> None:
    orders = write(tmp_path, "orders_export.csv", ORDERS)
    products = write(tmp_path, "products_export.csv", PRODUCTS)
    await ingest_files(shop, [orders, products])
    order = await shop.orderbook.order_by_number("1002")
    assert order is not None and order.id == "555" and order.status is OrderStatus.SHIPPED
    assert order.placed_at == datetime(2026, 3, 2, 13, 59, tzinfo=UTC)
    assert [(x.product_id, x.variant_id, x.title, x.quantity, dict(x.options)) for x in order.lines] == [
        ("trail-shoe", "TS-R-43", "Trail Shoe", 2, {"Color": "Red", "Size": "43"}), ("mug", "007", "Mug", 1, {})]
    assert [(p.kind, p.amount) for p in order.payments] == [("payment", Decimal("272.80")), ("refund", Decimal("8.00"))]
    assert order.fulfillments[0].line_ids == ("L1", "L2") and order.extra["shipping"] == "5"
    customer = await shop.orderbook.customer_by_email("ana@example.com")
    assert customer is not None and customer.id == order.customer_id
    assert (customer.first_name, customer.last_name) == ("Ana María", "Ruiz")
    assert customer.address is not None and customer.address.postcode == "00123"
    assert {m.kind for m in customer.payment_methods} == {MethodKind.PAYPAL, MethodKind.GIFT_CARD}
    assert order.payments[0].method_id in {m.id for m in customer.payment_methods}
    assert [o.number for o in await shop.orderbook.orders_of(customer.id)] == ["#1002", "#1001"]


async def test_unpaid_unknown_and_cancelled_orders(shop: Knowledge, tmp_path: Path) -> None:
    await ingest_files(shop, [write(tmp_path, "products.csv", PRODUCTS), write(tmp_path, "orders.csv", ORDERS)])
    pending = await shop.orderbook.order_by_number("#1001")
    assert pending is not None and pending.status is OrderStatus.PENDING and pending.payments == ()
    assert pending.lines[0].title == "Unknown thing"
    cancelled = await shop.orderbook.order_by_number("#1000")
    assert cancelled is not None and cancelled.status is OrderStatus.CANCELLED
    assert cancelled.customer_id == "guest:1000"


@pytest.mark.parametrize(("text", "line", "field"), [
    (PRODUCTS.replace("129.90,,https", "cheap,,https"), 4, "Variant Price"),
    (PRODUCTS.replace("119.90", "-119.90"), 5, "Variant Price"),
    (PRODUCTS.replace("TS-R-43", "TS-R-42"), 4, "Variant SKU"),
    (PRODUCTS.replace("'007,shopify,-2", "'007,shopify,many"), 7, "Variant Inventory Qty"),
    (PRODUCTS.replace("mug,Mug", "mug,"), 7, "Title"),
    (ORDERS.replace("2026-03-01 08:00", "soon"), 4, "Created at"),
    (ORDERS.replace(",unfulfilled,", ",teleported,"), 4, "Fulfillment Status"),
    (ORDERS.replace(",1,Unknown thing", ",0,Unknown thing"), 4, "Lineitem quantity"),
])
async def test_a_wrong_cell_is_named(shop: Knowledge, tmp_path: Path, text: str, line: int, field: str) -> None:
    with pytest.raises(DataError) as caught:
        await ingest_files(shop, [write(tmp_path, "export.csv", text)])
    assert (caught.value.line, caught.value.field) == (line, field), str(caught.value)
    assert not any((await shop.catalogue.counts()).values())


async def test_a_customer_of_the_shop_is_not_replaced_by_what_an_order_says(shop: Knowledge, tmp_path: Path) -> None:
    known = write(tmp_path, "customers.jsonl", '{"id":"ana@example.com","email":"ana@example.com","phone":"+44 1"}\n')
    await ingest_files(shop, [known])
    await ingest_files(shop, [write(tmp_path, "orders.csv", ORDERS)])
    customer = await shop.orderbook.customer("ana@example.com")
    assert customer is not None and customer.phone == "+44 1"
