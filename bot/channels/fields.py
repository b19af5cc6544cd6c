"""Kinds of fields that callers send: made safe to keep, described in the OpenAPI document, refused with a clear line.

What a shop may set (`limits.message_chars`) arrives as pydantic's validation context; `LIMIT_OF` marks such a field in
the schema, so that the document can say the shop's own figure.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

LIMIT_OF = "x-limit-of"                    # in a JSON schema: the setting that bounds this text
MESSAGE_CHARS = "message_chars"
_KEPT_CONTROLS = "\n\t"
_VISIBLE = r"[^\s\x00-\x1f\x7f-\x9f]"    # at least one character one can see


def clean(text: str) -> str:
    """Without lone surrogates and control characters (line breaks and tabs stay); all else is left as written."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    lined = whole.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lined if c in _KEPT_CONTROLS or unicodedata.category(c) != "Cc")


def _digits(value: Any) -> Any:
    """A number is read as its digits: many callers keep ids as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _whole(value: Any) -> Any:
    """Lone surrogates are replaced before pydantic sees them; it refuses them with an unclear message."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else value


def _one_line(text: str) -> str:
    return clean(text).replace("\n", " ").replace("\t", " ")


def _named(text: str) -> str:
    line = _one_line(text)
    if not line.strip():
        raise ValueError("must not be empty")
    return line


def _message(text: str, info: ValidationInfo) -> str:
    limit = (info.context or {}).get(MESSAGE_CHARS, 4000)
    if len(text) > limit:
        raise ValueError(f"has {len(text)} characters; at most {limit} are allowed")
    return clean(text)


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Identifier = Annotated[
    str, Field(min_length=1, max_length=200), BeforeValidator(_whole), AfterValidator(_named),
    BeforeValidator(_digits, json_schema_input_type=Annotated[
        str, Field(min_length=1, max_length=200, pattern=_VISIBLE)] | int)]
"""A name without control characters; not empty."""

Label = Annotated[
    str, Field(max_length=200), BeforeValidator(_whole), AfterValidator(_one_line),
    BeforeValidator(_digits, json_schema_input_type=Annotated[str, Field(max_length=200)] | int)]
"""As an identifier, but it may be empty."""

Locale = Annotated[str, BeforeValidator(_whole), Field(max_length=35), AfterValidator(_one_line)]
Payload = Annotated[str, BeforeValidator(_whole), Field(max_length=1000), AfterValidator(_one_line)]

MessageText = Annotated[
    str, BeforeValidator(_whole), AfterValidator(_message),
    BeforeValidator(_digits, json_schema_input_type=Annotated[
        str, Field(json_schema_extra={LIMIT_OF: MESSAGE_CHARS})] | int)]
"""What somebody says: at most `limits.message_chars` characters."""

SaidText = Annotated[
    str, BeforeValidator(_whole), AfterValidator(_message), AfterValidator(_said),
    BeforeValidator(_digits, json_schema_input_type=Annotated[
        str, Field(pattern=_VISIBLE, json_schema_extra={LIMIT_OF: MESSAGE_CHARS})] | int)]
"""A message that says something."""

Comment = Annotated[str, Field(max_length=2000), BeforeValidator(_whole), AfterValidator(clean)]
Seq = Annotated[int, Field(ge=0, lt=10**15)]
