"""Policies, FAQ and guides in Markdown, HTML, plain text and PDF, as documents with their chunks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from knowledge.connectors.html import BLOCKS, INVISIBLE
from knowledge.connectors.record import Record, SourceFile
from knowledge.errors import DataError
from knowledge.models import Document
from knowledge.native import content_hash
from knowledge.records import DOCUMENTS, DocumentWithChunks
from knowledge.splitter import first_heading, plain, sections, split

MAX_BYTES = 64 * 1024 * 1024      # a document is read as a whole


def reader(root: Path) -> Callable[[SourceFile], Iterator[Record]]:
    """A reader whose documents are named by their path below `root`."""
    return lambda file: iter([Record(DOCUMENTS, 1, read_document(file, root))])


def read_document(file: SourceFile, root: Path) -> DocumentWithChunks:
    """Raises DataError for a file that is too large, not UTF-8, not a PDF or without text."""
    identity = file.path.relative_to(root).as_posix()
    suffix = file.path.suffix.lower()
    data = _bytes(file)
    title, markdown, text = "", None, ""
    if suffix == ".pdf":
        title, markdown = _pdf(file)
    elif suffix in (".html", ".htm"):
        title, markdown = html_to_markdown(_decoded(file, data))
    elif suffix in (".md", ".markdown"):
        markdown = _decoded(file, data)
    else:
        text = _decoded(file, data).replace("\r\n", "\n").strip()
    if markdown is not None:
        title = title or (first_heading(markdown) if suffix != ".pdf" else "") or ""
        text = "\n\n".join("\n".join([*section.headings[-1:], section.text]) for section in sections(markdown))
    if not text.strip():
        remedy = "a scanned PDF has to be put through OCR first" if suffix == ".pdf" else "write something in it"
        raise DataError(file.name, "has no text", remedy=remedy)
    document = Document(id=identity, title=title or _named(file.path), text=text, source=identity,
                        version=content_hash(f"{title}\0{markdown if markdown is not None else text}"))
    return DocumentWithChunks(document, split(document, markdown))


def html_to_markdown(html: str) -> tuple[str, str]:
    """(title, text with # before headings); scripts, styles, navigation and forms are dropped."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "lxml")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for tag in soup.find_all((*INVISIBLE, "nav", "form", "button", "footer")):
        tag.decompose()
    for tag in soup.find_all(BLOCKS):
        level = int(tag.name[1]) if re.fullmatch("h[1-6]", tag.name) else 0
        tag.insert(0, {"li": "\n- ", "tr": "\n"}.get(tag.name, "\n\n" + "#" * level + " " * bool(level)))
        tag.append("\n\n" if tag.name not in ("li", "tr") else "")
    for cell in soup.find_all(("td", "th")):
        cell.append(" | ")
    lines = (_cleaned(line) for line in soup.get_text().split("\n"))
    return title, re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _cleaned(line: str) -> str:
    """Cells of a table row are set apart, without a separator at its end."""
    return re.sub(r"( \|)+$", "", " ".join(line.split()))


def _pdf(file: SourceFile) -> tuple[str, str]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pdf: Any = PdfReader(file.path)
        if pdf.is_encrypted and not pdf.decrypt(""):
            raise DataError(file.name, "is locked with a password", remedy="save it without one")
        pages = [page.extract_text() for page in pdf.pages]
        title = str(pdf.metadata.title or "") if pdf.metadata else ""
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # pypdf lets a broken file surface as whatever its damage happens to hit
        raise DataError(file.name, f"is not a readable PDF: {error}", remedy="print it to PDF again") from error
    marked = (f"# Page {number}\n\n{_without_marks(text)}" for number, text in enumerate(pages, 1) if text.strip())
    return plain(title), "\n\n".join(marked)


def _without_marks(text: str) -> str:
    """A line of a PDF that starts with # is no heading."""
    joined = re.sub(r"(\w)-\n(\w)", r"\1\2", text.replace("\x00", ""))
    return re.sub(r"^#", r"\\#", joined, flags=re.MULTILINE)


def _bytes(file: SourceFile) -> bytes:
    size = file.path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(file.name, f"is larger than {MAX_BYTES // 1024 // 1024} MB", remedy="split the document")
    file.advance(size)
    return file.path.read_bytes()


def _decoded(file: SourceFile, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\x00", "")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(file.name, "is not UTF-8", line=line, remedy="save the file as UTF-8") from error


def _named(path: Path) -> str:
    """"return_policy.txt" → "Return policy"."""
    words = re.sub(r"[_\-]+", " ", path.stem).strip()
    return words[:1].upper() + words[1:]
