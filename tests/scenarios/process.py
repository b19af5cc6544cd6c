"""A `shopclerk` command as a process of its own, as an operator starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 120.0


@dataclass
class Running:
    url: str
    log: Path
    process: asyncio.subprocess.Process

    async def stop(self) -> int:
        """As a service manager does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 60)


@asynccontextmanager
async def running(command: str, folder: Path, log: Path, **environment: str) -> AsyncIterator[Running]:
    """Until it says where it listens; killed at the end if it was not stopped."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", command, "--dir", str(folder), "--port", str(port), cwd=ROOT, stderr=errors,
            stdout=asyncio.subprocess.PIPE, env=dict(os.environ) | environment)
    try:
        assert process.stdout is not None
        said = await asyncio.wait_for(process.stdout.readline(), START_S)
        assert b"http://" in said, await asyncio.to_thread(log.read_text)
        yield Running(f"http://127.0.0.1:{port}", log, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
