"""Shopify's product CSV export: a product's rows follow one another under its handle, one per variant or image."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from knowledge.connectors.cells import Cells
from knowledge.connectors.html import plain_text
from knowledge.connectors.lines import read_csv
from knowledge.connectors.record import Record, SourceFile
from knowledge.models import Product, Variant
from knowledge.records import PRODUCTS

_NO_OPTION = ("Title", "Default Title")      # what Shopify writes for a product without options
_OPTIONS = (1, 2, 3)
_HIDDEN = ("draft", "archived")


def read(file: SourceFile) -> Iterator[Record]:
    """One product per handle. Raises DataError."""
    rows = (Cells(file, line, row) for line, row in read_csv(file))
    hidden = 0
    for handle, group in groupby(rows, key=lambda cells: cells.must_text("Handle")):
        cells = list(group)
        if cells[0].text("Status").lower() in _HIDDEN:
            hidden += 1
        else:
            yield Record(PRODUCTS, cells[0].line, _product(handle, cells))
    if hidden:
        file.warnings.append(f"{file.name}: {hidden} products skipped, they are drafts or archived")


def _product(handle: str, rows: list[Cells]) -> Product:
    first = rows[0]
    names = [first.text(f"Option{n} Name") for n in _OPTIONS]
    options = tuple(name for name in names if name and not _without_options(first))
    variants = tuple(_variant(handle, row, names, first) for row in rows if row.text("Variant Price"))
    if not variants:
        problem = f"no row of '{handle}' has a price"
        raise first.fail("Variant Price", problem, "every product needs a variant with a price")
    _check_ids(rows, variants)
    return Product(
        id=handle, title=first.must_text("Title"), variants=variants, description=plain_text(first.text("Body (HTML)")),
        brand=first.text("Vendor") or None, category=_category(first), tags=first.words("Tags"),
        image_url=next((row.text("Image Src") for row in rows if row.text("Image Src")), None),
        options=options, extra=_extra(first))


def _variant(handle: str, row: Cells, names: list[str], first: Cells) -> Variant:
    price = row.must_money("Variant Price")
    values = [row.text(f"Option{n} Value") for n in _OPTIONS]
    options = {} if _without_options(first) else {
        name: value for name, value in zip(names, values, strict=True) if name and value}
    sku = row.text("Variant SKU").lstrip("'") or None
    tracked = row.text("Variant Inventory Tracker") or "variant inventory tracker" not in row.columns
    stock = row.whole("Variant Inventory Qty") if tracked else None
    if stock is not None and stock <= 0 and row.text("Variant Inventory Policy").lower() == "continue":
        stock = None                          # sold although there is none
    extra = {"barcode": row.text("Variant Barcode").lstrip("'")} if row.text("Variant Barcode") else {}
    return Variant(id=sku or _unnamed(handle, values), price=price, sku=sku, options=options,
                   compare_at_price=row.money("Variant Compare At Price"), stock=stock, extra=extra)


def _unnamed(handle: str, values: list[str]) -> str:
    """Without a SKU the option values name a variant: they are unique within a product."""
    return ":".join([handle, *(value for value in values if value and value != _NO_OPTION[1])])


def _without_options(first: Cells) -> bool:
    return (first.text("Option1 Name"), first.text("Option1 Value")) == _NO_OPTION


def _category(first: Cells) -> tuple[str, ...]:
    path = tuple(part.strip() for part in first.text("Product Category").split(">") if part.strip())
    kind = first.text("Type") or first.text("Custom Product Type")
    return path or ((kind,) if kind else ())


def _extra(first: Cells) -> dict[str, str]:
    kept = {"status": first.text("Status"), "published": first.text("Published"), "type": first.text("Type")}
    return {name: value for name, value in kept.items() if value}


def _check_ids(rows: list[Cells], variants: tuple[Variant, ...]) -> None:
    priced = [row for row in rows if row.text("Variant Price")]
    seen: dict[str, int] = {}
    for row, variant in zip(priced, variants, strict=True):
        if variant.id in seen:
            problem = f"'{variant.id}' stands on line {seen[variant.id]} already"
            raise row.fail("Variant SKU", problem, "variants of a product have different SKUs or options")
        seen[variant.id] = row.line
