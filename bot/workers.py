"""Several serving processes on one port; the kernel spreads connections over them (SO_REUSEPORT)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from knowledge.errors import ShopclerkError


def supervise(workers: int, arguments: list[str]) -> None:
    """Run `python -m bot ARGUMENTS` so many times until told to stop; one that dies by itself ends all, as an error."""
    environment = os.environ | {"SHOPCLERK_WORKER": "1"}
    command = [sys.executable, "-m", "bot", *arguments]
    processes = [subprocess.Popen(command, env=environment) for _ in range(workers)]
    told: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        for process in processes:
            if process.poll() is None:
                process.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not told and all(process.poll() is None for process in processes):
        time.sleep(0.2)
    died = not told
    stop(signal.SIGTERM, None)
    for process in processes:
        process.wait()
    if died:
        raise ShopclerkError("a worker ended by itself, so all were stopped: its last lines above say why")
