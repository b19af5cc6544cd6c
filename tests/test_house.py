"""Facts about the house itself: what the documents promise is there, layers are light, what is said has a text."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "knowledge", "recommender")                     # what serving needs; training has its own extra
SOURCES = [path for package in (*PACKAGES, "training") for path in sorted((ROOT / package).rglob("*.py"))]
PAGES = [path for kind in ("js", "css", "html") for path in sorted((ROOT / "bot" / "web").rglob(f"*.{kind}"))]
ENGINE = ("bot.domain", "bot.engine", "bot.ports", "bot.requests")
HEAVY = ("torch", "transformers", "sentence_transformers", "faiss", "onnxruntime", "sklearn", "langchain",
         "langchain_core", "rasa_sdk", "sanic", "sqlalchemy", "alembic", "aiohttp", "numpy")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- documents and commands -----------------------------------------------------------------------------------------

def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_command_a_document_names_exists(document: str) -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(code_in((ROOT / document).read_text()))))
    assert named and named <= targets()


def code_in(markdown: str) -> list[str]:
    return [*re.findall(r"```[^\n]*\n(.*?)```", markdown, re.S), *re.findall(r"`([^`\n]+)`", markdown)]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/configuration.md", "docs/http.md"])
def test_every_file_a_document_links_to_exists(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)|<img [^>]*src=\"([^\"]+)\"", path.read_text())
    local = {link for pair in links for link in pair if link and "://" not in link}
    assert [link for link in sorted(local) if not (path.parent / link).exists()] == []


def test_every_command_is_in_the_readme() -> None:
    from bot.cli import build

    app = build()
    names = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback]
    names += [f"{g.name} {c.name or c.callback.__name__}" for g in app.registered_groups if g.typer_instance
              for c in g.typer_instance.registered_commands if c.callback]
    readme = (ROOT / "README.md").read_text()
    assert [name for name in names if f"`shopclerk {name}" not in readme] == []


def settings_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    from bot.config import BotSettings

    page = (ROOT / "docs" / "configuration.md").read_text()
    documented = re.findall(r"^\| `([a-z_.]+)` \|", page, re.M)
    assert sorted(documented) == sorted(settings_keys(BotSettings))


# --- shape of the code ----------------------------------------------------------------------------------------------

def test_files_stay_readable() -> None:
    lengths = {short(path): len(path.read_text().splitlines()) for path in [*SOURCES, *PAGES]}
    assert {name: lines for name, lines in lengths.items() if lines > 450} == {}


def test_no_file_is_a_drawer() -> None:
    drawers = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager)$")
    parts = {short(path): path.relative_to(ROOT).with_suffix("").parts for path in SOURCES}
    assert [name for name, names in parts.items() if any(drawers.search(part) for part in names)] == []


def test_every_module_says_what_it_is() -> None:
    written = [p for p in SOURCES if p.read_text().strip()]
    assert [short(p) for p in written if not ast.get_docstring(ast.parse(p.read_text()))] == []


def test_docker_is_no_package() -> None:
    assert not (ROOT / "docker" / "__init__.py").exists()          # it would shadow the PyPI package of that name


# --- what is imported when ------------------------------------------------------------------------------------------

def loaded_by(code: str) -> set[str]:
    report = f"import sys\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    assert loaded_by("from bot.cli import build\nbuild()(['--help'], standalone_mode=False)") == set()


@pytest.mark.parametrize("package", ENGINE)
def test_the_engine_knows_no_adapter_library(package: str) -> None:
    """Loaded for real, so that what it imports from the other packages counts too."""
    folder = ROOT.joinpath(*package.split("."))
    modules = [package, *(f"{package}.{'.'.join(p.relative_to(folder).with_suffix('').parts)}"
                          for p in sorted(folder.rglob("*.py")) if p.stem != "__init__")]
    assert loaded_by("\n".join(f"import {module}" for module in modules)) == set()


# --- dependencies ---------------------------------------------------------------------------------------------------

# Needed by name although no line imports them: drivers, parsers and what exporting the encoder asks for.
UNSEEN = {"asyncpg", "aiosqlite", "lxml", "onnx"}


def imported(folder: str) -> dict[str, str]:
    """Top-level module → one file that imports it, of all outside the standard library and this house."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else \
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                found.setdefault(name.partition(".")[0], short(path))
    return {name: path for name, path in found.items()
            if name and name not in sys.stdlib_module_names and name not in (*PACKAGES, "training")}


