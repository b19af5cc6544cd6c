"""HTML to text: what a reader would see. It knows no shop."""

from __future__ import annotations

import re
from html import unescape

_TAG = re.compile(r"<[a-zA-Z/!]")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]{2,8});")
INVISIBLE = ("script", "style", "template", "noscript", "head", "iframe", "object", "svg")
BLOCKS = ("p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "br",
          "blockquote", "dd", "dt", "hr", "pre")


def plain_text(text: str) -> str:
    """Tags and entities resolved, scripts and styles dropped, one line per block; other text comes back unchanged."""
    if _TAG.search(text):
        return _from_html(text)
    return unescape(text) if _ENTITY.search(text) else text


def _from_html(text: str) -> str:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(text, "lxml")
    for tag in soup.find_all(INVISIBLE):
        tag.decompose()
    for tag in soup.find_all(BLOCKS):
        tag.insert_before("\n")
        tag.append("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().split("\n"))
    return "\n".join(line for line in lines if line)
