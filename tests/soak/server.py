"""`shopclerk serve` as a process of its own: started, waited for, killed, asked to stop. It knows nothing of what is said."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.soak.place import Place

ROOT = Path(__file__).resolve().parents[2]
START_S = 300.0  # a crowded machine is no broken promise
# Limits per address and conversation are for strangers; here one address speaks for everybody.
UNLIMITED = {"SHOPCLERK__LIMITS__ADDRESS_PER_MINUTE": "100000000",
             "SHOPCLERK__LIMITS__CONVERSATION_PER_MINUTE": "1000000"}


class NeverReady(AssertionError):
    """The server did not come up; the message is the end of its log."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """One shop's server, again and again on the same port. `more` are its settings as environment variables."""

    place: Place
    log: Path
    more: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    starts: int = 0
    ready_s: list[float] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Raises NeverReady."""
        began = time.perf_counter()
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "serve", "--dir", str(self.place.folder), "--port", str(self.port),
                cwd=ROOT, env=environment | UNLIMITED | self.place.environment | self.more, stdout=log, stderr=log)
        self.starts += 1
        await self._ready()
        self.ready_s.append(time.perf_counter() - began)

    async def _ready(self) -> None:
        assert self._process is not None
        async with aiohttp.ClientSession() as session:
            until = time.monotonic() + START_S
            while time.monotonic() < until and self._process.returncode is None:
                if await status(session, f"{self.url}/readyz") == 200:
                    return
                await asyncio.sleep(0.03)
        raise NeverReady("\n".join(self.log.read_text(errors="replace").splitlines()[-15:]))

    async def kill(self) -> None:
        """As a power cut of the process: no goodbye."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    def ask_to_stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def exit_code(self, within_s: float) -> int:
        """Raises TimeoutError for one that does not end."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), within_s)

    async def stop(self) -> int:
        self.ask_to_stop()
        return await self.exit_code(60)

    async def close(self) -> None:
        """Whatever state it is in."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    def resident_mb(self) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def faults(self) -> list[str]:
        """Lines of the log that tell of an error."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if " ERROR " in line or '"level": "error"' in line]


async def status(session: aiohttp.ClientSession, url: str, **how: Any) -> int:
    """Of a GET; 0 where nobody answers."""
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=5), **how) as response:
            return response.status
    except (aiohttp.ClientError, OSError, TimeoutError):
        return 0
