"""P9: connections cut at any byte while the conversation goes on: no gap, nothing twice; who does not read is let go."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.soak.crash import WORDS, drained, everything_shown
from tests.soak.doors import AGAIN_S, API, GONE, Frame, SocketDoor, events_of
from tests.soak.evidence import Ledger, look, tag, tagged
from tests.soak.stage import Progress, Stage, silent

DOWN, UP = (150, 6000), (150, 1500)  # bytes until a connection is cut, from the server or to it


@dataclass
class Dropped:
    cut: int = 0
    events: int = 0
    frames: int = 0  # shown to all lookers-on together
    resyncs: int = 0
    slow_reader_messages: int = 0  # until one that does not read was let go
    slow_reader_mb: float = 0.0  # the server grew by until then
    faults: dict[str, int] = field(default_factory=dict)


class CuttingProxy:
    """Passes bytes on, and aborts each connection after a random number of them, as long as it is told to cut."""

    def __init__(self, port: int, chance: random.Random, cut: Callable[[], bool]) -> None:
        self._port, self._chance, self._cut = port, chance, cut
        self.cuts = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        with suppress(*GONE):
            to_server, from_server = None, None
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                await self._both(reader, writer, from_server, to_server)
            finally:
                for end in (writer, to_server):
                    end.transport.abort()

    async def _both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                    from_server: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        limits = [self._chance.randint(*DOWN), self._chance.randint(*UP)]
        limits[self._chance.random() < 0.75] = 1 << 60  # one of the two cuts
        ways = [asyncio.create_task(self._pass_on(from_server, writer, limits[0])),
                asyncio.create_task(self._pass_on(reader, to_server, limits[1]))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, most: int) -> None:
        while data := await source.read(1 << 16):
            if self._cut() and len(data) >= most:
                target.write(data[:most])
                self.cuts += 1
                return
            most -= len(data)
            target.write(data)
            await target.drain()


@dataclass
class StreamLooker:
    """Looks on over server-sent events; comes back with the id of the last event it got."""

    door: SocketDoor
    seen: dict[int, Frame] = field(default_factory=dict)
    doubles: list[int] = field(default_factory=list)
    position: int = 0
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _living: asyncio.Task[None] | None = None

    @property
    def conversation_id(self) -> str:
        return self.door.conversation_id

    def open(self) -> None:
        self._living = asyncio.create_task(self._live())

    async def caught_up(self, seq: int, within_s: float = 30.0) -> None:
        """Until the server has told everything up to this event. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while self.position < seq:
                self._ready.clear()
                await self._ready.wait()

    async def close(self) -> None:
        if self._living is not None:
            self._living.cancel()
            await asyncio.gather(self._living, return_exceptions=True)

    async def _live(self) -> None:
        while True:
            with suppress(*GONE):
                await self._visit()
            await asyncio.sleep(AGAIN_S * random.random())

    async def _visit(self) -> None:
        headers = {"Authorization": f"Bearer {self.door.token}", "Accept": "text/event-stream",
                   "Last-Event-ID": str(max(self.seen, default=0))}
        url = f"{self.door.url}{API}/{self.conversation_id}/messages"
        text = ""
        async with self.door.session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as response:
            async for piece in response.content.iter_any():
                whole, _, text = (text + piece.decode()).rpartition("\n\n")
                for frame in events_of(whole + "\n\n"):
                    self._heard(frame)

    def _heard(self, frame: Frame) -> None:
        if frame["type"] == "message":
            if frame["seq"] <= max(self.seen, default=0):
                self.doubles.append(frame["seq"])
            self.seen[frame["seq"]] = frame
        elif frame["type"] == "ready":
            self.position = max(self.position, frame["seq"])
            self._ready.set()


