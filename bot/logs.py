"""The log: one line per event on stderr, for people or as JSON, with the id of the request it belongs to.

What customers say, who they are and what proves it is never logged. As a second lock, what looks like personal data is
masked in every line, and an exception is told by its type and place, its message masked too. Other libraries' debug
lines are left out: database drivers write their parameters there.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Protocol

_REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
_OURS = "shopclerk"
_LONGEST = 4000
# Bounded quantifiers: each of these reads 100 KB of hostile text in a few milliseconds.
_MASKS = (
    (re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"), "‹e-mail›"),
    (re.compile(r"\b(?:sck_|whsec_|eyJ)[\w.+/=-]{8,600}"), "‹secret›"),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), "‹iban›"),
    (re.compile(r"(?<!\w)(?<!\d\.)\+?\(?\d(?:[ ()./-]{0,2}\d){8,18}(?!\w|\.\d)"), "‹number›"),
)


class LogSettings(Protocol):
    @property
    def level(self) -> str: ...
    @property
    def format(self) -> str: ...


def current_request_id() -> str:
    """Of the request that is being answered; "" outside of one."""
    return _REQUEST_ID.get()


def bind_request_id(request_id: str) -> None:
    """For everything this task, and tasks it starts, log from now on."""
    _REQUEST_ID.set(request_id)


def configure(settings: LogSettings) -> None:
    """Write to stderr: JSON where asked for, or where nobody looks at it (`format = "auto"` and no terminal)."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger(_OURS).setLevel(settings.level.upper())


def masked(text: str) -> str:
    """Without what looks like an e-mail address, a secret of ours, an account, card or telephone number."""
    shown = text[:_LONGEST]
    for pattern, instead in _MASKS:
        shown = pattern.sub(instead, shown)
    return shown


class Lines(logging.Formatter):
    """`2026-11-25T10:00:00Z WARNING shopclerk.http message (request …)`, exceptions below."""

    def format(self, record: logging.LogRecord) -> str:
        request_id = current_request_id()
        line = f"{_at(record)} {record.levelname} {record.name} {masked(record.getMessage())}"
        return line + (f" (request {request_id})" if request_id else "") + "".join(
            f"\n    {part}" for part in _trace(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, request_id, fields, and an exception's type and places."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"at": _at(record), "level": record.levelname.lower(), "logger": record.name,
                                "message": masked(record.getMessage())}
        if request_id := current_request_id():
            line["request_id"] = request_id
        line |= _extra(record)
        if trace := _trace(record):
            line["exception"] = trace
        return json.dumps(line, ensure_ascii=False)


def _extra(record: logging.LogRecord) -> Mapping[str, Any]:
    """Fields given as `extra={"fields": {...}}`."""
    found = getattr(record, "fields", {})
    return {k: masked(v) if isinstance(v, str) else v for k, v in found.items()} if isinstance(found, dict) else {}


def _trace(record: logging.LogRecord) -> list[str]:
    """Type, masked message and places, outermost first. A database's message ends where its parameters begin."""
    if not record.exc_info or record.exc_info[1] is None:
        return []
    error = record.exc_info[1]
    frames = traceback.extract_tb(error.__traceback__)
    said = masked(str(error).partition("\n")[0])
    return [f"{type(error).__name__}: {said}", *(f"{f.filename}:{f.lineno} in {f.name}" for f in frames)]


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
