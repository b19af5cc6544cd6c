"""Artifacts: a folder of weights with a `manifest.json`, written by training, read by serving."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from knowledge.errors import DataError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """Where an artifact comes from. `files` maps each weight file to its sha256."""

    kind: str  # "intent", "encoder", "llm", "recommender"
    command: str
    data_hash: str
    seed: int
    versions: dict[str, str]
    metrics: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    parent: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    format: int = 1


def sha256_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_files(paths: Iterable[Path]) -> str:
    """One hash over several files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(sha256_file(path).encode())
    return digest.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Hash every file beside it and write `manifest.json` last, so a folder without one is unfinished."""
    files = {p.name: sha256_file(p) for p in sorted(folder.iterdir()) if p.is_file() and p.name != MANIFEST}
    data = asdict(manifest) | {"files": files}
    (folder / MANIFEST).write_text(
        json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
    )


def read_manifest(folder: Path, *, kind: str | None = None, verify: bool = True) -> Manifest:
    """Raises DataError when it is missing, of another kind, or a file does not match its hash."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(str(folder), "no manifest.json here", remedy="name a folder written by 'shopclerk train'")
    manifest = Manifest(**json.loads(path.read_text(encoding="utf-8")))
    if kind and manifest.kind != kind:
        raise DataError(str(path), f"is of kind '{manifest.kind}'", remedy=f"'{kind}' is needed here")
    if verify:
        for name, expected in manifest.files.items():
            if not (folder / name).is_file() or sha256_file(folder / name) != expected:
                raise DataError(str(folder / name), "does not match its hash in manifest.json", remedy="train it again")
    return manifest
