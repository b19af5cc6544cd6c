"""docs/http.md tells the truth: kinds of problems, scopes, metrics, limits, the example, the links."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from bot.app import create_app
from bot.channels.metrics import Metrics
from bot.channels.openapi import document
from bot.channels.problem import KINDS, PREFIX
from bot.config import LimitSettings, TelemetrySettings
from bot.observer import RUNGS, STAGES, LogObserver
from bot.stores.keys import KNOWN_S, SCOPES
from tests.fakes import FakeShop

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "http.md").read_text()


def section(name: str) -> str:
    return PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]


def test_every_kind_of_problem_is_explained_and_raised_somewhere() -> None:
    assert set(re.findall(rf"`{PREFIX}([a-z-]+)`", PAGE)) == set(KINDS)
    raised = {keyword.value.value for path in (ROOT / "bot").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
              if isinstance(node, ast.Call) for keyword in node.keywords
              if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant) and getattr(node.func, "id", "") == "Problem"}
    assert raised == set(KINDS)


def test_every_scope_is_explained() -> None:
    assert set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in section("Keys and scopes").splitlines()
                                             if line.startswith("| `")))) == set(SCOPES)
    assert f"for {KNOWN_S:.0f} seconds" in PAGE


def test_every_metric_is_explained_and_nothing_else_is() -> None:
    metrics = Metrics(LogObserver().registry)
    metrics.watch((), ())
    kinds = {family.name + ("_total" if family.type == "counter" else "") for family in metrics.registry.collect()}
    assert set(re.findall(r"`(shopclerk_\w+)`", section("Metrics"))) == kinds
    assert all(stage in section("Metrics") and f"`{stage}`" in section("Spans") for stage in STAGES)
    assert all(rung in section("Metrics") for rungs in RUNGS.values() for rung in rungs)


def test_the_settings_it_names_exist() -> None:
    assert set(re.findall(r"`limits\.(\w+)`", PAGE)) <= set(LimitSettings.model_fields)
    assert set(re.findall(r"`telemetry\.(\w+)`", PAGE)) == set(TelemetrySettings.model_fields)


def test_the_paths_it_names_exist() -> None:
    paths = set(document(create_app(FakeShop()))["paths"])
    named = set(re.findall(r"`(?:GET|POST) (/[\w/{}.]+)`", PAGE))
    assert named and named - paths - {"/webhook", "/actions", "/health"} == set()


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", PAGE))
def test_its_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).resolve().exists()


async def test_the_example_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)
    assert code is not None
    async with TestServer(create_app(FakeShop())) as server:
        here = code[1].replace("http://127.0.0.1:8080", str(server.make_url("")).rstrip("/"))
        names: dict[str, object] = {}
        await asyncio.to_thread(exec, here, names)
        names["client"].close()             # type: ignore[attr-defined]
    assert "heard: where is my order?" in capsys.readouterr().out
