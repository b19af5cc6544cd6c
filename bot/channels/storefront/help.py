"""The help pages: the shop's own Markdown documents as HTML, in the groups that the storefront names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class HelpPage:
    slug: str
    title: str
    html: Markup


def read_pages(folder: Path) -> tuple[HelpPage, ...]:
    """HTML inside a document is shown as text, never taken over."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return tuple(_page(path, markdown) for path in sorted(folder.glob("*.md")))


def grouped(groups: Sequence[Mapping[str, Any]], pages: Sequence[HelpPage]) -> list[dict[str, Any]]:
    """The named groups with their pages; what no group names comes last."""
    by_slug = {page.slug: page for page in pages}
    named = [slug for group in groups for slug in group["pages"]]
    found = [{"title": g["title"], "pages": [by_slug[s] for s in g["pages"] if s in by_slug]} for g in groups]
    return [*found, {"title": "More", "pages": [page for page in pages if page.slug not in named]}]


def _page(path: Path, markdown: MarkdownIt) -> HelpPage:
    text = path.read_text(encoding="utf-8")
    first = text.lstrip().splitlines()[0] if text.strip() else path.stem
    title = first.lstrip("# ").strip()
    return HelpPage(path.stem, title.removeprefix("Guide: ").capitalize() if title.startswith("Guide: ") else title,
                    Markup(markdown.render(text)))
