"""Artifact folders as training writes them: beside their place first, then put there in one step."""

from __future__ import annotations

import shutil
from pathlib import Path

from knowledge.artifact import MANIFEST
from knowledge.errors import BadInput


def check_target(out: Path) -> None:
    """Raises BadInput for a folder that holds something that is no artifact."""
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / MANIFEST).is_file())):
        raise BadInput(f"{out}: holds something else (name a new folder, or one written by 'shopclerk train')")


def put_in_place(work: Path, out: Path) -> None:
    """`work` becomes `out`; what was there before goes when the new one stands."""
    if out.exists():
        old = work.with_name(work.name + "-old")
        out.rename(old)
        work.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    else:
        work.rename(out)
    out.chmod(0o755)
    for path in out.iterdir():
        if path.is_file():
            path.chmod(0o644)  # safetensors writes files that only their owner may read
