"""A shop of 20,000 products and 100,000 orders, multiplied from the demo shop: new ids, a series name in each title.

Orders are of the first ten series only, as customers buy a part of a range most; so many order lines read alike.
It writes native files and measures nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks.demo_folder import CACHE, SEED, TODAY
from bot.demo.generate import generate
from knowledge.ports import Embedder, Vectors

PRODUCTS, ORDERS = 20_000, 100_000
_BOUGHT_SERIES = 10
MOVED = 0.012             # per dimension: a cosine of 0.97, as that of a title with and without its series name
_SYLLABLES = ("vel", "mor", "tan", "rik", "sol", "bre", "nu")
Record = dict[str, Any]


def big_source(products: int = PRODUCTS, orders: int = ORDERS) -> Path:
    """The folder of native files, made where it is not there yet."""
    target = CACHE / f"big-source-{products}-{orders}"
    if not (target / "ready").exists():
        small = target / "demo"
        generate(small, seed=SEED, today=TODAY)
        _write(target / "products.jsonl", _products(_read(small / "products.jsonl"), products))
        copies = -(-orders // len(_read(small / "orders.jsonl")))
        series = min(_BOUGHT_SERIES, products // len(_read(small / "products.jsonl")))
        people = _read(small / "customers.jsonl")
        _write(target / "customers.jsonl", (_customer(person, copy) for copy in range(copies) for person in people))
        _write(target / "orders.jsonl", _orders(_read(small / "orders.jsonl"), orders, copies, series))
        (target / "ready").touch()
    return target


SERIES = re.compile(rf" Vel(?:{'|'.join(_SYLLABLES)})+")


class SeriesVectors:
    """An encoder for sizes at which encoding itself is not what is measured: each text gets the vector of the demo
    shop's text that it was multiplied from, moved a little, always the same way."""

    def __init__(self, inner: Embedder) -> None:
        self._inner, self.name, self.dimension = inner, inner.name, inner.dimension
        self.known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        plain = [SERIES.sub("", text) for text in texts]
        fresh = [text for text in dict.fromkeys(plain) if text not in self.known]
        if fresh:
            self.known.update(zip(fresh, self._inner.embed(fresh), strict=True))
        found = np.stack([self.known[text] for text in plain])
        for row, text in zip(found, texts, strict=True):
            row += np.random.default_rng(crc32(text.encode())).normal(0, MOVED, self.dimension)
        moved: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return moved.astype(np.float32)


def series_name(number: int) -> str:
    """"", "Velvel", "Velmor" … a word of its own for each copy of the range."""
    rest, name = number, ""
    while rest:
        rest, place = divmod(rest, len(_SYLLABLES))
        name = _SYLLABLES[place] + name
    return f"vel{name}".capitalize() if number else ""


def _products(rows: list[Record], count: int) -> Iterator[Record]:
    for number in range(count):
        copy, place = divmod(number, len(rows))
        row = rows[place]
        variants = [v | {"id": _id(v["id"], copy), "sku": _id(v["sku"], copy)} for v in row["variants"]]
        yield row | {"id": _id(row["id"], copy), "title": f"{row['title']} {series_name(copy)}".strip(),
                     "url": _id(row["url"], copy), "variants": variants}


def _customer(row: Record, copy: int) -> Record:
    methods = [method | {"id": _id(method["id"], copy)} for method in row["payment_methods"]]
    name, host = row["email"].split("@")
    return row | {"id": _id(row["id"], copy), "email": f"{_id(name, copy)}@{host}", "payment_methods": methods}


def _orders(rows: list[Record], count: int, copies: int, series: int) -> Iterator[Record]:
    for number in range(count):
        copy, place = divmod(number, len(rows))
        yield _order(rows[place], copy, copy % series)


def _order(row: Record, copy: int, series: int) -> Record:
    lines = [line | {"product_id": _id(line["product_id"], series), "variant_id": _id(line["variant_id"], series),
                     "title": f"{line['title']} {series_name(series)}".strip()} for line in row["lines"]]
    number = row["number"] if not copy else f"{row['number'][:2]}{copy:03d}{row['number'][2:]}"
    return row | {"id": _id(row["id"], copy), "number": number, "lines": lines,
                  "customer_id": _id(row["customer_id"], copy),
                  "payments": [_with_method(payment, copy, "method_id") for payment in row["payments"]],
                  "returns": [_with_method(asked, copy, "refund_method_id") for asked in row.get("returns") or ()],
                  "exchanges": [_exchange(asked, copy, series) for asked in row.get("exchanges") or ()]}


def _exchange(row: Record, copy: int, series: int) -> Record:
    return _with_method(row, copy, "method_id") | {"new_variant_id": _id(row["new_variant_id"], series)}


def _with_method(row: Record, copy: int, key: str) -> Record:
    return row | {key: _id(row[key], copy)} if row.get(key) else row


def _id(name: str, copy: int) -> str:
    return f"{name}x{copy}" if copy else name


def _read(path: Path) -> list[Record]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _write(path: Path, rows: Iterator[Record]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
