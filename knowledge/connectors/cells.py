"""Reading cells of a foreign table, with errors that name file, line and column. It knows no format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from knowledge.connectors.record import SourceFile
from knowledge.errors import DataError

_MONEY = re.compile(r"-?\d+(\.\d+)?")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


class Cells:
    """One row: column names are matched without regard to case."""

    def __init__(self, file: SourceFile, line: int, row: Mapping[str, str]) -> None:
        self.file, self.line = file, line
        self._row = {name.lower(): value.replace("\x00", "").strip() for name, value in row.items()}
        self._names = {name.lower(): name for name in row}

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the file, lower case."""
        return frozenset(self._row)

    def text(self, column: str) -> str:
        """"" where the cell is empty or the column is not there."""
        return self._row.get(column.lower(), "")

    def must_text(self, column: str) -> str:
        value = self.text(column)
        if not value:
            raise self.fail(column, "is missing", "fill the cell")
        return value

    def filled(self, prefix: str) -> dict[str, str]:
        """The columns that start so and have a value, under the names the file gives them."""
        wanted = prefix.lower()
        return {self._names[name]: value for name, value in self._row.items() if value and name.startswith(wanted)}

    def fail(self, column: str, problem: str, remedy: str) -> DataError:
        name = self._names.get(column.lower(), column)
        return DataError(self.file.name, problem, line=self.line, field=name, remedy=remedy)

    def money(self, column: str) -> Decimal | None:
        """An amount ≥ 0 with or without thousands separators; None for an empty cell."""
        value = self.text(column)
        return self.amount(column, value) if value else None

    def must_money(self, column: str) -> Decimal:
        self.must_text(column)
        return self.amount(column, self.text(column))

    def amount(self, column: str, text: str) -> Decimal:
        plain = text.lstrip("'").strip()
        if _GROUPED.fullmatch(plain):
            plain = plain.replace(",", "")
        elif re.fullmatch(r"-?\d+,\d{1,2}", plain):      # a decimal comma
            plain = plain.replace(",", ".")
        try:
            found = Decimal(plain) if _MONEY.fullmatch(plain) else None
        except InvalidOperation:
            found = None
        if found is None:
            raise self.fail(column, f"'{text[:40]}' is not an amount", "write it like 129.90")
        if found < 0:
            raise self.fail(column, f"{found} is negative", "amounts are 0 or more")
        return found

    def whole(self, column: str) -> int | None:
        value = self.text(column)
        if not value:
            return None
        try:
            number = Decimal(value)
            if number == int(number):
                return int(number)
        except (InvalidOperation, OverflowError, ValueError):
            pass
        raise self.fail(column, f"'{value[:40]}' is not a whole number", "write it like 7")

    def time(self, column: str) -> datetime | None:
        """In UTC; "2026-11-02 10:00:00 -0500" and ISO 8601 are read, without an offset it is UTC."""
        value = self.text(column)
        if not value:
            return None
        spaced = re.sub(r" ?(UTC|Z)$", "+00:00", re.sub(r" ([+-]\d\d):?(\d\d)$", r"\1:\2", value))
        try:
            moment = datetime.fromisoformat(spaced)
        except ValueError:
            remedy = "write it like 2026-11-02 10:00:00 +0000"
            raise self.fail(column, f"'{value[:40]}' is not a date", remedy) from None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    def words(self, column: str) -> tuple[str, ...]:
        """Comma-separated values."""
        return tuple(part.strip() for part in self.text(column).split(",") if part.strip())
