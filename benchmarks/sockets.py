"""Fifteen thousand customers who only look on, two hundred who talk: memory per connection, heartbeats, latency.

Run: `python -m benchmarks.sockets [--idle 15000] [--active 200] [--json]`. One server process on the demo shop. An idle
connection has a conversation of its own, has said hello, and answers pings. Memory is what the server grew by, divided.
The active ones say something every few seconds; they are measured without the idle ones first, then among them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import secrets
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.customers import API, SocketCustomer
from benchmarks.demo_folder import copy_of, demo_folder
from benchmarks.mix import each_kind
from benchmarks.server_process import ServerProcess
from bot.channels.tokens import conversation_token
from bot.serving import SECRET_FILE

AT_ONCE = 100  # connections being opened
PER_ADDRESS = 20_000  # connections from one address of this machine: the ports of one are used up beyond that
BEATS_S = 30.0  # longer than the time between two heartbeats
EVERY_S = 10.0  # an active customer says something: more would measure how many turns a second there are
PING, PONG = 0x89, b"\x8a\x80\0\0\0\0"


class Idle(asyncio.Protocol):
    """The least a WebSocket client can be: an upgrade, a hello, pongs. It throws away what it is told."""

    __slots__ = ("_begun", "_hello", "_rest", "_transport", "lost", "ready")

    def __init__(self, host: str, conversation_id: str, token: str) -> None:
        hello = json.dumps({"type": "hello", "token": token}).encode()
        assert len(hello) < 1 << 16
        self._hello = b"\x81\xfe" + len(hello).to_bytes(2, "big") + b"\0\0\0\0" + hello
        self._begun = (f"GET {API}/{conversation_id}/socket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                       f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       f"Sec-WebSocket-Key: {'A' * 22}==\r\n\r\n").encode()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rest, self.lost = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._begun + self._hello)

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            self._rest += data
            if b'"ready"' in self._rest:  # the last of what a new conversation is told
                self._rest = b""
                self.ready.set_result(None)
            return
        data = self._rest + data
        while len(data) >= 2 and len(data) >= (end := 2 + data[1]):  # heartbeats are shorter than 126 bytes
            if data[0] == PING:
                self._transport.write(PONG)
            data = data[end:]
        self._rest = data

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"closed before it was ready: {error}"))

    def close(self) -> None:
        self._transport.abort()


async def open_idle(server: ServerProcess, secret: bytes, count: int) -> tuple[list[Idle], float]:
    """The connections, and how many were opened a second."""
    loop, gate, found, began = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE), list[Idle](), time.perf_counter()

    async def one(number: int) -> None:
        name = secrets.token_urlsafe(18)
        source = (f"127.0.0.{2 + number // PER_ADDRESS}", 0)
        async with gate:
            _, idle = await loop.create_connection(
                lambda: Idle(f"127.0.0.1:{server.port}", name, conversation_token(secret, name)),
                "127.0.0.1", server.port, local_addr=source)
            found.append(idle)
            await asyncio.wait_for(idle.ready, 120)

    await asyncio.gather(*(one(number) for number in range(count)))
    return found, count / (time.perf_counter() - began)


async def talk(server: ServerProcess, source: Path, count: int, seconds: float) -> dict[str, float]:
    """So many customers, each saying something every few seconds; figures of their turns."""
    lines = cycle([line for c in each_kind(source, 5) if not c.request and c.kind != "person" for line in c.lines])
    until, times = time.monotonic() + seconds, list[float]()
    cpu = server.cpu_s()

    async def one(number: int) -> None:
        chance = random.Random(number)
        customer = SocketCustomer(session, server.url, f"active-{number}", None)
        await customer.open()
        await asyncio.sleep(chance.uniform(0, EVERY_S))
        while time.monotonic() < until:
            times.append((await customer.say(next(lines))).ms)
            await asyncio.sleep(chance.uniform(0.5, 1.5) * EVERY_S)
        await customer.leave()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(one(number) for number in range(count)))
    p50, p99 = np.percentile(times, [50, 99])
    return {"turns": len(times), "p50_ms": float(p50), "p99_ms": float(p99), "cpu_share": (server.cpu_s() - cpu) / seconds}


async def measure(server: ServerProcess, folder: Path, source: Path, idle: int, active: int,
                  seconds: float) -> dict[str, Any]:
    secret = (folder / SECRET_FILE).read_bytes()
    await talk(server, source, 20, 5.0)  # warm
    alone = await talk(server, source, active, seconds)
    before, own = server.resident_mb(), server.own_mb()
    connections, rate = await open_idle(server, secret, idle)
    await asyncio.sleep(2.0)
    kib = {"resident_kib": (server.resident_mb() - before) * 1024 / idle,
           "own_kib": (server.own_mb() - own) * 1024 / idle, "total_mb": server.resident_mb()}
    cpu, began = server.cpu_s(), time.perf_counter()
    await asyncio.sleep(BEATS_S)
    beating = (server.cpu_s() - cpu) / (time.perf_counter() - began)
    among = await talk(server, source, active, seconds)
    lost = sum(connection.lost for connection in connections)
    for connection in connections:
        connection.close()
    return {"idle": idle, "active": active, "opened_per_s": rate, **kib, "idle_cpu_share": beating, "alone": alone,
            "among": among, "lost": lost}


def run(idle: int, active: int, seconds: float) -> dict[str, Any]:
    """All of it on a fresh copy of the demo shop."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = idle + active + 1000
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    made = demo_folder()
    folder = copy_of(made, "sockets")
    with ServerProcess(folder, {"SHOPCLERK__LIMITS__SOCKETS": str(wanted)}) as server:
        return asyncio.run(measure(server, folder, made / "source", idle, active, seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--idle", type=int, default=15_000)
    parser.add_argument("--active", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0, help="for which the active ones talk, twice")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    found = run(arguments.idle, arguments.active, arguments.seconds)
    print(json.dumps(found)) if arguments.json else print_table(found, Console(width=140))


def print_table(found: dict[str, Any], console: Console) -> None:
    table = Table("", "measured", title=f"{found['idle']:,} idle and {found['active']} active sockets, one process")
    table.add_row("memory per idle connection", f"{found['resident_kib']:.1f} KiB; server {found['total_mb']:.0f} MB")
    table.add_row("connections opened", f"{found['opened_per_s']:.0f} a second, {found['lost']} lost")
    table.add_row("heartbeats of the idle ones", f"{found['idle_cpu_share']:.1%} of a core")
    for name in ("alone", "among"):
        of = found[name]
        table.add_row(f"active ones {name}", f"p50 {of['p50_ms']:.0f} ms, p99 {of['p99_ms']:.0f} ms, {of['turns']} turns, "
                                             f"{of['cpu_share']:.0%} of a core")
    console.print(table)


if __name__ == "__main__":
    main()
