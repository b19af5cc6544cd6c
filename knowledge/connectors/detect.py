"""Which format a file has, told by its name and its first bytes. It reads no further."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from knowledge.connectors.native import READERS
from knowledge.errors import BadInput, DataError

HEAD_BYTES = 64 * 1024
DOCUMENT_SUFFIXES = (".md", ".markdown", ".html", ".htm", ".txt", ".pdf")
_SHOPIFY_PRODUCT = {"handle", "title", "variant price"}
_SHOPIFY_ORDER = {"name", "lineitem name", "lineitem quantity"}
_WOOCOMMERCE = {"id", "type", "name", "regular price"}
_FEED = {"id", "title", "price"}


class Format(StrEnum):
    """What `--format` takes."""

    AUTO = "auto"
    NATIVE = "native"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    MERCHANT_FEED = "merchant-feed"
    DOCUMENTS = "documents"


def detect(path: Path) -> Format | None:
    """None when nothing we read looks like this."""
    suffix = path.suffix.lower()
    if path.name in READERS:
        return Format.NATIVE
    if suffix == ".xml":
        return Format.MERCHANT_FEED if looks_like_feed(_head(path)) else None
    if suffix in (".csv", ".tsv", ".txt") and (found := by_columns(columns(path))):
        return found
    return Format.DOCUMENTS if suffix in DOCUMENT_SUFFIXES else None


def by_columns(names: set[str]) -> Format | None:
    """The format whose columns these are (lower case)."""
    if names >= _SHOPIFY_PRODUCT or names >= _SHOPIFY_ORDER:
        return Format.SHOPIFY
    if names >= _WOOCOMMERCE:
        return Format.WOOCOMMERCE
    return Format.MERCHANT_FEED if names >= _FEED else None


def has_orders(names: set[str]) -> bool:
    """Whether a Shopify export with these columns (lower case) is one of orders."""
    return names >= _SHOPIFY_ORDER


def columns(path: Path) -> set[str]:
    """The cells of the first line, lower case."""
    import csv

    from knowledge.connectors.lines import guess_delimiter

    first = _head(path).decode("utf-8-sig", "replace").partition("\n")[0]
    return {name.strip().lower() for name in next(csv.reader([first], delimiter=guess_delimiter(first)), [])}


def looks_like_feed(head: bytes) -> bool:
    """RSS or Atom with Google's product namespace."""
    return b"base.google.com/ns/1.0" in head and (b"<rss" in head or b"<feed" in head)


def check_readable(path: Path) -> None:
    """Raises BadInput for a path that is not there, DataError for one that is no file or cannot be opened."""
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder (check the path)")
    if not path.is_file():
        raise DataError(str(path), "is no plain file", remedy="name a file or a folder")
    _head(path)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(str(path), f"cannot be read: {error.strerror}", remedy="check its permissions") from error


def parse_format(text: str) -> Format:
    """Raises BadInput that names the formats."""
    try:
        return Format(text)
    except ValueError:
        raise BadInput(f"--format: '{text}' is unknown (one of {', '.join(Format)})") from None
