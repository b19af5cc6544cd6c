"""A shop served by a process of its own, as a shop runs it, and what that process uses: time, memory, its own counts."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.demo_folder import ROOT

TOKEN_KEY = "benchmarks sign customers in"
# One address speaks for everybody here; a shop's limits are for strangers.
SETTINGS = {"SHOPCLERK__LIMITS__ADDRESS_PER_MINUTE": "100000000", "SHOPCLERK__LOG__LEVEL": "warning",
            "SHOPCLERK__LIMITS__CONVERSATION_PER_MINUTE": "100000000", "SHOPCLERK__CUSTOMER_TOKEN__KEY": TOKEN_KEY}
START_S = 180.0
_TICKS = os.sysconf("SC_CLK_TCK")
_STAGE = re.compile(r'^shopclerk_turn_stage_seconds_sum\{stage="(\w+)"\} (\S+)$', re.MULTILINE)


class ServerProcess:
    """`with ServerProcess(folder) as server:` … it is ready then. Linux, for its /proc."""

    def __init__(self, folder: Path, more: Mapping[str, str] | None = None) -> None:
        self._folder, self._more = folder, dict(more or {})
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self.ready_s = self.ready_cpu_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        began = time.perf_counter()
        self._log = (self._folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve", "--dir", str(self._folder), "--port", str(self.port)],
            cwd=ROOT, env=environment | SETTINGS | self._more, stdout=self._log, stderr=self._log)
        while not self._ready():
            if self._process.poll() is not None or time.perf_counter() - began > START_S:
                self.__exit__(None, None, None)
                raise RuntimeError("the server did not start:\n" + (self._folder / "server.log").read_text()[-2000:])
            time.sleep(0.01)
        self.ready_s, self.ready_cpu_s = time.perf_counter() - began, self.cpu_s()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def cpu_s(self) -> float:
        """Processor time so far, all threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mb(self) -> float:
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        return self._status("VmHWM")

    def own_mb(self) -> float:
        """Resident, without the pages of files, which the system may take back."""
        return self._status("RssAnon")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(text.split(f"{name}:")[1].split()[0]) / 1024

    def stage_seconds(self) -> dict[str, float]:
        """Seconds per stage of all turns so far, as /metrics tells them."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            return {stage: float(seconds) for stage, seconds in _STAGE.findall(answer.read().decode())}
