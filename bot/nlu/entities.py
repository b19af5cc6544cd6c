"""What customers say about themselves: e-mail addresses, names, postcodes, ids, order numbers. Spelling only, no look-ups."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.requests.addresses import STREET
from bot.requests.lexicon import Lexicon

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_POSTCODE = re.compile(
    r"(?<![\w#$.,])(\d{5}(?:-\d{4})?|[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2}|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d)(?![\w])"
)
_ORDER = re.compile(
    r"#\s?[A-Za-z]{0,4}-?\d{1,20}\b|\b[A-Za-z]{1,3}-?\d{5,20}\b"
    r"|(?:(?<=\border )|(?<=\border number ))(?:[A-Za-z]{1,4}-\d{1,20}|\d{3,20})\b",
    re.IGNORECASE,
)
_ID = re.compile(r"\b([A-Za-z]+(?:_[A-Za-z0-9]+)+|[A-Za-z]{1,4}-?\d{1,8})\b")
_SHORT_POSTCODE = re.compile(
    r"(?:zip|post ?code|postal code|plz)\W{0,4}(?:code\W{0,3})?(?:is\W{0,2})?(\d{4,5})\b", re.IGNORECASE
)
_NAME = r"([^\W\d_][^\W\d_'’-]*(?:[-'’][^\W\d_]+)?\.?)"
_NAMES = re.compile(rf"\s*{_NAME}(?:\s+{_NAME})?(?:\s+{_NAME})?")


def read_claims(text: str, lexicon: Lexicon, *, asked: bool) -> dict[str, str]:
    """Claims about identity (keys of `IdentityService`). `asked`: the customer was just asked, so bare words count."""
    claims: dict[str, str] = {}
    if emails := _EMAIL.findall(text):
        claims["email"] = ", ".join(e.rstrip(".") for e in emails)
    rest = _EMAIL.sub(" ", text)
    if found := _customer_id(rest, lexicon):
        claims["customer_id"] = found
        rest = rest.replace(found, " ")
    numbers = order_numbers(rest)
    street = STREET.search(rest)
    own = rest[: street.start()] if street else rest
    postcodes = _POSTCODE.findall(_ORDER.sub(" ", own)) or _SHORT_POSTCODE.findall(own)
    claims |= (
        _introduced(rest, lexicon, strict=True) if emails else _name(own or rest, lexicon, asked or bool(postcodes))
    )
    if postcodes and not (emails and not asked):
        claims["postcode"] = postcodes[-1]
    if numbers and (asked or {"postcode", "email"} & set(claims)) and not {"first_name", "customer_id"} & set(claims):
        claims["order_number"] = numbers[0]
    return claims if asked or set(claims) - {"postcode"} else {}


def order_numbers(text: str) -> list[str]:
    return [n.replace(" ", "") for n in _ORDER.findall(text)]


def _customer_id(text: str, lexicon: Lexicon) -> str | None:
    underscored = re.search(r"\b[A-Za-z]+(?:_[A-Za-z0-9]+)+\b", text)
    if underscored:
        return underscored.group()
    for cue in lexicon.pattern("customer_id_is").finditer(text):
        found = _ID.match(text[cue.end() :].lstrip(" :="))
        if found and any(c.isdigit() for c in found.group()):
            return found.group(1)
    return None


def _name(text: str, lexicon: Lexicon, asked: bool) -> dict[str, str]:
    first = _after(text, lexicon, "first_name_after")
    last = _after(text, lexicon, "last_name_after")
    if first and last:
        return {"first_name": first, "last_name": last}
    if name := _introduced(text, lexicon, strict=True):
        return name
    if not asked:
        return {}
    parts = [p.strip() for p in re.split(r"[,;.?!\n(]|\s[-–]\s", _without_numbers(text)) if p.strip()]
    for part in parts:
        match = _NAMES.match(part)
        if match and (name := _two_names(match, lexicon, strict=True)):
            return name
    if name := _introduced(text, lexicon, strict=False):
        return name
    match = _NAMES.fullmatch(parts[0]) if parts else None
    return _two_names(match, lexicon, strict=False) if match else {}


def _introduced(text: str, lexicon: Lexicon, *, strict: bool) -> dict[str, str]:
    """ "My name is …", "I'm …"."""
    for cue in lexicon.pattern("name_is").finditer(text):
        match = _NAMES.match(text[cue.end() :])
        if match and (name := _two_names(match, lexicon, strict=strict)):
            return name
    return {}


def _without_numbers(text: str) -> str:
    return re.sub(r"[#(]?\b\w*\d[\w-]*\)?", ",", text)


def _after(text: str, lexicon: Lexicon, section: str) -> str | None:
    cue = lexicon.pattern(section).search(text)
    match = re.match(rf"\s*{_NAME}", text[cue.end() :]) if cue else None
    return match.group(1) if match else None


def _two_names(match: re.Match[str], lexicon: Lexicon, *, strict: bool) -> dict[str, str]:
    """Two name-like words in a row; `strict` wants them capitalised, as in a sentence."""
    names = [n.rstrip(".") for n in match.groups() if n]
    ignored = lexicon.words("stop") | lexicon.words("not_names")
    while names and names[0].lower() in ignored:
        names = names[1:] if strict else []
    names = names[: next((i for i, n in enumerate(names) if n.lower() in ignored), len(names))]
    if strict:
        names = names[: next((i for i, n in enumerate(names) if n[0].islower()), len(names))]
    if len(names) < 2:
        return {}
    return {
        "first_name": names[0].capitalize() if names[0].islower() else names[0],
        "last_name": " ".join(n.capitalize() if n.islower() else n for n in names[1:]),
    }


def entities(text: str, claims: Mapping[str, str]) -> list[dict[str, str]]:
    """For the tracker: order numbers and claims as Rasa-like entities."""
    return [{"entity": "order_number", "value": n} for n in order_numbers(text)] + [
        {"entity": k, "value": v} for k, v in claims.items() if k != "order_number"
    ]
