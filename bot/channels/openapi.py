"""The OpenAPI 3.1 document, generated from the application's own routes and the models they read with.

Nothing is described here by hand but what all operations share: how one signs in, and the shape of errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from bot.channels.access import Access, Caller
from bot.channels.fields import LIMIT_OF
from bot.channels.openai_schemas import OpenAiError
from bot.channels.operations import JSON, Operation, operation_of
from bot.channels.problem import MEDIA_TYPE, OPENAI_PATHS
from bot.channels.schemas import Problem
from bot.channels.services import SHOP

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_BODY_PROBLEMS = (400, 408, 413, 415, 422)


def document(app: web.Application) -> Json:
    """What this application can do."""
    described = dict(_described(app))
    schemas = _Schemas(described.values(), app)
    paths: dict[str, Json] = {}
    for (method, path), operation in described.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "shopclerk", "version": version("shopclerk"), "description":
                 "A shop's customer-service assistant. Errors are RFC 9457 problem documents; below /v1/ they have "
                 "OpenAI's shape."},
        "paths": paths,
        "components": {"securitySchemes": _schemes(), "schemas": schemas.definitions},
    }


def _described(app: web.Application) -> Iterator[tuple[tuple[str, str], Operation]]:
    for route in app.router.routes():
        operation = operation_of(route.handler)
        if operation is not None and route.resource is not None and route.method != "HEAD":
            yield (route.method, route.resource.canonical), operation


class _Schemas:
    """Every model's JSON schema, the named ones once under components."""

    def __init__(self, operations: Any, app: web.Application) -> None:
        self._limits = app[SHOP].settings.limits
        wanted: dict[tuple[str, Any], TypeAdapter[Any]] = {}
        for operation in operations:
            if operation.body:
                wanted[_key("validation", operation.body)] = TypeAdapter(operation.body)
            for answer in operation.answers.values():
                for model in answer.values():
                    if not isinstance(model, str):
                        wanted[_key("serialization", model)] = TypeAdapter(model)
        for model in (Problem, OpenAiError):
            wanted[_key("serialization", model)] = TypeAdapter(model)
        inputs: Any = [(key, key[0], adapter) for key, adapter in wanted.items()]
        found, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF)
        self.definitions: Json = self._with_limits(shared.get("$defs", {}))
        self._found = {key: self._with_limits(schema) for (key, _), schema in found.items()}

    def read(self, model: type[BaseModel]) -> Json:
        return self._found[_key("validation", model)]

    def sent(self, model: Any) -> Json:
        return self._found[_key("serialization", model)]

    def parameters(self, model: type[BaseModel]) -> Iterator[tuple[str, Json, bool]]:
        schema = self._with_limits(TypeAdapter(model).json_schema())
        for name, field in schema.get("properties", {}).items():
            yield name, field, name in schema.get("required", ())

    def _with_limits(self, schema: Any) -> Any:
        """The shop's own limit where a field says which setting bounds it."""
        if isinstance(schema, list):
            return [self._with_limits(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        told = {key: self._with_limits(value) for key, value in schema.items() if key != LIMIT_OF}
        return told | ({"maxLength": getattr(self._limits, schema[LIMIT_OF])} if LIMIT_OF in schema else {})


def _key(mode: str, model: Any) -> tuple[str, str]:
    return mode, repr(model)


def _operation(method: str, path: str, operation: Operation, schemas: _Schemas) -> Json:
    told: Json = {"summary": operation.summary, "tags": [operation.tag], "operationId": _name(method, path)}
    if description := " ".join(filter(None, (operation.description, _access(operation.access)))):
        told["description"] = description
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
                  for name in re.findall(r"{(\w+)[:}]", path)]
    for name, schema, required in schemas.parameters(operation.query) if operation.query else ():
        parameters.append(_parameter(name, schema, required))
    if parameters:
        told["parameters"] = parameters
    if operation.body:
        told["requestBody"] = {"required": operation.body_required,
                               "content": {JSON: {"schema": schemas.read(operation.body)}}}
    told["responses"] = {str(status): _answer(status, answer, schemas) for status, answer in operation.answers.items()}
    error = OpenAiError if path.startswith(OPENAI_PATHS) else Problem
    media = JSON if error is OpenAiError else MEDIA_TYPE
    for status in problems_of(operation):
        told["responses"].setdefault(str(status), {"description": HTTPStatus(status).phrase, "content": {
            media: {"schema": schemas.sent(error)}}})
    if security := _security(operation.access):
        told["security"] = security
    return told


def problems_of(operation: Operation) -> list[int]:
    """The errors an operation may answer with: its own, and those of its access, body and query."""
    caller = operation.access.caller
    found = set(operation.problems) | {429}
    found |= {401, 403} if caller in (Caller.KEY, Caller.KEY_WHERE_WANTED) else set()
    found |= {401} if caller in (Caller.HOLDER, Caller.FIRST_FRAME) else set()
    found |= set(_BODY_PROBLEMS) if operation.body else set()
    found |= {422} if operation.query else set()
    return sorted(found)


def _answer(status: int, answer: Mapping[str, Any], schemas: _Schemas) -> Json:
    told: Json = {"description": HTTPStatus(status).phrase}
    if answer:
        told["content"] = {media: {"schema": {"type": "string", "description": model} if isinstance(model, str)
                                   else schemas.sent(model)} for media, model in answer.items()}
    return told


def _parameter(name: str, schema: Json, required: bool) -> Json:
    description = schema.pop("description", "")
    told: Json = {"name": name, "in": "query", "required": required, "schema": schema}
    return told | ({"description": description} if description else {})


def _name(method: str, path: str) -> str:
    words = [word for word in re.split(r"\W+", path) if word]
    return "_".join([method.lower(), *words])


def _access(access: Access) -> str:
    match access.caller:
        case Caller.KEY:
            return f"Needs an API key with the scope `{access.scope}`."
        case Caller.KEY_WHERE_WANTED:
            return f"Needs an API key with the scope `{access.scope}` where the shop asks for one."
        case Caller.HOLDER:
            return "Needs the conversation's token."
        case Caller.FIRST_FRAME:
            return "The first frame shows the conversation's token."
    return ""


def _security(access: Access) -> list[Json]:
    match access.caller:
        case Caller.KEY:
            return [{"key": []}, {"header": []}]
        case Caller.KEY_WHERE_WANTED:
            return [{"key": []}, {"header": []}, {}]
        case Caller.HOLDER:
            return [{"conversation": []}]
    return []


def _schemes() -> Json:
    return {"key": {"type": "http", "scheme": "bearer", "description": "An API key with the scope named."},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
            "conversation": {"type": "http", "scheme": "bearer",
                             "description": "The token given out with the conversation."}}
