"""Native JSON Lines: the kind is told by the file's name. Solved cases and curated answers become documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from knowledge import native, records
from knowledge.connectors.html import plain_text
from knowledge.connectors.lines import read_lines
from knowledge.connectors.record import Record, Seen, SourceFile
from knowledge.errors import DataError
from knowledge.models import Chunk, Document, EvidenceKind, Product
from knowledge.native_fields import FieldError, Fields
from knowledge.records import DocumentWithChunks, Kind, Unnamed

Row = dict[str, Any]
Convert = Callable[[Row, str], Any]
_REMEMBERED = (records.PRODUCTS, records.CUSTOMERS, records.ORDERS, records.REVIEWS)   # one line, one row with its id


def read(file: SourceFile) -> Iterator[Record]:
    """One record per line that is not blank. Raises DataError with file, line and field."""
    kind, convert = READERS[file.path.name]
    memory = file.memory if kind in _REMEMBERED else None
    for line, text in read_lines(file):
        if not text.strip():
            continue
        digest = memory.digest(text) if memory else b""
        read = partial(_converted, file, line, text, convert)
        known = memory.known(digest) if memory else None
        yield Record(kind, line, Seen(known, read) if known else read(), digest=digest)


def _converted(file: SourceFile, line: int, text: str, convert: Convert) -> Any:
    row = parse_row(file, line, text)
    try:
        return convert(row, f"{file.source}#{line}")
    except FieldError as error:
        raise DataError(file.name, error.problem, line=line, field=error.field, remedy=error.remedy) from error


def parse_row(file: SourceFile, line: int, text: str) -> Row:
    """One JSON object. Raises DataError for anything else."""
    try:
        row = json.loads(text, parse_constant=_no_constant)
        text.encode() if "\\u" not in text else native.compact(row).encode()
    except RecursionError as error:
        raise DataError(file.name, "is nested too deep", line=line, remedy="one flat object per line") from error
    except UnicodeEncodeError as error:
        problem = "holds half a character (a lone surrogate)"
        raise DataError(file.name, problem, line=line, remedy="write UTF-8") from error
    except ValueError as error:
        remedy = "write one JSON object per line"
        raise DataError(file.name, f"not JSON: {error}", line=line, remedy=remedy) from error
    if not isinstance(row, dict):
        raise DataError(file.name, "is no JSON object", line=line, remedy="write one JSON object per line")
    return row


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _product(row: Row, _place: str) -> Product:
    product = native.product_from(row)
    text = plain_text(product.description)
    return product if text == product.description else replace(product, description=text)


def _review(row: Row, _place: str) -> Row:
    return row | {name: plain_text(row[name]) for name in ("title", "text") if isinstance(row.get(name), str)}


def _raw(row: Row, _place: str) -> Row:
    return row


def _unnamed(row: Row, place: str) -> Unnamed:
    return Unnamed(place, row)


def _case(row: Row, _place: str) -> DocumentWithChunks:
    """{"id","question","answer"}: found by its question and its answer together."""
    f = Fields(row)
    identity, question, answer = f.must_id("id"), f.must_text("question"), plain_text(f.must_text("answer"))
    return _written(f"case:{identity}", EvidenceKind.CASE, (question,), answer, row)


def _answer(row: Row, _place: str) -> DocumentWithChunks:
    """{"id","questions":[…],"answer"}: one passage per question, so that each way of asking is found by itself."""
    f = Fields(row)
    identity, questions, answer = f.must_id("id"), f.texts("questions"), plain_text(f.must_text("answer"))
    if not questions:
        raise f.fail("questions", "is missing or empty", "list the questions that this answers")
    return _written(f"answer:{identity}", EvidenceKind.ANSWER, questions, answer, row)


def _written(identity: str, kind: EvidenceKind, questions: tuple[str, ...], answer: str,
             row: Mapping[str, Any]) -> DocumentWithChunks:
    version = native.content_hash(native.compact(row))
    source = str(row.get("source") or "")
    document = Document(identity, questions[0], answer, kind, source, row.get("url"), version, extra=row)
    return DocumentWithChunks(document, tuple(
        Chunk(f"{identity}#{place}", identity, answer, (question,), source, place, version)
        for place, question in enumerate(questions)))


READERS: dict[str, tuple[Kind, Convert]] = {
    "products.jsonl": (records.PRODUCTS, _product),
    "customers.jsonl": (records.CUSTOMERS, lambda row, _place: native.customer_from(row)),
    "orders.jsonl": (records.ORDERS, lambda row, _place: native.order_from(row)),
    "reviews.jsonl": (records.REVIEWS, _review),
    "prices.jsonl": (records.PRICES, _unnamed),
    "interactions.jsonl": (records.INTERACTIONS, _raw),
    "cases.jsonl": (records.DOCUMENTS, _case),
    "answers.jsonl": (records.DOCUMENTS, _answer),
}