def declared(extra: str = "") -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {canonicalize_name(Requirement(text).name) for text in wanted}


def test_what_serving_imports_is_a_core_dependency_and_nothing_else_is() -> None:
    owners = packages_distributions()
    core, train = declared(), declared("train")
    used: set[str] = set()
    strangers = {}
    for package in PACKAGES:
        for module, path in imported(package).items():
            names = {canonicalize_name(n) for n in owners.get(module, [module])}
            used |= names
            optional = names & train and module == "peft"          # only a configured LoRA adapter asks for it
            if not names & core and not optional:
                strangers[module] = path
    assert strangers == {}
    assert core - used - UNSEEN == set()


def test_every_dependency_has_its_tried_version() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}
    assert all(re.fullmatch(r"[\w.]+", v) for v in pinned.values())         # no local builds such as +cpu
    wanted = declared() | declared("train") | declared("scale") | declared("dev")
    assert wanted - set(pinned) - {"shopclerk"} == set()


# --- the suite itself -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("ci", "workers", "code"), [("", "0", 0), ("true", "0", 1), ("true", "2", 1)])
def test_a_skip_is_a_failure_where_ci_is_set(ci: str, workers: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text("import pytest\ndef test_it():\n    pytest.skip('no server')\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | {"CI": ci}
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("no server" in done.stdout) == bool(ci)


# --- texts ----------------------------------------------------------------------------------------------------------

# Names put together at run time: the start of the name → what may follow. A new one must be added here.
def composed_names() -> dict[str, list[str]]:
    from bot.nlu.acts import TALK
    from bot.nlu.llm_reader import _TOPICS
    from knowledge.models import OrderStatus
    from knowledge.orders.operations import Operation
    from knowledge.orders.refusals import Code

    kinds = [re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in Operation.__args__]
    return {"utter_refused_": [code.value for code in Code], "utter_done_": kinds, "utter_ask_": [],
            "utter_track_": [status.value for status in OrderStatus], "utter_": sorted({*TALK, *_TOPICS})}


def texts() -> set[str]:
    """English names with a text: the shop's responses, and the few sentences said outside any flow."""
    responses = yaml.safe_load((ROOT / "bot" / "assistant" / "en" / "responses.yml").read_text())["responses"]
    return {*responses, *yaml.safe_load((ROOT / "bot" / "texts" / "en.yml").read_text())}


def spoken() -> Iterator[tuple[str, bool, str]]:
    """(name or its start, whether more follows, file) of every `utter_…` string in the bot's code, docstrings aside."""
    for path in sorted((ROOT / "bot").rglob("*.py")):
        tree = ast.parse(path.read_text())
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                value, more = str(node.values[0].value), len(node.values) > 1
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
                value, more = node.value, False
            else:
                continue
            if re.fullmatch(r"utter_\w*", value):
                yield value, more or value.endswith("_"), short(path)


def test_every_response_the_code_names_has_a_text() -> None:
    known = texts()
    assert {name: path for name, more, path in spoken() if not more and name not in known} == {}


def test_names_put_together_at_run_time_have_texts() -> None:
    composed = composed_names()
    starts = {name: path for name, more, path in spoken() if more}
    assert {name: path for name, path in starts.items() if name not in composed} == {}
    assert [start + rest for start, others in composed.items() for rest in others if start + rest not in texts()] == []


def test_no_text_is_written_for_nobody() -> None:
    said = {name for name, more, _ in spoken() if not more}
    said |= {start + rest for start, others in composed_names().items() for rest in others}
    flows = "".join(p.read_text() for p in (ROOT / "bot" / "assistant" / "flows").glob("*.yml"))
    said |= {*re.findall(r"utter_\w+", flows), *(f"utter_ask_{slot}" for slot in re.findall(r"collect: (\w+)", flows))}
    assert sorted(texts() - said) == []
