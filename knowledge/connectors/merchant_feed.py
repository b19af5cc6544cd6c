"""Google Merchant product feeds, as TSV (or CSV) and as RSS or Atom.

`item_group_id` groups the variants of a product; they need not follow one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from knowledge.connectors.cells import Cells
from knowledge.connectors.feed_xml import read_items
from knowledge.connectors.html import plain_text
from knowledge.connectors.lines import read_csv
from knowledge.connectors.record import Record, SourceFile
from knowledge.models import Product, Variant
from knowledge.records import PRODUCTS

OPTIONS = ("color", "size", "material", "pattern", "size_type", "size_system")
_ATTRIBUTES = ("gender", "age_group", "condition", "product_highlight", "product_detail", "shipping_weight", "mpn",
               "gtin", "energy_efficiency_class")
_PRICE = re.compile(r"(?:([A-Za-z]{3})\s*)?([\d.,]+)\s*([A-Za-z]{3})?")
_STOCK = {"in_stock": None, "in stock": None, "preorder": None, "backorder": None, "limited availability": None,
          "out_of_stock": 0, "out of stock": 0}


def read(file: SourceFile) -> Iterator[Record]:
    """One record per item; those of a group are parts of one product. Raises DataError."""
    rows = read_items(file) if file.path.suffix.lower() == ".xml" else read_csv(file)
    for line, row in rows:
        cells = Cells(file, line, {name.replace(" ", "_"): value for name, value in row.items()})
        group = cells.text("item_group_id")
        yield Record(PRODUCTS, line, _product(cells, group), part=bool(group))


def _product(cells: Cells, group: str) -> Product:
    identity = cells.must_text("id")
    variant, currency = _variant(cells, identity)
    names = ("product_type", "google_product_category")
    path = next((value for name in names if (value := cells.text(name)) and not value.isdigit()), "")
    category = tuple(part.strip() for part in path.split(",")[0].split(">") if part.strip())
    attributes = {name: cells.text(name) for name in _ATTRIBUTES if cells.text(name)}
    if not group:
        attributes |= variant.options
    return Product(
        id=group or identity, title=_title(cells, variant, group), variants=(variant,),
        description=plain_text(cells.text("description")), brand=cells.text("brand") or None, category=category,
        url=cells.text("link") or None, image_url=cells.text("image_link") or None, attributes=attributes,
        options=tuple(variant.options) if group else (), currency=currency)


def _title(cells: Cells, variant: Variant, group: str) -> str:
    """Items of a group carry their options in the title ("Shirt - red, M"): the product's title goes without."""
    title = cells.must_text("title")
    if not group:
        return title
    tail = r"[\s,/|()\-–]+".join(re.escape(value) for value in variant.options.values())
    bare = re.sub(rf"[\s,/|(\-–]+{tail}[\s)]*$", "", title, flags=re.IGNORECASE) if tail else title
    return bare or title


def _variant(cells: Cells, identity: str) -> tuple[Variant, str]:
    price, currency = _price(cells, "price")
    before = None
    if cells.text("sale_price"):
        before, (price, currency) = price, _price(cells, "sale_price")
    word = cells.text("availability").lower()
    if word and word not in _STOCK:
        raise cells.fail("availability", f"'{word[:40]}' is unknown", f"one of {', '.join(_STOCK)}")
    options = {name: cells.text(name) for name in OPTIONS if cells.text(name)}
    stock = cells.whole("quantity") if cells.text("quantity") else _STOCK.get(word)
    sku = cells.text("mpn") or None
    return Variant(id=identity, price=price, sku=sku, options=options, compare_at_price=before, stock=stock), currency


def _price(cells: Cells, column: str) -> tuple[Decimal, str]:
    """"12.99 USD" or "USD 12.99"."""
    text = cells.must_text(column)
    match = _PRICE.fullmatch(text)
    if not match:
        problem = "is negative" if text.startswith("-") else "is not a price"
        raise cells.fail(column, f"'{text[:40]}' {problem}", "write it like 12.99 USD")
    return cells.amount(column, match[2]), (match[3] or match[1] or "USD").upper()
