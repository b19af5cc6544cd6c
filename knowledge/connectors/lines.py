"""Lines and CSV rows of a file of any size, in bounded memory. It knows no column."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from knowledge.connectors.record import SourceFile
from knowledge.errors import DataError

MAX_LINE = 16 * 1024 * 1024      # bytes; one row of a shop is never longer
_REMEDY = "rows end with a line break"
CsvRow = dict[str, str]


def read_lines(file: SourceFile) -> Iterator[tuple[int, str]]:
    """(line number, text with its line end), decoded from UTF-8 with or without a byte order mark. Raises DataError."""
    with file.path.open("rb") as stream:
        number = 0
        while block := stream.readline(MAX_LINE + 1):
            number += 1
            file.advance(len(block))
            if len(block) > MAX_LINE:
                problem = f"a line is longer than {MAX_LINE // 1024 // 1024} MB"
                raise DataError(file.name, problem, line=number, remedy=_REMEDY)
            try:
                yield number, block.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                problem = f"byte {error.start + 1} of the line is not UTF-8"
                raise DataError(file.name, problem, line=number, remedy="save the file as UTF-8") from error


def read_csv(file: SourceFile, delimiter: str = "") -> Iterator[tuple[int, CsvRow]]:
    """(line number, header → cell) per row; missing cells are "". Raises DataError."""
    lines = _Lines(file)
    first = next(lines, "")
    csv.field_size_limit(MAX_LINE)
    separator = delimiter or guess_delimiter(first)
    columns = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
    if not columns:
        raise DataError(file.name, "is empty", line=1, remedy="the first line names the columns")
    reader = csv.reader(lines, delimiter=separator)
    while True:
        start = lines.number + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            remedy = "close every quote that opens"
            raise DataError(file.name, f"not CSV: {error}", line=start, remedy=remedy) from error
        if cells is None:
            return
        if len(cells) > len(columns):
            problem = f"{len(cells)} cells where the header has {len(columns)} columns"
            raise DataError(file.name, problem, line=start, remedy="quote cells that hold the separator")
        if any(cells):
            yield start, dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False))


def guess_delimiter(header: str) -> str:
    """Tab, comma or semicolon: whichever the header has most of."""
    return max("\t,;", key=header.count)


class _Lines(Iterator[str]):
    """The lines of a file for csv.reader, with the number of the last one given out."""

    def __init__(self, file: SourceFile) -> None:
        self._lines = read_lines(file)
        self.number = 0

    def __next__(self) -> str:
        self.number, text = next(self._lines)
        return text
