"""Routes that say what they are: who may call, what they read and answer. One declaration serves three masters:

the request is checked and read by it before the handler runs, the OpenAPI document is generated from it, and a test
refuses a route without it. A handler gets what was read with `body_of` and `query_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, overload

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.channels.access import Access, admit
from bot.channels.body import read_json
from bot.channels.fields import MESSAGE_CHARS
from bot.channels.problem import Handler, Problem
from bot.channels.services import SHOP

JSON = "application/json"
BODY = web.RequestKey("body", BaseModel)
QUERY = web.RequestKey("query", BaseModel)
MOST_ERRORS = 20
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`answers`: status → media type → model, or a text that describes what is no JSON."""

    summary: str
    tag: str
    access: Access
    description: str = ""
    body: type[BaseModel] | None = None
    body_required: bool = True
    query: type[BaseModel] | None = None
    answers: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()          # beside those that follow from access, body and query


class Operations(Sequence[web.AbstractRouteDef]):
    """A module's routes, for `app.add_routes`."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._routes: list[web.RouteDef] = []

    def get(self, path: str, summary: str, access: Access, **about: Any) -> Callable[[Handler], Handler]:
        return self.route("GET", path, summary, access, **about)

    def post(self, path: str, summary: str, access: Access, **about: Any) -> Callable[[Handler], Handler]:
        return self.route("POST", path, summary, access, **about)

    def delete(self, path: str, summary: str, access: Access, **about: Any) -> Callable[[Handler], Handler]:
        return self.route("DELETE", path, summary, access, **about)

    def route(self, method: str, path: str, summary: str, access: Access, *, answer: Any = None, status: int = 200,
              media: str = JSON, **about: Any) -> Callable[[Handler], Handler]:
        """`answer` with `status` and `media` is short for one entry of `answers`; the rest is an Operation's."""
        answers = {status: {media: answer} if answer is not None else {}} | dict(about.pop("answers", {}))
        operation = Operation(summary=summary, tag=about.pop("tag", self._tag), access=access, answers=answers, **about)

        def register(handler: Handler) -> Handler:
            self._routes.append(web.RouteDef(method, path, performing(operation, handler), {}))
            return handler
        return register

    @overload
    def __getitem__(self, index: int) -> web.AbstractRouteDef: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[web.AbstractRouteDef]: ...
    def __getitem__(self, index: int | slice) -> web.AbstractRouteDef | Sequence[web.AbstractRouteDef]:
        return self._routes[index]

    def __iter__(self) -> Iterator[web.AbstractRouteDef]:
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)


def performing(operation: Operation, handler: Handler) -> Handler:
    """The handler behind its operation: the caller is admitted first, then what was sent is read."""
    @wraps(handler)
    async def perform(request: web.Request) -> web.StreamResponse:
        await admit(request, operation.access)
        if operation.query:
            request[QUERY] = _validated(operation.query, dict(request.query), request)
        if operation.body:
            sent = await read_json(request, required=operation.body_required)
            request[BODY] = _validated(operation.body, sent, request)
        return await handler(request)

    perform.operation = operation           # type: ignore[attr-defined]
    return perform


def operation_of(handler: Any) -> Operation | None:
    """What a route's handler was declared as."""
    found = getattr(handler, "operation", None)
    return found if isinstance(found, Operation) else None


def body_of(request: web.Request, model: type[M]) -> M:
    body = request[BODY]
    assert isinstance(body, model)
    return body


def query_of(request: web.Request, model: type[M]) -> M:
    query = request[QUERY]
    assert isinstance(query, model)
    return query


def _validated(model: type[BaseModel], sent: Any, request: web.Request) -> BaseModel:
    limits = request.app[SHOP].settings.limits
    try:
        return model.model_validate(sent, context={MESSAGE_CHARS: limits.message_chars})
    except ValidationError as error:
        raise _problem(error) from None


def _problem(error: ValidationError) -> Problem:
    """The first mistake in words, all of them as a list; never what was sent, since it may be personal."""
    mistakes = [(_field(e["loc"]), told(e)) for e in error.errors(include_url=False, include_input=False)]
    where, what = mistakes[0]
    listed = [{"field": f, "detail": d} for f, d in mistakes[:MOST_ERRORS]]
    return Problem(422, f"'{where}' {what}" if where else f"the request {what}", kind="invalid-field",
                   field=where, errors=listed)


def _field(place: tuple[int | str, ...]) -> str:
    """`messages.0.content`; pydantic's names for the branches of a choice are left out."""
    return ".".join(str(part) for part in place if isinstance(part, int) or (part.isidentifier() and part != "str"))


def told(error: Any) -> str:
    known = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing"
        case "string_type":
            return "must be a text"
        case "string_too_long":
            return f"may have at most {known['max_length']} characters"
        case "value_error":
            return str(known["error"])      # in our own words: bot.channels.fields
        case "string_too_short":
            return "must not be empty"
        case "too_short" | "too_long" if known.get("field_type") == "List":
            return "needs more items" if error["type"] == "too_short" else f"may have {known['max_length']} items"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "must be a JSON object"
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number"
        case _:
            message: str = error["msg"]
            return message if message.startswith("must ") else message.replace("Input should be", "must be") \
                if message.startswith("Input ") else f"is not right: {message}"
