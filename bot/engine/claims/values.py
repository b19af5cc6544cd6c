"""Values in a sentence (links, e-mails, dates, times, numbers with units, ids), and whether a source bears one out.

A value is compared in a normal form, so that "1,288.65" and "1288.65", "$5" and "5 dollars", "24 November" and
"2026-11-24" are the same thing. It knows no meaning of a value and takes the words of a language from `Words`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from bot.engine.claims.words import Words

ANY = "*"  # unit of a bare number among the facts: the field's name said what it is
ANY_MONEY = "$*"  # … written like an amount of money
_IDENTIFYING = 5  # digits from which a number may stand for an order number ("5918442" for "#W5918442")

Day = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Value:
    """`kind`: link, email, date, weekday, time, number, range, id. `key`: the normal form; dates may read two ways."""

    kind: str
    key: str
    start: int
    end: int
    number: Decimal = Decimal(0)
    high: Decimal | None = None
    unit: str = ""
    bound: str = ""
    days: tuple[Day, ...] = ()


def find_values(text: str, words: Words) -> tuple[Value, ...]:
    """All values of a rewritten sentence, by position, none inside another."""
    found: list[Value] = []
    for pattern, make in _patterns(words):
        for match in pattern.finditer(text):
            if any(match.start() < v.end and v.start < match.end() for v in found):
                continue
            if (value := make(match, text)) is not None:
                found.append(value)
    return tuple(sorted(found, key=lambda v: v.start))


def decimal_of(text: str) -> Decimal:
    """The number that "1,288.65", "1.288,65", "1 288,65" and "1288.65" all are."""
    text = re.sub(r"[\s']", "", text)
    if "," in text and "." in text:
        decimal_sign = max(",", ".", key=text.rfind)
        text = text.replace("," if decimal_sign == "." else ".", "").replace(decimal_sign, ".")
    elif "," in text:
        whole, _, rest = text.rpartition(",")
        text = text.replace(",", "") if len(rest) == 3 else f"{whole.replace(',', '')}.{rest}"
    elif text.count(".") > 1:
        text = text.replace(".", "")
    return Decimal(text).normalize()


def borne_out(value: Value, sources: Iterable[Value]) -> bool:
    """Whether any source value says the same."""
    return any(_says(source, value) for source in sources)


def _says(source: Value, value: Value) -> bool:
    if value.kind == "date":
        return source.kind == "date" and any(_same_day(s, v) for s in source.days for v in value.days)
    if value.kind == "weekday":
        return _weekday_of(source) == value.key
    if value.kind in ("number", "range"):
        return _same_number(source, value)
    return source.kind == value.kind and source.key == value.key


def _same_day(source: Day, value: Day) -> bool:
    return all(v is None or s == v for s, v in zip(source, value, strict=True))


def _weekday_of(source: Value) -> str | None:
    if source.kind == "weekday":
        return source.key
    year, month, day = source.days[0] if source.kind == "date" else (None, None, None)
    return str(date(year, month, day).weekday()) if year and month and day else None


def _same_number(source: Value, value: Value) -> bool:
    if source.kind == "date" and value.kind == "number" and not value.unit:  # a year alone
        return any(value.number == year for year, _, _ in source.days)
    if source.kind == "id" and value.kind == "number":
        digits = re.sub(r"\D", "", source.key)
        return (
            not value.unit
            and value.number == value.number.to_integral_value()
            and len(digits) >= _IDENTIFYING
            and f"{value.number:f}" == digits
        )
    if source.kind not in ("number", "range") or not _same_unit(source.unit, value.unit):
        return False
    if value.kind == "range":
        return (source.number, source.high) == (value.number, value.high)
    if source.kind == "range":  # of "5 to 7" only "up to 7" follows
        return source.high == value.number and value.bound == "max"
    return source.number == value.number and _same_bound(source, value)


def _same_unit(source: str, value: str) -> bool:
    if source == ANY or value in ("", source):
        return True
    return source == ANY_MONEY and value.isupper()


def _same_bound(source: Value, value: Value) -> bool:
    """Limits: "over 50" is not "under 50" nor plain "50"; a plain span of time may be called "within"."""
    if source.unit in (ANY, ANY_MONEY) or source.bound == value.bound:
        return True
    return "min" not in (source.bound, value.bound)


# --- finding ---------------------------------------------------------------------------------------------------------

Maker = Callable[[re.Match[str], str], Value | None]


@lru_cache(maxsize=16)
def _patterns(words: Words) -> tuple[tuple[re.Pattern[str], Maker], ...]:
    """Most specific first."""
    month = "(?P<month>" + _any_of(words.months) + r")\b\.?"
    ordinal = f"(?:{_any_of(words.ordinals)})?"
    day = rf"(?P<day>\d{{1,2}}){ordinal}"
    unit = "(?P<unit>" + _any_of([*words.units, *(c for c in words.currencies)]) + ")"
    currency = "(?P<currency>" + _any_of(words.currencies) + ")"
    number = r"\d{1,3}(?:[,'\s]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,3}(?:\.\d{3})+,\d{1,2}(?!\d)|\d+(?:[.,]\d+)?"
    amount = rf"(?:{currency}\s?)?(?P<number>{number}){ordinal}(?:\s?-?{unit}(?![^\W_]))?"
    edge, end = r"(?<![\w#/.\-])", r"(?![\w])(?!-\w)(?!/\w)(?!\.\d)"
    joints = _any_of([*words.joiners, *words.spans])
    span = (
        rf"(?:{currency}\s?)?(?P<number>{number})(?:\s?{unit})?\s?(?:-|–|—|(?P<joint>{joints}))\s?"
        rf"(?:{currency.replace('<currency>', '<currency2>')}\s?)?(?P<high>{number})"
        rf"(?:\s?-?{unit.replace('<unit>', '<unit2>')}(?![^\W_]))?"
    )
    table: list[tuple[str, Maker]] = [
        (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", lambda m, _: Value("email", m[0].lower(), m.start(), m.end())),
        (r"(?:https?://|www\.)[^\s<>()\[\]]+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:/[^\s<>()\[\]]*)?", _link),
        (
            r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?",
            _iso,
        ),
        (rf"\b{day}(?:\s+of)?\s+{month},?(?:\s*(?P<year>\d{{4}}))?(?!\w)", _spelt(words)),
        (rf"\b{month}\s+{day}(?![\d:.]\d)(?:,?\s+(?P<year>\d{{4}}))?(?!\w)", _spelt(words)),
        (rf"\b{month},?\s+(?P<year>\d{{4}})(?!\w)", _spelt(words)),
        (r"(?<![\w/.])(?P<a>\d{1,2})(?P<sign>[/.])(?P<b>\d{1,2})(?P=sign)(?P<year>\d{4}|\d\d)(?![\w/])", _numeric_date),
        (
            r"(?<![\w:])(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s?(?P<half>[ap]\.?m\b\.?)|(?<![\w:])(?P<hour2>\d{1,2}):(?P<minute2>\d\d)(?![\w:])",
            _time,
        ),
        (rf"\b(?:{_any_of(words.weekdays)})s?\b", _weekday(words)),
        (rf"\b{month}", _spelt(words)),
        (rf"{edge}{span}{end}", _range(words)),
        (rf"{edge}{amount}{end}", _number(words)),
        (r"#?(?=[A-Za-z_/.\-]*\d)[A-Za-z0-9]+(?:[-_/.][A-Za-z0-9]+)*", _id),
    ]
    return tuple((re.compile(pattern, re.IGNORECASE if i != 1 else 0), make) for i, (pattern, make) in enumerate(table))


def _any_of(forms: Iterable[str]) -> str:
    """Longest first, so that "business days" wins over "business"."""
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))


def _link(match: re.Match[str], _: str) -> Value:
    text = match[0].rstrip(".,;:!?'\"")
    return Value(
        "link", re.sub(r"^(?:https?://)?(?:www\.)?", "", text).rstrip("/"), match.start(), match.start() + len(text)
    )


def _id(match: re.Match[str], _: str) -> Value:
    return Value("id", squeezed(match[0]), match.start(), match.end())


def squeezed(text: str) -> str:
    """Letters and digits only, upper case."""
    return re.sub(r"[\W_]", "", text).upper()


def _date(match: re.Match[str], *days: Day) -> Value | None:
    good = tuple(d for d in days if (d[1] is None or 1 <= d[1] <= 12) and (d[2] is None or 1 <= d[2] <= 31))
    return Value("date", match[0].lower(), match.start(), match.end(), days=good) if good else None


def _iso(match: re.Match[str], _: str) -> Value | None:
    return _date(match, (int(match["year"]), int(match["month"]), int(match["day"])))


def _spelt(words: Words) -> Maker:
    def make(match: re.Match[str], text: str) -> Value | None:
        groups = match.groupdict()
        name = match["month"].lower()
        year, day = groups.get("year"), groups.get("day")
        if not year and not day and not _is_month(match, text, words):
            return None
        return _date(match, (int(year) if year else None, words.months[name], int(day) if day else None))

    return make


def _is_month(match: re.Match[str], text: str, words: Words) -> bool:
    """A month's name without day and year is capitalised, and a doubtful one ("May") has a cue before it."""
    before = re.findall(r"\w+", text[: match.start()].lower())
    cued = bool(before) and before[-1] in words.month_cues
    return match[0][0].isupper() and (cued or match["month"].lower() not in words.unsure_months)


