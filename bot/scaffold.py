"""`shopclerk init`: the default assistant as files in a shop's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from knowledge.errors import BadInput

SHIPPED = Path(__file__).parent / "assistant"


def copy_assistant(directory: Path) -> Path:
    """Copy it to `directory/assistant`, whole or not at all. Raises BadInput rather than overwrite a shop's edits."""
    target = directory / "assistant"
    if target.exists():
        raise BadInput(f"{target} exists already: move it away to start again from the shipped assistant")
    directory.mkdir(parents=True, exist_ok=True)
    unfinished = directory / ".assistant.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(SHIPPED, unfinished, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "__init__.py"))
    unfinished.rename(target)
    return target
