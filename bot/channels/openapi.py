"""The HTTP interface described in OpenAPI 3.1. A test holds it to the application's routes."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}


def document() -> Json:
    return {
        "openapi": "3.1.0",
        "info": {"title": "shopclerk", "version": version("shopclerk"),
                 "description": "A shop's customer-service assistant. Errors are RFC 9457 problem documents."},
        "paths": _chat() | _backend() | _conversations() | _operation(),
        "components": {
            "securitySchemes": {"key": _bearer("An API key with the scope named."),
                                "conversation": _bearer("The token given out with the conversation.")},
            "schemas": _schemas(),
        },
    }


def _chat() -> Json:
    body = _object({
        "sender": _TEXT | {"description": "Names the conversation.", "maxLength": 200},
        "message": _TEXT | {"maxLength": 4000},
        "metadata": _object({
            "message_id": _TEXT | {"description": "The same id again gets the same reply; nothing is done twice."},
            "customer_token": _TEXT | {"description": "Signs in: JWT (HS256, sub, exp, aud) or 'id.hex-hmac-sha256'."},
            "locale": _TEXT, "page": {"type": "object"}}),
    }, required=("sender", "message"))
    return {"/webhooks/rest/webhook": {"post": _call(
        "Say something (Rasa's REST channel)", "chat", body=body, answer={"type": "array", "items": _ref("Message")},
        parameters=[_query("stream", "'true': newline-delimited JSON, 'delta' lines and then 'message' lines")],
        problems=(400, 401, 413, 422, 429))}}


def _backend() -> Json:
    order, tracker = {"type": "object"}, {"type": "object"}
    reply = _object({"text": _TEXT, "agent": _TEXT}, required=("text",))
    seq = _object({"seq": _NUMBER})
    act = "/api/v1/conversations/{id}"
    return {
        "/conversations/{sender}/tracker": {"get": _call(
            "A conversation's state, as Rasa tells it", "backend", answer=tracker, scope="tracker",
            parameters=[_path("sender"), _query("include_events", "'NONE' leaves the events out")],
            problems=(401, 403))},
        "/api/v1/orders/{number}": {"get": _call(
            "An order in the native format", "backend", answer=order, scope="orders", parameters=[_path("number")],
            problems=(401, 403, 404))},
        "/api/v1/handoffs": {"get": _call(
            "Conversations that wait for a person or are with one", "handoffs", scope="handoffs",
            answer=_object({"handoffs": {"type": "array", "items": _ref("Handoff")}}), problems=(401, 403))},
        f"{act}/reply": {"post": _call("Speak to the customer; takes the conversation over", "handoffs", body=reply,
                                       answer=seq, scope="handoffs", parameters=[_path("id")],
                                       problems=(401, 403, 404, 409, 422))},
        f"{act}/handback": {"post": _call("Let the assistant go on where it was", "handoffs", answer=seq,
                                          scope="handoffs", parameters=[_path("id")], problems=(401, 403, 404, 409))},
        f"{act}/close": {"post": _call("Settled: back to the assistant with nothing left open", "handoffs", answer=seq,
                                       scope="handoffs", parameters=[_path("id")], problems=(401, 403, 404, 409))},
    }


def _conversations() -> Json:
    begun = _object({"conversation_id": _TEXT, "token": _TEXT})
    said = _object({"messages": {"type": "array", "items": {"type": "object"}}, "seq": _NUMBER,
                    "mode": _TEXT | {"enum": ["bot", "queued", "agent"]}})
    read = _call("What was said, for the holder of the conversation's token", "chat", answer=said,
                 parameters=[_path("id"), _query("after", "only what has a greater seq")], problems=(401, 422, 429))
    return {
        "/api/v1/conversations": {"post": _call("Begin a conversation", "chat", answer=begun, status=201,
                                                problems=(429,))},
        "/api/v1/conversations/{id}/messages": {"get": read | {"security": [{"conversation": []}]}},
    }


def _bearer(description: str) -> Json:
    return {"type": "http", "scheme": "bearer", "description": description}


def _operation() -> Json:
    status = _object({"status": _TEXT})
    return {
        "/healthz": {"get": _call("The process lives", "operation", answer=status)},
        "/readyz": {"get": _call("The store answers and the server is not stopping", "operation", answer=status,
                                 problems=(503,))},
        "/metrics": {"get": {"summary": "Prometheus metrics", "tags": ["operation"], "responses": {
            "200": {"description": "text", "content": {"text/plain": {"schema": _TEXT}}}}}},
    }


def _schemas() -> Json:
    button = _object({"title": _TEXT, "payload": _TEXT})
    line = _object({"seq": _NUMBER, "at": {"type": "number"}, "sender": _TEXT, "text": _TEXT})
    return {
        "Message": _object({"recipient_id": _TEXT, "text": _TEXT, "image": _TEXT,
                            "buttons": {"type": "array", "items": button},
                            "custom": {"type": "object", "description": "cards, sources, responses, sender"}},
                           required=("recipient_id",)),
        "Handoff": _object({"conversation_id": _TEXT, "mode": _TEXT, "reason": _TEXT, "summary": _TEXT, "since": _TEXT,
                            "customer_id": {"type": ["string", "null"]},
                            "transcript": {"type": "array", "items": line}}),
        "Problem": _object({"type": _TEXT, "title": _TEXT, "status": _NUMBER, "detail": _TEXT},
                           required=("title", "status", "detail")),
    }


def _call(summary: str, tag: str, *, answer: Json, body: Json | None = None, status: int = 200, scope: str = "",
          parameters: list[Json] | None = None, problems: tuple[int, ...] = ()) -> Json:
    """One operation; `scope` is the API key's."""
    call: Json = {"summary": summary, "tags": [tag], "responses": {str(status): _content("done", answer)}}
    problem = {"description": "problem", "content": {"application/problem+json": {"schema": _ref("Problem")}}}
    call["responses"] |= {str(code): problem for code in problems}
    if body:
        call["requestBody"] = {"required": True} | _content("", body)
    if scope:
        call |= {"security": [{"key": []}], "description": f"Needs an API key with the scope `{scope}`."}
    return call | ({"parameters": parameters} if parameters else {})


def _content(description: str, schema: Json) -> Json:
    return ({"description": description} if description else {}) | {"content": {"application/json": {"schema": schema}}}


def _object(properties: Json, required: tuple[str, ...] = ()) -> Json:
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _path(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _query(name: str, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": _TEXT}
