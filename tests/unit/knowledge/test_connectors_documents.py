"""Markdown, HTML, text and PDF as documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pypdf import PdfWriter

from knowledge.connectors.documents import html_to_markdown
from knowledge.errors import DataError
from knowledge.ingest import ingest_files
from knowledge.store import Knowledge, open_knowledge

HTML = """<html><head><title>Help &amp; FAQ</title><style>h1{}</style></head><body><nav>Home</nav><h1>Shipping</h1>
<p>We ship <b>daily</b>.<br>Even on Sundays.</p><h2>Prices</h2><table><tr><th>Country</th><th>Price</th></tr>
<tr><td>UK</td><td>3</td></tr></table><ul><li>fast</li><li>cheap</li></ul><script>track()</script></body></html>"""


def pdf_of(path: Path, *pages: str) -> Path:
    """A PDF with one line of Helvetica per page, written by hand."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for page in pages:
        content = f"BT /F1 12 Tf 72 720 Td ({page}) Tj ET".encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        kids.append(len(objects) + 1)
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
                       b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects))
    references = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (references, len(kids))
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size, table, size, len(out))
    path.write_bytes(out)
    return path


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Knowledge]:
    knowledge = await open_knowledge(tmp_path / "store")
    yield knowledge
    await knowledge.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    (made / "faq").mkdir(parents=True)
    (made / "returns.md").write_text("# Returns\n\nWithin 30 days.\n", encoding="utf-8")
    (made / "faq" / "help.html").write_text(HTML, encoding="utf-8")
    (made / "gift_cards.txt").write_text("Gift cards never expire.\n", encoding="utf-8")
    (made / "logo.png").write_bytes(b"\x89PNG")
    pdf_of(made / "warranty.pdf", "Two years on lamps.", "One year on shoes.")
    return made


def test_html_keeps_headings_lists_and_tables() -> None:
    title, markdown = html_to_markdown(HTML)
    assert title == "Help & FAQ"
    lines = [line for line in markdown.splitlines() if line]
    assert lines == ["# Shipping", "We ship daily.", "Even on Sundays.", "## Prices", "Country | Price", "UK | 3",
                     "- fast", "- cheap"]


async def test_a_folder_of_documents_is_one_source(shop: Knowledge, folder: Path) -> None:
    report = await ingest_files(shop, [folder], format="documents")
    assert report.total("documents").added == 4
    found = {document.id: document async for document in shop.catalogue.all_documents()}
    assert {name: document.title for name, document in found.items()} == {
        "returns.md": "Returns", "faq/help.html": "Help & FAQ", "gift_cards.txt": "Gift cards",
        "warranty.pdf": "Warranty"}
    chunks = await shop.catalogue.chunks_of("warranty.pdf")
    assert [(c.headings, c.text) for c in chunks] == [
        (("Page 1",), "Two years on lamps."), (("Page 2",), "One year on shoes.")]
    chunks = await shop.catalogue.chunks_of("faq/help.html")
    assert [c.headings for c in chunks] == [("Shipping",), ("Shipping", "Prices")]


async def test_what_is_gone_from_the_folder_goes_and_what_changed_is_cut_again(shop: Knowledge, folder: Path) -> None:
    await ingest_files(shop, [folder], format="documents")
    (folder / "gift_cards.txt").unlink()
    (folder / "returns.md").write_text("# Returns\n\nWithin 60 days.\n", encoding="utf-8")
    changes = (await ingest_files(shop, [folder], format="documents")).total("documents")
    assert (changes.added, changes.changed, changes.removed, changes.unchanged) == (0, 1, 1, 2)
    assert [c.text for c in await shop.catalogue.chunks_of("returns.md")] == ["Within 60 days."]
    assert await shop.catalogue.chunks_of("gift_cards.txt") == []


async def test_a_document_named_by_itself_leaves_its_folder_alone(shop: Knowledge, folder: Path) -> None:
    await ingest_files(shop, [folder], format="documents")
    changes = (await ingest_files(shop, [folder / "returns.md"])).total("documents")
    assert (changes.removed, changes.unchanged) == (0, 1)
    assert (await shop.catalogue.counts())["documents"] == 4


async def test_two_documents_of_one_name_are_refused(shop: Knowledge, folder: Path) -> None:
    twin = folder / "faq" / "returns.md"
    twin.write_text("Other.", encoding="utf-8")
    with pytest.raises(DataError, match="has the same name as"):
        await ingest_files(shop, [folder / "returns.md", twin])


@pytest.mark.parametrize(("name", "content", "problem"), [
    ("a.md", b"caf\xe9", "not UTF-8"), ("a.txt", b"  \n", "has no text"), ("a.html", b"<p></p>", "has no text"),
    ("a.pdf", b"not a pdf", "not a readable PDF"), ("a.md", b"", "has no text")])
async def test_a_document_that_cannot_be_read_is_named(shop: Knowledge, tmp_path: Path, name: str, content: bytes,
                                                       problem: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem) as caught:
        await ingest_files(shop, [path])
    assert caught.value.file == str(path)


async def test_a_scanned_pdf_is_told_so(shop: Knowledge, tmp_path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    path = tmp_path / "scan.pdf"
    with path.open("wb") as stream:
        writer.write(stream)
    with pytest.raises(DataError, match="OCR"):
        await ingest_files(shop, [path])
