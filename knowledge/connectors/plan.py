"""Which files an ingest will read, with what reader, in what order. It reads no rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.connectors import detect, native
from knowledge.connectors.detect import Format
from knowledge.connectors.record import Record, SourceFile
from knowledge.errors import DataError

Reader = Callable[[SourceFile], Iterator[Record]]
_FORMATS = ", ".join(Format)
_DOCUMENTS_END = f"documents end in {', '.join(detect.DOCUMENT_SUFFIXES)}"
_DOWNLOADED_AGAIN = re.compile(r" ?\(\d+\)(?=\.[^.]*$|$)")


@dataclass(frozen=True, slots=True)
class Load:
    """Files that together are one source: what the source no longer has is removed when it is `whole`."""

    files: tuple[Path, ...]
    format: Format
    source: str
    whole: bool = True
    derived_customers: bool = False

    root: Path | None = None          # the folder that was named, for documents

    @property
    def label(self) -> str:
        return str(self.files[0] if self.root is None else self.root)

    @property
    def folder(self) -> Path:
        return self.root or self.files[0].parent


@dataclass(slots=True)
class Plan:
    loads: list[Load] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def plan(paths: Iterable[Path], wanted: Format = Format.AUTO) -> Plan:
    """Raises BadInput or DataError for a path that cannot be used; files of a folder are skipped with a warning."""
    made = Plan()
    documents: list[Path] = []
    for path in paths:
        if path.is_dir():
            _plan_folder(path, wanted, made)
            continue
        detect.check_readable(path)
        chosen = _format_of(path, wanted)
        if chosen is Format.DOCUMENTS:
            documents.append(path)
        else:
            made.loads.append(_load(path, chosen))
    made.loads.extend(_single_documents(documents))
    made.loads.sort(key=_rank)
    return made


def _plan_folder(folder: Path, wanted: Format, made: Plan) -> None:
    if wanted is Format.DOCUMENTS:
        files = tuple(path for path in sorted(folder.rglob("*")) if _is_document(path.relative_to(folder)))
        if not files:
            raise DataError(str(folder), "holds no document", remedy=_DOCUMENTS_END)
        made.loads.append(Load(files, Format.DOCUMENTS, source_name(Format.DOCUMENTS, folder), root=folder))
        return
    kept = Format.NATIVE if wanted is Format.AUTO else wanted
    found = []
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        if detect.detect(path) is kept:
            found.append(_load(path, kept))
        else:
            made.warnings.append(f"{path}: skipped, a folder is read for {kept} files only (name it to ingest it)")
    if not found:
        known = f" ({', '.join(native.READERS)})" if kept is Format.NATIVE else ""
        raise DataError(str(folder), f"holds no {kept} file{known}", remedy="name the files, or give --format")
    made.loads.extend(found)


def _is_document(path: Path) -> bool:
    return path.suffix.lower() in detect.DOCUMENT_SUFFIXES and not any(part.startswith(".") for part in path.parts)


def _format_of(path: Path, wanted: Format) -> Format:
    if wanted is Format.AUTO:
        found = detect.detect(path)
        if found is None:
            raise DataError(str(path), "is of no format known here", remedy=f"give --format, one of {_FORMATS}")
        return found
    if wanted is Format.NATIVE and path.name not in native.READERS:
        raise DataError(str(path), "its name tells no kind", remedy=f"name it one of {', '.join(native.READERS)}")
    if wanted is Format.DOCUMENTS and path.suffix.lower() not in detect.DOCUMENT_SUFFIXES:
        raise DataError(str(path), "is no document", remedy=_DOCUMENTS_END)
    return wanted


def _load(path: Path, chosen: Format) -> Load:
    return Load((path,), chosen, source_name(chosen, path), derived_customers=chosen is Format.SHOPIFY)


def _single_documents(paths: Sequence[Path]) -> Iterator[Load]:
    """A document named by itself belongs to its folder, whose other documents stay."""
    names: dict[str, Path] = {}
    for path in dict.fromkeys(paths):
        if path.name in names:
            remedy = "ingest their folder with --format documents"
            raise DataError(str(path), f"has the same name as {names[path.name]}", remedy=remedy)
        names[path.name] = path
        yield Load((path,), Format.DOCUMENTS, source_name(Format.DOCUMENTS, path.absolute().parent), whole=False)


def source_name(chosen: Format, path: Path) -> str:
    """The same export, fetched again, has the same source; browsers number downloads as "name (1).csv"."""
    name = path.resolve().name if path.name in ("", ".", "..") else path.name
    return f"{chosen}:{_DOWNLOADED_AGAIN.sub('', name)}"


def _rank(load: Load) -> int:
    """Products and customers before orders, which refer to them."""
    order = list(native.READERS)
    if load.format is Format.NATIVE:
        return order.index(load.files[0].name)
    if load.format is Format.SHOPIFY and detect.has_orders(detect.columns(load.files[0])):
        return order.index("orders.jsonl")
    return 0 if load.format is not Format.DOCUMENTS else len(order)


def reader_of(load: Load) -> Reader:
    """The function that reads the files of a load."""
    if load.format is Format.NATIVE:
        return native.read
    if load.format is Format.SHOPIFY:
        from knowledge.connectors import shopify, shopify_orders

        return shopify_orders.read if detect.has_orders(detect.columns(load.files[0])) else shopify.read
    if load.format is Format.WOOCOMMERCE:
        from knowledge.connectors import woocommerce

        return woocommerce.read
    if load.format is Format.MERCHANT_FEED:
        from knowledge.connectors import merchant_feed

        return merchant_feed.read
    from knowledge.connectors import documents

    return documents.reader(load.folder)
