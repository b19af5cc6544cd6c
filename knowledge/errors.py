"""The error tree of the whole house.

    ShopclerkError                 the work failed                    exit 1, HTTP 500
     ├─ BadInput                   the caller can mend it             exit 2, HTTP 422
     │   ├─ DataError              a file: names file, line, field
     │   └─ ConfigError            a setting: names the key
     ├─ NotFound                   nothing under that name            exit 2, HTTP 404
     ├─ Forbidden                  known, and not allowed             HTTP 403
     ├─ Refused                    an order rule says no (code + facts + alternatives)
     └─ Unavailable                a dependency does not answer       HTTP 503

Every message is one line that says where, what and how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ShopclerkError(Exception):
    """The work failed; the message says what to do about it."""

    exit_code = 1
    http_status = 500


class BadInput(ShopclerkError):
    """The caller gave something unusable and can mend it."""

    exit_code = 2
    http_status = 422


class DataError(BadInput):
    """A data file is wrong at a known place."""

    def __init__(
        self, file: str, problem: str, *, line: int | None = None, field: str | None = None, remedy: str = ""
    ) -> None:
        self.file, self.line, self.field, self.problem, self.remedy = file, line, field, problem, remedy
        where = file + (f":{line}" if line is not None else "") + (f": field '{field}'" if field else "")
        super().__init__(f"{where}: {problem}" + (f" ({remedy})" if remedy else ""))


class ConfigError(BadInput):
    """A setting is wrong; the message names its key."""


class NotFound(BadInput):
    """Nothing is known under that name."""

    http_status = 404


class Forbidden(ShopclerkError):
    """It exists, and this caller may not have it."""

    http_status = 403


class Refused(ShopclerkError):
    """A rule of the shop forbids the operation.

    `code` names the rule (e.g. "cancel_not_pending"), `facts` fill the response that explains it,
    `alternatives` name operations that would be allowed instead (e.g. ("cancel_order",)).
    """

    def __init__(self, code: str, facts: Mapping[str, Any] | None = None, alternatives: tuple[str, ...] = ()) -> None:
        self.code, self.facts, self.alternatives = code, dict(facts or {}), alternatives
        super().__init__(code)


class Unavailable(ShopclerkError):
    """Something this needs does not answer; try again later."""

    http_status = 503
