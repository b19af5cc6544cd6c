"""What a training has come to, kept on disk in one file, so that an interrupted one goes on.

A checkpoint belongs to a fingerprint of settings, data and base; another fingerprint starts from the beginning.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """`every_s`: seconds between two of them."""

    folder: Path
    fingerprint: str
    every_s: float = 60.0

    def save(self, state: dict[str, Any]) -> None:
        """Replace the last one, whole or not at all."""
        import torch

        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.folder / (_FILE + ".new")
        with new.open("wb") as stream:
            torch.save({"fingerprint": self.fingerprint, **state}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(self.folder / _FILE)

    def load(self) -> dict[str, Any] | None:
        """The last one, or None where there is none of this training."""
        import torch

        path = self.folder / _FILE
        if not path.is_file():
            return None
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state if state["fingerprint"] == self.fingerprint else None
