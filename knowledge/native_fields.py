"""Reading one JSON object field by field, with an error that names the field. It knows no entity and no file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from knowledge.errors import BadInput

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
MAX_ID = 512
_AMOUNT_LIMIT = Decimal(10) ** 15


class FieldError(BadInput):
    """One field is wrong; whoever knows file and line turns it into a DataError."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        self.field, self.problem, self.remedy = field, problem, remedy
        super().__init__(f"field '{field}': {problem} ({remedy})")


class Fields:
    """One JSON object. What is read is remembered, so that `extra()` gives the rest. "" reads as null."""

    def __init__(self, data: Any, path: str = "") -> None:
        if not isinstance(data, Mapping):
            raise FieldError(path or "(row)", f"is {_named(data)}", "write a JSON object")
        self._data, self._path = data, path
        self._read: set[str] = {"extra"}

    def name(self, field: str) -> str:
        return f"{self._path}.{field}" if self._path else field

    def raw(self, field: str) -> Any:
        self._read.add(field)
        value = self._data.get(field)
        return None if value == "" else value

    def fail(self, field: str, problem: str, remedy: str) -> FieldError:
        return FieldError(self.name(field), problem, remedy)

    def required(self, field: str) -> Any:
        value = self.raw(field)
        if value is None:
            raise self.fail(field, "is missing", "every row needs one")
        return value

    def text(self, field: str) -> str | None:
        value = self.raw(field)
        return None if value is None else self._text(field, value)

    def must_text(self, field: str) -> str:
        return self._text(field, self.required(field))

    def must_id(self, field: str) -> str:
        value = self.must_text(field).strip()
        if not value or len(value) > MAX_ID:
            problem = "is empty" if not value else f"is longer than {MAX_ID} characters"
            raise self.fail(field, problem, "give a short unique id")
        return value

    def _text(self, field: str, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fail(field, f"is {_named(value)}", "write text")
        return str(value).replace("\x00", "")

    def money(self, field: str) -> Decimal | None:
        """A finite amount ≥ 0, exactly as written."""
        value = self.raw(field)
        return None if value is None else self._money(field, value)

    def must_money(self, field: str) -> Decimal:
        return self._money(field, self.required(field))

    def _money(self, field: str, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fail(field, f"is {_named(value)}", "write an amount like \"129.90\"")
        try:
            amount = Decimal(str(value).strip())
        except InvalidOperation:
            raise self.fail(field, f"'{_short(value)}' is not an amount", "write it like \"129.90\"") from None
        if not amount.is_finite() or amount >= _AMOUNT_LIMIT:
            raise self.fail(field, f"'{_short(value)}' is not an amount", "write it like \"129.90\"")
        if amount < 0:
            raise self.fail(field, f"{amount} is negative", "amounts are 0 or more")
        return amount

    def whole(self, field: str, *, least: int | None = None) -> int | None:
        value = self.raw(field)
        if value is None:
            return None
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = value
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int):
            raise self.fail(field, f"'{_short(value)}' is not a whole number", "write it like 7")
        if least is not None and number < least:
            raise self.fail(field, f"{number} is below {least}", f"write {least} or more")
        return number

    def number(self, field: str) -> float | None:
        value = self.raw(field)
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise self.fail(field, f"'{_short(value)}' is not a number", "write it like 4.5")
        return number

    def flag(self, field: str) -> bool:
        value = self.raw(field)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self.fail(field, f"is {_named(value)}", "write true or false")
        return value

    def time(self, field: str) -> datetime | None:
        """ISO 8601, in UTC; without an offset it is taken as UTC."""
        value = self.raw(field)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (TypeError, ValueError, OverflowError):
            remedy = "write it like \"2026-11-02T10:00:00Z\""
            raise self.fail(field, f"'{_short(value)}' is not a date", remedy) from None

    def one_of(self, field: str, values: type[E]) -> E:
        value = self.required(field)
        try:
            return values(value)
        except ValueError:
            raise self.fail(field, f"'{_short(value)}' is unknown", f"one of {', '.join(values)}") from None

    def items(self, field: str) -> Iterator[tuple[str, Any]]:
        """The elements of a list, each with its name for errors; nothing when it is null."""
        value = self.raw(field)
        if value is None:
            return
        if not isinstance(value, list | tuple):
            raise self.fail(field, f"is {_named(value)}", "write a list")
        for place, item in enumerate(value):
            yield f"{self.name(field)}[{place}]", item

    def each(self, field: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """The objects of a list."""
        return tuple(read(Fields(item, path)) for path, item in self.items(field))

    def must_each(self, field: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        found = self.each(field, read)
        if not found:
            raise self.fail(field, "is missing or empty", "every row needs at least one")
        return found

    def texts(self, field: str) -> tuple[str, ...]:
        return tuple(self._text(field, item) for _, item in self.items(field) if item not in (None, ""))

    def one(self, field: str, read: Callable[[Fields], T]) -> T | None:
        value = self.raw(field)
        return None if value is None else read(Fields(value, self.name(field)))

    def mapping(self, field: str) -> dict[str, Any]:
        value = self.raw(field)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.fail(field, f"is {_named(value)}", "write a JSON object")
        return dict(value)

    def text_mapping(self, field: str) -> dict[str, str]:
        """Name → text; null and "" are left out."""
        return {name: self._text(f"{field}.{name}", value) for name, value in self.mapping(field).items()
                if value not in (None, "")}

    def extra(self) -> dict[str, Any]:
        """What nobody asked for, together with what already stood under `extra`. Call it last."""
        kept = self._data.get("extra")
        unknown = {name: value for name, value in self._data.items() if name not in self._read}
        if isinstance(kept, Mapping):
            return {**kept, **unknown}
        return unknown if kept in (None, "") else {**unknown, "extra": kept}


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def _short(value: Any) -> str:
    shown = str(value).replace("\n", " ")
    return shown if len(shown) <= 40 else shown[:37] + "..."
