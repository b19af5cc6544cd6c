"""Gives each task its own copy of an ingested store, plays it there, exports the store and judges what is left.

The store is ingested once per state of its files and of the ingesting code, through the public command line.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.retail.compare import differences
from benchmarks.retail.expected import expected_store
from benchmarks.retail.faults import expected_calls, expected_words
from benchmarks.retail.player import Played, play, serving
from benchmarks.retail.script import Script
from benchmarks.retail.store import Task, read_store
from benchmarks.retail.words import missing_words

ROOT = Path(__file__).resolve().parents[2]
DATA_FILES = ("products.jsonl", "customers.jsonl", "orders.jsonl")


@dataclass
class Result:
    """How one task went. `diff` and `missing` are empty when it went well."""

    id: str
    diff: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    played: Played = field(default_factory=Played)
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        if self.played.error:
            return "error"
        if self.diff:
            return "state wrong"
        return "words missing" if self.missing else "ok"


class CommandFailed(RuntimeError):
    """The shop's own command line refused; the message is its last line."""


def shopclerk(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "bot", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise CommandFailed((done.stderr or done.stdout).strip()[-2000:])


def ingested(store: Path, cache: Path) -> Path:
    """The folder of the ingested store, made where it is not there yet."""
    target = cache / f"store-{_fingerprint(store)}"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            fresh = Path(scratch) / "shop"
            policy = [store / "policy.md"] if (store / "policy.md").exists() else []
            shopclerk("ingest", *(store / name for name in DATA_FILES), *policy, "--dir", fresh)
            fresh.rename(target)
    return target


def _fingerprint(store: Path) -> str:
    digest = hashlib.sha256()
    sources = [p for p in (ROOT / "knowledge").rglob("*.py") if "__pycache__" not in p.parts]
    for path in [*(store / name for name in DATA_FILES), *sorted(sources)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def run_task(task: Task, script: Script, store: Path, shop: Path, cache: Path) -> Result:
    """Play and judge one task on a copy of `shop`."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=cache, prefix=f"task-{task.id}-") as scratch:
        mine, exported = Path(scratch) / "shop", Path(scratch) / "export"
        shutil.copytree(shop, mine)
        result = Result(task.id, played=asyncio.run(_play(mine, script)))
        shopclerk("export", exported, "--dir", mine)
        before = read_store(store)
        result.diff = differences(expected_store(before, expected_calls(task)), read_store(exported))
    result.missing = missing_words(expected_words(task), result.played.bot_texts)
    result.seconds = time.perf_counter() - started
    return result


async def _play(directory: Path, script: Script) -> Played:
    async with serving(directory) as client:
        return await play(client, script)
