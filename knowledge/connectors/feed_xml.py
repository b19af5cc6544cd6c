"""The items of an RSS or Atom product feed, streamed through a parser that refuses entities and external references."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree.ElementTree import ParseError

from knowledge.connectors.lines import MAX_LINE
from knowledge.connectors.record import SourceFile
from knowledge.errors import DataError

BLOCK = 64 * 1024
_ITEMS = ("item", "entry")
_REPEATED = ("product_highlight", "product_type")
Item = dict[str, str]


class _Collector:
    """Expat's target: keeps only the item being read."""

    def __init__(self) -> None:
        self.done: list[tuple[int, Item]] = []
        self.held = 0                     # characters kept, to stop an item without end
        self._item: Item | None = None
        self._path: list[str] = []
        self._text: list[str] = []
        self._line = 0
        self.current_line: Callable[[], int] = lambda: 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2].lower()
        if self._item is None:
            if name in _ITEMS:
                self._item, self._path, self._line, self.held = {}, [], self.current_line(), 0
            return
        self._path.append(name)
        self._text = []
        if name == "link" and attributes.get("href"):
            self._item.setdefault("link", attributes["href"])

    def data(self, text: str) -> None:
        if self._item is not None and len(self._path) == 1:
            self._text.append(text)
            self.held += len(text)

    def end(self, tag: str) -> None:
        if self._item is None:
            return
        if not self._path:
            self.done.append((self._line, self._item))
            self._item = None
            return
        name = self._path.pop()
        value = "".join(self._text).strip()
        if not self._path and value:
            known = self._item.get(name)
            self._item[name] = f"{known}, {value}" if known and name in _REPEATED else value
        self._text = []

    def close(self) -> None:
        """Nothing is left to do."""


def read_items(file: SourceFile) -> Iterator[tuple[int, Item]]:
    """(line, field → text) per item; only direct children count. Raises DataError."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    collector = _Collector()
    parser = DefusedXMLParser(target=collector)
    collector.current_line = lambda: parser.parser.CurrentLineNumber
    fed = 0
    with file.path.open("rb") as stream:
        try:
            while block := stream.read(BLOCK):
                file.advance(len(block))
                fed += len(block)
                parser.feed(block)
                waiting = fed - parser.parser.CurrentByteIndex      # a tag or comment that does not end
                if max(collector.held, waiting) > MAX_LINE:
                    problem = f"an item is larger than {MAX_LINE // 1024 // 1024} MB"
                    remedy = "close every tag that opens"
                    raise DataError(file.name, problem, line=collector.current_line(), remedy=remedy)
                yield from collector.done
                collector.done.clear()
            parser.close()
        except ParseError as error:
            line = error.position[0] if getattr(error, "position", None) else collector.current_line()
            raise DataError(file.name, f"not XML: {error}", line=line, remedy="export the feed again") from error
        except DefusedXmlException as error:
            problem = "declares entities or external references, which are refused"
            remedy = "export the feed without a DTD"
            raise DataError(file.name, problem, line=collector.current_line(), remedy=remedy) from error
    yield from collector.done
