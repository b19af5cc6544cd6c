"""A line between the browser and the server that a test can cut. It passes bytes on and knows HTTP's first lines only."""

from __future__ import annotations

import asyncio
import contextlib

CHUNK = 65536


class Wire:
    """Listens on `port`, passes everything to `target`. `open`: whether new connections get through."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.open, self.sockets = True, True  # `sockets`: whether WebSockets get through
        self.passed = 0  # bytes that came from the server
        self.cut_after: int | None = None  # cut everything once that many more bytes came from the server
        self.upgrades = 0
        self._dialled = asyncio.Condition()
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Every connection ends at once, wherever it is."""
        for writer in list(self._lines):
            writer.transport.abort()

    def down(self) -> None:
        self.open = False
        self.cut()

    async def dialled(self, upgrades: int) -> None:
        """Until that many WebSockets have been asked for."""
        async with self._dialled:
            await self._dialled.wait_for(lambda: self.upgrades >= upgrades)

    def up(self) -> None:
        self.open, self.sockets, self.cut_after = True, True, None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._lines.add(writer)
        try:
            await self._carry(reader, writer)
        finally:
            self._lines.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            return
        first = await reader.read(CHUNK)
        upgrade = b"upgrade: websocket" in first.lower()
        async with self._dialled:
            self.upgrades += upgrade
            self._dialled.notify_all()
        if not first or (upgrade and not self.sockets):
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return
        self._lines.add(far_writer)
        try:
            far_writer.write(first)
            there = asyncio.create_task(self._pass(reader, far_writer, counted=False))
            back = asyncio.create_task(self._pass(far_reader, writer, counted=True))
            _, rest = await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
        finally:
            self._lines.discard(far_writer)
            far_writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if counted:
                    self.passed += len(data)
                    if self.cut_after is not None and (room := self.cut_after) < len(data):
                        writer.write(data[:room])  # in the middle of a frame, if it so happens
                        self.cut_after = None
                        self.cut()
                        return
                    if self.cut_after is not None:
                        self.cut_after -= len(data)
                writer.write(data)
                await writer.drain()
