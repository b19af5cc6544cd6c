"""RFC 9457 problem documents: every error of the HTTP interface, in one shape. It knows no route."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from knowledge.errors import ShopclerkError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger("shopclerk.http")


class Problem(Exception):
    """Raised by a handler; answered as `application/problem+json`. `members` are extra fields of the document."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.members = status, detail, dict(headers or {}), members


def problem_document(problem: Problem) -> dict[str, Any]:
    title = HTTPStatus(problem.status).phrase
    return {"type": "about:blank", "title": title, "status": problem.status, "detail": problem.detail} | problem.members


def problem_response(problem: Problem) -> web.Response:
    return web.Response(status=problem.status, text=json.dumps(problem_document(problem)), headers=problem.headers,
                        content_type="application/problem+json")


def as_problem(error: Exception, path: str) -> Problem:
    """What the caller is told. The inside of an unforeseen error stays in the log, under an id the caller can quote."""
    match error:
        case Problem():
            return error
        case web.HTTPRequestEntityTooLarge():
            return Problem(413, error.text or error.reason)
        case web.HTTPException():
            headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            return Problem(error.status, error.text or error.reason, headers=headers)
        case ShopclerkError() if error.http_status < 500:
            return Problem(error.http_status, str(error))
        case _:
            error_id = uuid.uuid4().hex[:12]
            log.error("error %s at %s", error_id, path, exc_info=error)
            status = error.http_status if isinstance(error, ShopclerkError) else 500
            return Problem(status, "something went wrong on our side", error_id=error_id)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception below into a problem document."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem_response(as_problem(error, request.path))
    except Exception as error:      # the outermost border: no caller may see a stack trace or a dropped connection
        return problem_response(as_problem(error, request.path))