async def dropped(stage: Stage, conversations: int, cuts: int, progress: Progress = silent) -> Dropped:
    """Every customer talks over connections that are cut; every second conversation is looked at over events, too."""
    proxy = CuttingProxy(stage.server.port, random.Random(9), lambda: proxy.cuts < cuts)
    await proxy.start()
    ledger = Ledger()
    doors = [await stage.socket(2.0, proxy.url) for _ in range(conversations)]
    lookers = [StreamLooker(door) for door in doors[::2]]
    everybody: list[SocketDoor | StreamLooker] = [*doors, *lookers]
    try:
        for looker in lookers:
            looker.open()
        talks = [asyncio.create_task(_talk(door, n, ledger, lambda: proxy.cuts < cuts)) for n, door in enumerate(doors)]
        while not all(talk.done() for talk in talks):
            await asyncio.wait(talks, timeout=1.0)
            progress("connections cut", proxy.cuts, cuts)
        await asyncio.gather(*talks)
        await drained(stage.engine)
        await everything_shown(everybody, stage.engine)
    finally:
        for one in everybody:
            await one.close()
        await proxy.close()
    finding = await look(stage.engine, ledger, doors, lookers)
    return Dropped(proxy.cuts, ledger.count, sum(len(one.seen) for one in everybody),
                   sum(door.resyncs for door in doors), faults=finding.faults)


async def _talk(door: SocketDoor, number: int, ledger: Ledger, going_on: Callable[[], bool]) -> None:
    sent, chance = ledger.sent.setdefault(door.conversation_id, []), random.Random(number)
    while going_on():
        name = tag(number, len(sent))
        ledger.before[name] = frozenset(sent)
        sent.append(name)
        await door.deliver(name, tagged(chance.choice(WORDS), number, len(sent) - 1))
        ledger.acknowledged.add(name)


# --- a reader that does not read -------------------------------------------------------------------------------------

LONG = "x" * 3900
MOST = 4000  # messages until it must have been noticed: what the kernel keeps for a connection is a few megabytes


async def slow_reader(stage: Stage) -> tuple[int, float]:
    """(messages until it was let go, megabytes that the server grew). Raises AssertionError when it never was, or when
    something is missing afterwards. A person holds the conversation, so a message is quick: it only is written down."""
    writer = await stage.socket()
    await writer.deliver("begin", "hello")
    await writer.deliver("person", "a person, please")
    before = stage.server.resident_mb()
    client = await _silent_client(stage, writer)
    try:
        while await _open_sockets(stage) != 2:  # noqa: ASYNC110 - the server counts them in its own time
            await asyncio.sleep(0.05)
        said = await _until_let_go(stage, writer)
        grown = stage.server.resident_mb() - before
        reader = SocketDoor(stage.session, stage.server.url, writer.conversation_id, writer.token, stage.sent)
        await reader.caught_up(writer.position)
        await reader.close()
        missing = set(writer.seen) - set(reader.seen)
        assert not reader.doubles
        assert all(seq < min(reader.seen) for seq in missing), "a gap behind the oldest message that was shown"
        return said, grown
    finally:
        client.close()
        await writer.close()


async def _silent_client(stage: Stage, door: SocketDoor) -> socket.socket:
    """Says hello by hand, over a connection with the smallest buffer there is, and reads no more."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", stage.server.port))
    head = (f"GET {API}/{door.conversation_id}/socket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    await loop.sock_sendall(connection, head.encode() + _masked(f'{{"type":"hello","token":"{door.token}"}}'))
    await loop.sock_recv(connection, 1024)
    return connection


def _masked(text: str) -> bytes:
    """One WebSocket text frame of a client, with the mask 0."""
    data = text.encode()
    assert len(data) < 1 << 16
    return bytes([0x81, 0x80 | 126]) + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data


async def _until_let_go(stage: Stage, writer: SocketDoor) -> int:
    """How many messages it took."""
    for said in range(0, MOST, 20):
        await asyncio.gather(*(writer.deliver(f"long{said + n}", LONG) for n in range(20)))
        if await _open_sockets(stage) == 1:
            return said + 20
    raise AssertionError(f"a reader that reads nothing was kept through {MOST} long messages")


async def _open_sockets(stage: Stage) -> int:
    """As the server counts them."""
    async with stage.session.get(f"{stage.server.url}/metrics") as response:
        text = await response.text()
    found = re.search(r"^shopclerk_open_sockets (\S+)$", text, re.MULTILINE)
    assert found is not None, "the server does not count its open sockets"
    return int(float(found[1]))
