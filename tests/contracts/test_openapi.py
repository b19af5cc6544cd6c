"""The OpenAPI document is the application's: every route is in it, and every answer is as it says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis import GenerationMode as Mode
from schemathesis.specs.openapi import checks as of_openapi

from bot.app import create_app
from bot.channels.openapi import document
from bot.channels.operations import operation_of
from bot.channels.tokens import conversation_token
from bot.config import BotSettings, LimitSettings, OpenAiSettings
from bot.stores.keys import SCOPES
from tests.fakes import FakeShop

SECRET, CONVERSATION = b"s" * 32, "c1"
LIMITS = LimitSettings(address_per_minute=10**6, conversation_per_minute=10**6, key_per_minute=10**6)
EXAMPLES = 20
CHECKS = [schemathesis.checks.not_a_server_error, of_openapi.status_code_conformance,
          of_openapi.content_type_conformance, of_openapi.response_schema_conformance,
          of_openapi.response_headers_conformance, of_openapi.negative_data_rejection, of_openapi.unsupported_method]


def application(key_required: bool = False) -> web.Application:
    shop = FakeShop(BotSettings(limits=LIMITS, openai=OpenAiSettings(key_required=key_required)), every=SCOPES)
    return create_app(shop, SECRET)


DOCUMENT = document(application())
OPERATIONS = sorted((method, path) for path, methods in DOCUMENT["paths"].items() for method in methods)
# A socket has no answer that a plain request could get, and a live stream no end.
ASKED = [(method, path) for method, path in OPERATIONS if not path.endswith("/socket")]


def test_every_route_is_described_and_nothing_else_is() -> None:
    served = {(r.method.lower(), r.resource.canonical) for r in application().router.routes()
              if r.resource and r.method != "HEAD"}
    assert served == set(OPERATIONS)


def test_every_route_says_who_may_call_it() -> None:
    unguarded = [r.resource.canonical for r in application().router.routes() if r.resource
                 and operation_of(r.handler) is None]
    assert unguarded == []


def test_the_document_is_openapi_3_1_and_refers_to_nothing_that_is_not_there() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    assert DOCUMENT["openapi"] == "3.1.0"
    wanted = set(references(DOCUMENT))
    assert wanted <= {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    names = [o["operationId"] for methods in DOCUMENT["paths"].values() for o in methods.values()]
    assert len(names) == len(set(names))


def test_a_shops_own_limit_stands_in_its_document() -> None:
    shop = FakeShop(BotSettings(limits=LimitSettings(message_chars=77)))
    message = document(create_app(shop))["components"]["schemas"]["RasaMessage"]["properties"]["message"]
    assert message["anyOf"][0]["maxLength"] == 77


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


# --- odd questions to the running application -------------------------------------------------------------------------

@dataclass(frozen=True)
class Running:
    url: str
    key: str = "every"
    conversation: str = CONVERSATION
    token: str = conversation_token(SECRET, CONVERSATION)

    def headers(self, path: str) -> dict[str, str]:
        """What opens this operation: the conversation's token, or an API key."""
        widget = path.startswith("/api/v1/conversations/{id}/") and path.rsplit("/", 1)[1] in ("messages", "feedback")
        return {"Authorization": f"Bearer {self.token if widget else self.key}"}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """The application on a loop of its own, because schemathesis asks from a thread that waits."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    server = TestServer(application(key_required=True))
    run(server.start_server())
    yield Running(str(server.make_url("/")).rstrip("/"))
    run(server.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


# A model with a message of the user's; either one rating or the other: rules between fields, so a right body may be refused.
MORE_THAN_A_SCHEMA_SAYS = ("/v1/chat/completions", "/api/v1/conversations/{id}/feedback")
# A body that breaks a rule may also be too large, and is refused as that.
RIGHT = {"positive_data_acceptance": {"expected-statuses": ["2xx", "401", "404", "409"]}}
REFUSALS = {"checks": RIGHT | {"negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "413", "422"]}}}
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config.from_dict(REFUSALS))


def described(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


WRONG = [asked for asked in ASKED if "requestBody" in described(*asked)]


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize(("method", "path"), ASKED)
def test_answers_to_right_requests_are_as_the_document_says(
        running: Running, method: str, path: str, known: bool) -> None:
    ask(running, method, path, known, Mode.POSITIVE)


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize(("method", "path"), WRONG)
def test_answers_to_wrong_requests_are_as_the_document_says(
        running: Running, method: str, path: str, known: bool) -> None:
    ask(running, method, path, known, Mode.NEGATIVE, query={}, headers={})      # wrong in its body, that is


def ask(running: Running, method: str, path: str, known: bool, mode: Mode, examples: int = EXAMPLES,
        **given_parts: Any) -> None:
    headers = running.headers(path) if known else {}
    fixed = {"id": running.conversation} if known and "{id}" in path else {}
    checks = [*CHECKS, of_openapi.positive_data_acceptance] if known and path not in MORE_THAN_A_SCHEMA_SAYS else CHECKS

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))
    @given(case=SCHEMA[path][method.upper()].as_strategy(generation_mode=mode, **given_parts))
    def asked(case: Case) -> None:
        case.path_parameters = {**(case.path_parameters or {}), **fixed}
        case.call_and_validate(base_url=running.url, headers=headers, checks=checks, timeout=30)

    asked()
