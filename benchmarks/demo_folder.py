"""The demo shop read into a folder that the benchmarks share: the same seed and day, so the same shop every time.

The folder is made anew when the code or the data it comes from has changed. It measures nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from datetime import date
from pathlib import Path

from bot.demo.generate import generate
from knowledge.ingest import ingest

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "var" / "bench"
TODAY = date(2026, 11, 2)
SEED = 7


def demo_folder() -> Path:
    """A folder with the ingested demo shop. Read only: who writes takes a copy of it (`copy_of`)."""
    target = CACHE / f"demo-{_made_by()}"
    if not target.exists():
        scratch = CACHE / f"making-{os.getpid()}"
        try:
            demo = generate(scratch / "source", seed=SEED, today=TODAY)
            asyncio.run(ingest(scratch, [*demo.data_files, *sorted(demo.documents.iterdir())]))
            _put(scratch, target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def _put(made: Path, target: Path) -> None:
    """Another process may have been faster; it made the same."""
    try:
        made.rename(target)
    except OSError:
        if not target.exists():
            raise


def copy_of(folder: Path, name: str) -> Path:
    """A fresh copy that may be written to; an older one of this name goes away."""
    copy = CACHE / f"copy-{name}"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    return copy


def _made_by() -> str:
    digest = hashlib.sha256(f"{TODAY} {SEED}".encode())
    for package in (ROOT / "bot" / "demo", ROOT / "knowledge"):
        for path in sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
