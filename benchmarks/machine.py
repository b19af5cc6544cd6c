"""What a measuring process has used: wall and processor time of a stretch, memory now and at most."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class Stretch:
    """`with Stretch() as s:` … then `s.wall_s` and `s.cpu_s`, all threads of this process. On a machine that does other
    work besides, processor time says more than wall time."""

    wall_s = cpu_s = 0.0

    def __enter__(self) -> Self:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu


def resident_mb() -> float:
    """Now, as Linux counts it; elsewhere the most so far."""
    return _status("VmRSS")


def peak_mb() -> float:
    """The most this program held. Not `ru_maxrss` on Linux: that one remembers what started the process, too."""
    return _status("VmHWM")


def _status(name: str) -> float:
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().split(f"{name}:")[1].split()[0]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20) if sys.platform == "darwin" else most / 1024


def folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / (1 << 20)
