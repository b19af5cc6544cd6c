"""RFC 9457 problem documents: every error of the HTTP interface, in one shape. It knows no route.

Below `/v1/` the shape is OpenAI's, because the clients that call there read no other.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.logs import current_request_id
from bot.stores.database import cannot_serve
from knowledge.errors import ShopclerkError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OPENAI_PATHS = "/v1/"
MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:problem-type:shopclerk:"
# Kinds that say more than their status does; docs/http.md explains each. The rest are "about:blank".
KINDS: Mapping[str, str] = {
    "invalid-field": "A field does not fit",
    "bad-customer-token": "The customer token proves nothing",
    "missing-scope": "The API key may not do this",
    "rate-limited": "Too many requests",
    "overloaded": "No room for this now",
    "internal-error": "Something went wrong on our side",
}
AWAY_S = 5                                 # a full disk or a database that is away is not mended at once
log = logging.getLogger("shopclerk.http")


class Problem(Exception):
    """Raised by a handler; answered as `application/problem+json`. `members` are extra fields of the document."""

    def __init__(self, status: int, detail: str, *, kind: str = "", headers: Mapping[str, str] | None = None,
                 **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind = status, detail, kind
        self.headers, self.members = dict(headers or {}), members


def problem_document(problem: Problem) -> dict[str, Any]:
    known = {"type": f"{PREFIX}{problem.kind}", "title": KINDS[problem.kind]} if problem.kind else \
        {"type": "about:blank", "title": HTTPStatus(problem.status).phrase}
    request_id = current_request_id()
    return known | {"status": problem.status, "detail": problem.detail} | problem.members | (
        {"request_id": request_id} if request_id else {})


def problem_response(problem: Problem, path: str = "") -> web.Response:
    openai = path.startswith(OPENAI_PATHS)
    document = openai_error(problem) if openai else problem_document(problem)
    return web.Response(status=problem.status, text=json.dumps(document), headers=problem.headers,
                        content_type="application/json" if openai else MEDIA_TYPE)


def openai_error(problem: Problem) -> dict[str, Any]:
    """As OpenAI's clients expect an error."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(problem.status, "invalid_request_error" if problem.status < 500 else "server_error")
    codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
    return {"error": {"message": problem.detail, "type": kind, "param": problem.members.get("field"),
                      "code": codes.get(problem.status) or problem.kind or None}}


def as_problem(error: Exception, path: str) -> Problem:
    """What the caller is told. The inside of an unforeseen error stays in the log, under an id the caller can quote."""
    match error:
        case Problem():
            return error
        case web.HTTPRequestEntityTooLarge():
            return Problem(413, error.text or error.reason)
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return Problem(405, f"{error.method} is not possible here: {allowed}", headers={"Allow": allowed})
        case web.HTTPNotFound() if error.text in (None, "404: Not Found"):
            return Problem(404, "there is nothing at this address: /docs lists what there is")
        case web.HTTPException():
            return Problem(error.status, error.text or error.reason)
        case ShopclerkError() if error.http_status < 500:
            return Problem(error.http_status, str(error))
        case _ if cannot_serve(error):
            log.error("the database cannot serve %s now: %s", path, str(error).splitlines()[0])
            return Problem(503, "this cannot be kept or looked up now: try again in a moment", kind="overloaded",
                           headers={"Retry-After": str(AWAY_S)}, retry_after=AWAY_S)
        case _:
            error_id = uuid.uuid4().hex[:12]
            log.error("error %s at %s", error_id, path, exc_info=error)
            status = error.http_status if isinstance(error, ShopclerkError) else 500
            return Problem(status, "something went wrong on our side", kind="internal-error", error_id=error_id)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception below into a problem document."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem_response(as_problem(error, _route(request)), request.path)
    except ConnectionError as error:
        if request.transport is None or request.transport.is_closing():
            raise                   # whoever asked has left: there is nobody to tell, and nothing to mend
        return problem_response(as_problem(error, _route(request)), request.path)
    except Exception as error:      # the outermost border: no caller may see a stack trace or a dropped connection
        return problem_response(as_problem(error, _route(request)), request.path)


def _route(request: web.Request) -> str:
    """The route's pattern: a path itself may name an order or a person."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "no route"