def _numeric_date(match: re.Match[str], _: str) -> Value | None:
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
    first, second = int(match["a"]), int(match["b"])
    return _date(match, (year, first, second), (year, second, first))


def _time(match: re.Match[str], _: str) -> Value | None:
    hour, minute = int(match["hour"] or match["hour2"]), int(match["minute"] or match["minute2"] or 0)
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower().startswith("p") else 0)
    if hour > 23 or minute > 59:
        return None
    return Value("time", str(hour * 60 + minute), match.start(), match.end())


def _weekday(words: Words) -> Maker:
    def make(match: re.Match[str], _: str) -> Value | None:
        name = match[0].lower()
        number = words.weekdays.get(name, words.weekdays.get(name.rstrip("s")))
        return Value("weekday", str(number), match.start(), match.end()) if match[0][0].isupper() else None

    return make


def _unit(words: Words, *forms: str | None) -> str:
    for form in forms:
        if form:
            low = form.lower()
            return words.currencies.get(low) or words.units[low]
    return ""


def _number(words: Words) -> Maker:
    def make(match: re.Match[str], text: str) -> Value | None:
        unit = _unit(words, match["currency"], match["unit"])
        value = Value("number", "", match.start(), match.end(), decimal_of(match["number"]), unit=unit)
        return replace(value, key=f"{value.number}", bound=_bound(match, text, words))

    return make


def _range(words: Words) -> Maker:
    def make(match: re.Match[str], text: str) -> Value | None:
        unit = _unit(words, match["currency"], match["currency2"], match["unit2"], match["unit"])
        low, high = decimal_of(match["number"]), decimal_of(match["high"])
        if unit.isupper() or (
            unit not in words.durations and (match["joint"] or "").lower() in words.joiners
        ):  # "$5 to $7", "2 and 3": two numbers
            return None
        return Value("range", f"{low}-{high}", match.start(), match.end(), low, high, unit)

    return make


def _bound(match: re.Match[str], text: str, words: Words) -> str:
    """A word right before or after the number that makes it a limit; the longest one decides ("no more than")."""
    before, after = f" {text[: match.start()].lower().rstrip()}", f"{text[match.end() :].lower().lstrip()} "
    for form in sorted(words.bounds, key=len, reverse=True):
        if before.endswith((f" {form}", f" {form} the", f" {form} a")) or after.startswith(
            (f"{form} ", f"{form}.", f"{form},")
        ):
            return words.bounds[form]
    return ""
