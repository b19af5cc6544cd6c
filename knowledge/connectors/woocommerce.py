"""WooCommerce's product CSV export: simple products, and variable ones whose variations name their parent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from knowledge.connectors.cells import Cells
from knowledge.connectors.html import plain_text
from knowledge.connectors.lines import read_csv
from knowledge.connectors.record import Record, SourceFile
from knowledge.models import Product, Variant
from knowledge.records import PRODUCTS

_ATTRIBUTE = re.compile(r"attribute (\d+) name")
_SKIPPED = ("grouped", "external")


def read(file: SourceFile) -> Iterator[Record]:
    """Simple products whole; variable ones in parts, which are merged. Raises DataError."""
    parents = _parents(file)
    hidden: set[str] = set()
    skipped = 0
    for line, row in read_csv(file):
        cells = Cells(file, line, row)
        kind = cells.must_text("Type").lower().split(",")[0].strip()
        if cells.text("Published") not in ("", "1") or kind in _SKIPPED:
            hidden.add(_product_id(cells))
            skipped += 1
        elif kind == "variation":
            parent = _parent_of(cells, parents)
            if parent not in hidden:
                yield Record(PRODUCTS, line, _variation(cells, parent), part=True)
        elif kind == "variable":
            yield Record(PRODUCTS, line, _product(cells, ()), part=True)
        else:
            yield Record(PRODUCTS, line, _product(cells, (_variant(cells, {}),)))
    if skipped:
        file.warnings.append(f"{file.name}: {skipped} rows skipped, they are unpublished, grouped or sold elsewhere")


def _parents(file: SourceFile) -> dict[str, str]:
    """SKU → product id of what may have variations; a first pass, as a variation may stand before its parent."""
    quiet = SourceFile(file.path, file.source)
    rows = (row for _, row in read_csv(quiet))
    lowered = ({name.lower(): value.strip() for name, value in row.items()} for row in rows)
    return {row.get("sku", ""): row.get("id") or row.get("sku", "") for row in lowered
            if row.get("sku") and row.get("type", "").lower() != "variation"}


def _parent_of(cells: Cells, parents: dict[str, str]) -> str:
    name = cells.must_text("Parent")
    if name.lower().startswith("id:"):
        return name[3:].strip()
    if name not in parents:
        raise cells.fail("Parent", f"'{name[:40]}' is no product of this file", "export all products into one file")
    return parents[name]


def _product_id(cells: Cells) -> str:
    """Without an ID column the SKU names a product."""
    return cells.text("ID") or cells.must_text("SKU")


def _product(cells: Cells, variants: tuple[Variant, ...]) -> Product:
    attributes = _attributes(cells)
    short, long = plain_text(cells.text("Short description")), plain_text(cells.text("Description"))
    image = cells.words("Images")
    product = Product(
        id=_product_id(cells), title=cells.must_text("Name"), variants=variants,
        description="\n".join(part for part in (short, long) if part).replace("\\n", "\n"),
        brand=cells.text("Brands") or attributes.get("Brand"), category=_category(cells), tags=cells.words("Tags"),
        url=cells.text("External URL") or None, image_url=image[0] if image else None)
    if variants:
        return replace(product, attributes=attributes)
    options = tuple(attributes)
    return replace(product, options=options)


def _variation(cells: Cells, parent: str) -> Product:
    return Product(id=parent, title="", variants=(_variant(cells, _attributes(cells)),))


def _variant(cells: Cells, options: dict[str, str]) -> Variant:
    sku = cells.text("SKU") or None
    price, before = _prices(cells)
    stock = cells.whole("Stock")
    if stock is None and cells.text("In stock?") == "0":
        stock = 0
    if stock is not None and stock <= 0 and cells.text("Backorders allowed?").lower() in ("1", "yes", "notify"):
        stock = None
    return Variant(id=_product_id(cells), price=price, sku=sku, options=options, compare_at_price=before, stock=stock)


def _prices(cells: Cells) -> tuple[Decimal, Decimal | None]:
    """(what it costs, what it cost before a sale)"""
    regular, sale = cells.money("Regular price"), cells.money("Sale price")
    if sale is not None:
        return sale, regular
    if regular is None:
        raise cells.fail("Regular price", "is missing", "every product that is sold needs a price")
    return regular, None


def _category(cells: Cells) -> tuple[str, ...]:
    """The first path of "Clothing > Shirts, Sale"."""
    paths = cells.words("Categories")
    return tuple(part.strip() for part in paths[0].split(">") if part.strip()) if paths else ()


def _attributes(cells: Cells) -> dict[str, str]:
    found = {}
    for column in sorted(cells.columns):
        match = _ATTRIBUTE.fullmatch(column)
        name, value = cells.text(column), cells.text(f"attribute {match[1]} value(s)") if match else ""
        if name and value:
            found[name] = value
    return found
