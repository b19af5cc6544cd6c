"""The log: JSON or lines, request ids, masks, and what other libraries may say."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import LogSettings
from bot.logs import JsonLines, Lines, bind_request_id, configure, masked

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    yield
    bind_request_id("")


def record(text: str, *args: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("shopclerk.turn", logging.WARNING, "x.py", 1, text, args, info)
    made.__dict__.update(extra)
    return made


def caught(message: str) -> BaseException:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_a_json_line_says_when_where_what_and_for_whom() -> None:
    bind_request_id("r1")
    line = json.loads(JsonLines().format(record("turn %s failed", "ab12", fields={"route": "/x", "ms": 1.5})))
    assert line.pop("at").endswith("Z")
    assert line == {"level": "warning", "logger": "shopclerk.turn", "message": "turn ab12 failed", "request_id": "r1",
                    "route": "/x", "ms": 1.5}


def test_a_line_for_people_is_one_line_and_the_exceptions_places() -> None:
    text = Lines().format(record("it failed", error=caught("no such row\n[parameters: ('Ana Ruiz',)]")))
    first, told, *places = text.splitlines()
    assert first.endswith("WARNING shopclerk.turn it failed")
    assert told.strip() == "ValueError: no such row" and "test_logs.py" in places[0]


@pytest.mark.parametrize(("text", "shown"), [
    ("write to ana.ruiz+shop@mail.example.com now", "write to ‹e-mail› now"),
    ("card 4111 1111 1111 1111.", "card ‹number›."), ("call +49 (170) 123-45-67", "call ‹number›"),
    ("IBAN DE89 3704 0044 0532 0130 00", "IBAN ‹iban›"), ("DE89370400440532013000", "‹iban›"),
    ("key sck_0a1b2c3d_Zm9vYmFyYmF6cXV4", "key ‹secret›"), ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x-y_z", "‹secret›"),
    ("request 12 took 3.5 ms at /api/v1/orders/{number}", "request 12 took 3.5 ms at /api/v1/orders/{number}"),
    ("webhook msg_0123456789abcdef given up after 9 attempts", "webhook msg_0123456789abcdef given up after 9 attempts")])
def test_what_looks_personal_is_masked_and_the_rest_is_not(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize("text", ["1" * 100_000, "a@" * 50_000, "DE12 " * 20_000, "sck_" * 25_000, "+(1-" * 25_000,
                                  "1 " * 50_000, "a.a." * 25_000])
def test_hostile_text_is_masked_at_once(text: str) -> None:
    begun = time.process_time()
    masked(text)
    assert time.process_time() - begun < 0.1


def test_exceptions_and_fields_are_masked_too() -> None:
    line = JsonLines().format(record("x", error=caught("no ana@example.com"), fields={"who": "bob@example.com"}))
    assert "example.com" not in line


async def test_a_request_id_goes_along_with_tasks_and_not_beyond() -> None:
    async def other() -> str:
        bind_request_id("r2")
        return Lines().format(record("x"))

    bind_request_id("r1")
    assert (await asyncio.create_task(other())).endswith("(request r2)")
    assert Lines().format(record("x")).endswith("(request r1)")


def run(level: str, form: str) -> list[str]:
    code = ("import logging\nfrom bot.config import LogSettings\nfrom bot.logs import configure\n"
            f"configure(LogSettings(level={level!r}, format={form!r}))\n"
            "logging.getLogger('shopclerk.x').debug('ours')\nlogging.getLogger('aiosqlite').debug('theirs')\n"
            "logging.getLogger('aiohttp').warning('worth knowing')\nimport warnings; warnings.warn('odd')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def test_other_libraries_debug_lines_are_never_shown() -> None:
    lines = [json.loads(line) for line in run("debug", "auto")]         # a pipe is no terminal: JSON
    assert [line["message"] for line in lines][:2] == ["ours", "worth knowing"]
    assert lines[2]["logger"] == "py.warnings" and len(lines) == 3


def test_less_is_said_where_less_is_asked_for() -> None:
    lines = run("error", "text")
    assert "ours" not in "\n".join(lines) and lines[0].endswith("WARNING aiohttp worth knowing")


def test_configuring_again_does_not_say_everything_twice(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level, ours = root.handlers[:], root.level, logging.getLogger("shopclerk").level
    try:
        configure(LogSettings())
        configure(LogSettings())
        logging.getLogger("shopclerk.x").info("once")
        assert capsys.readouterr().err.count("once") == 1
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.getLogger("shopclerk").setLevel(ours)
        logging.captureWarnings(False)
