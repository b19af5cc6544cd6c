"""The whole store as native files, in file order, so that two states can be compared. It changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from knowledge import db, native
from knowledge.errors import BadInput
from knowledge.models import EvidenceKind
from knowledge.store import Knowledge


async def export(knowledge: Knowledge, out: Path) -> dict[str, int]:
    """Write products.jsonl, customers.jsonl, … into `out`, each at once; rows per file. Raises BadInput."""
    _make(out)
    catalogue = knowledge.catalogue
    written: dict[str, int] = {}
    for name in ("products", "customers", "orders", "reviews", "prices", "interactions"):
        written[f"{name}.jsonl"] = await _write(out / f"{name}.jsonl", catalogue.rows(getattr(db, f"{name}")))
    for name, kind in (("cases", EvidenceKind.CASE), ("answers", EvidenceKind.ANSWER)):
        written[f"{name}.jsonl"] = await _write(out / f"{name}.jsonl", _as_ingested(knowledge, kind))
    return written


async def _as_ingested(knowledge: Knowledge, kind: EvidenceKind) -> AsyncIterator[Mapping[str, Any]]:
    """Cases and answers are kept whole in their document's `extra`."""
    async for document in knowledge.catalogue.all_documents(kind):
        yield document.extra


async def _write(path: Path, rows: AsyncIterator[Mapping[str, Any]]) -> int:
    """Under another name first: a reader never sees half a file."""
    unfinished = path.with_name(f".{path.name}.part")
    count = 0
    with unfinished.open("w", encoding="utf-8", newline="\n") as stream:
        async for row in rows:
            stream.write(native.compact(row) + "\n")
            count += 1
    unfinished.replace(path)
    return count


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror} (name a folder that can be written)") from error
