"""Cuts a document into passages that say where they stand: never across a heading, never in the middle of a sentence
where that can be helped. It knows Markdown and plain text; other formats are turned into these first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from knowledge.models import Chunk, Document

CHUNK_CHARS = 900          # about 200 tokens: the encoder reads 256, headings included
_SETEXT = re.compile(r"^([^\n#>|\-=\s][^\n]*)\n(=+|-{3,})[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE_LINE = re.compile(r"^ {0,3}(```|~~~)")
_OWN_LINE = re.compile(r"([-*+•|>]|\d{1,3}[.)])(\s|$)|\|")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE_OR_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]+?)(?<=\S)\1(?![\w*])")
_CODE = re.compile(r"`([^`\n]+)`")
_TABLE_RULE = re.compile(r"^\|?[\s:|-]*-{3,}[\s:|-]*\|?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """Text under one heading path, outermost first."""

    headings: tuple[str, ...]
    text: str


def split(document: Document, markdown: str | None = None, chars: int = CHUNK_CHARS) -> tuple[Chunk, ...]:
    """The document's chunks, with ids "<document id>#<position>". `markdown`: its text where that has headings."""
    passages = [(section.headings, passage)
                for section in (sections(markdown) if markdown is not None else [Section((), document.text)])
                for passage in _cut(section.text, chars)]
    return tuple(
        Chunk(f"{document.id}#{place}", document.id, passage, headings, document.source, place, document.version)
        for place, (headings, passage) in enumerate(passages))


def sections(markdown: str) -> Iterator[Section]:
    """Per heading the text below it, without Markdown's signs; what has no text of its own is left out."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    for line, heading in _lines(_normal(markdown)):
        if heading is None:
            lines.append(line)
            continue
        if text := _joined(lines):
            yield Section(tuple(title for _, title in path), text)
        lines = []
        level, title = len(heading[1]), plain(heading[2])
        path = [(above, name) for above, name in path if above < level] + [(level, title)]
    if text := _joined(lines):
        yield Section(tuple(title for _, title in path), text)


def _lines(markdown: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Each line, and its match where it is a heading; what stands in a code fence is none."""
    fence = ""
    for line in markdown.split("\n"):
        mark = _FENCE_LINE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        elif not mark or fence:
            yield line, None if fence else _HEADING.match(line)


def _joined(lines: list[str]) -> str:
    """Lines of one paragraph in one line: an editor's line breaks mean nothing, those of lists and tables do."""
    joined: list[str] = []
    for line in lines:
        text = line.strip()
        if joined and joined[-1] and text and not _OWN_LINE.match(text) and not joined[-1].endswith("|"):
            joined[-1] += " " + text
        else:
            joined.append(text)
    return plain("\n".join(joined))


def plain(markdown: str) -> str:
    """What a reader sees of inline Markdown."""
    text = _IMAGE_OR_LINK.sub(r"\1", markdown)
    text = _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", _CODE.sub(r"\1", text)))
    lines = (line.rstrip() for line in _TABLE_RULE.sub("", text).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def first_heading(markdown: str) -> str | None:
    """The title of a Markdown text."""
    return next((plain(heading[2]) for _, heading in _lines(_normal(markdown)) if heading), None)


def _normal(markdown: str) -> str:
    """Front matter and comments away, underlined headings as #."""
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", markdown.replace("\r\n", "\n")))
    return _SETEXT.sub(lambda match: ("# " if match[2].startswith("=") else "## ") + match[1], text)


def _cut(text: str, chars: int) -> list[str]:
    pieces: list[str] = [piece.strip() for piece in _size_splitter(chars).split_text(text)]
    return [piece for piece in pieces if any(character.isalnum() for character in piece)]


@lru_cache
def _size_splitter(chars: int) -> Any:
    """Paragraphs, lines, sentences (Latin and CJK), words, in this order."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    separators = ["\n\n", "\n", r"(?<=[.!?])\s+", r"(?<=[。！？；])", " ", ""]
    return RecursiveCharacterTextSplitter(separators, is_separator_regex=True, keep_separator="end", chunk_size=chars,
                                          chunk_overlap=0, strip_whitespace=True)
