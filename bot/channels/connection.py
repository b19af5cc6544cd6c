"""One looker-on of a conversation, over whatever carries frames: what was missed, then everything live, each once.

An idle connection holds no task of its own: frames wait in a queue, and a task runs only while it is not empty. A
reader too slow for its queue is let go; it comes back and resumes from the last `seq` it has seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from bot.channels import frames
from bot.channels.frames import Frame
from bot.domain.events import Stamped
from bot.domain.tracker import Mode
from bot.ports import TrackerStore

PAGE = 500  # events read at a time
TOO_OLD = 2000  # events missed: fetching the conversation anew is cheaper than being told of each
AT_FIRST = 400  # events shown to who has seen nothing
MOST_WAITING = 1 << 20  # characters in the queue of one reader
TOO_SLOW, GONE = 4408, 1006  # close codes; the second is never sent, there is nobody to send it to
log = logging.getLogger("shopclerk.connection")


class Carrier(Protocol):
    """A socket or a stream of server-sent events."""

    async def send(self, frame: Frame) -> None:
        """Raises ConnectionError or OSError when nobody is there any more; waits while the reader is slow."""
        ...

    async def close(self, code: int, reason: str) -> None: ...


class Connection:
    """A `bot.feed.Listener`. `end` is called once when it gives up, with the close code and the reason."""

    __slots__ = ("_after_catch_up", "_carrier", "_catching_up", "_end", "_ending", "_flushing", "_queue", "_store", "_waiting",
                 "conversation_id", "mode", "seq")

    def __init__(self, conversation_id: str, store: TrackerStore, carrier: Carrier,
                 end: Callable[[int, str], Coroutine[Any, Any, None]]) -> None:
        self.conversation_id, self.seq, self.mode = conversation_id, 0, Mode.BOT.value
        self._store, self._carrier, self._end = store, carrier, end
        self._queue: deque[tuple[Frame, int]] = deque()
        self._waiting = 0
        self._flushing: asyncio.Task[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._after_catch_up = False
        self._ending: asyncio.Task[None] | None = None

    # --- what the feed tells --------------------------------------------------------------------------------------

    def news(self, events: Sequence[Stamped], mode: str) -> None:
        if self._catching_up is not None or events[0].seq > self.seq + 1:
            self.wake()  # something in between is not here yet
            return
        self._tell([event for event in events if event.seq > self.seq], mode)

    def passing(self, frame: Mapping[str, Any]) -> None:
        self.send(dict(frame))

    def wake(self) -> None:
        if self._catching_up is not None:
            self._after_catch_up = True
            return
        self._catching_up = asyncio.create_task(self._catch_up(self._read_and_look()))

    # --- catching up ----------------------------------------------------------------------------------------------

    async def resume(self, after: int) -> None:
        """Tell what came after `after`, then `ready`. To be called once, when the feed is listened to already."""
        self._catching_up = asyncio.create_task(self._catch_up(self._begin_at(after)))
        await asyncio.shield(self._catching_up)

    async def _begin_at(self, after: int) -> None:
        tracker = await self._store.load(self.conversation_id)
        last, mode = (tracker.seq, tracker.mode.value) if tracker else (0, Mode.BOT.value)
        if after > last or (after and last - after > TOO_OLD):
            self.send({"type": "resync"})
            after = last
        self.seq = after or max(0, last - AT_FIRST)
        await self._read_on()
        self.mode = mode
        self.send(frames.ready(self.seq, self.mode))

    async def _read_and_look(self) -> None:
        await self._read_on()
        tracker = await self._store.load(self.conversation_id)
        if tracker is not None:
            self._moved(tracker.mode.value)

    async def _catch_up(self, work: Coroutine[Any, Any, None]) -> None:
        """One at a time; what is committed meanwhile is looked for afterwards."""
        try:
            await work
        except Exception:  # a database that is away for a while: the next heartbeat shows the reader what it lacks
            log.exception("a conversation could not be read for its reader")
        finally:
            self._catching_up = None
            if self._after_catch_up:
                self._after_catch_up = False
                self.wake()

    async def _read_on(self) -> None:
        """In the reader's own time: a long history must not count as slowness."""
        while page := await self._store.events(self.conversation_id, after=self.seq, limit=PAGE):
            for event in page:
                self._tell([event], self.mode)
                if self._waiting > MOST_WAITING // 4:
                    await self.flushed()

    def _tell(self, events: Sequence[Stamped], mode: str) -> None:
        if events:
            self.seq = events[-1].seq
            for frame in frames.message_frames(events, self.conversation_id):
                self.send(frame)
        self._moved(mode)

    def _moved(self, mode: str) -> None:
        """A change of who speaks is told at once."""
        if mode != self.mode:
            self.mode = mode
            self.send(frames.ready(self.seq, mode))

    def beat(self) -> None:
        """The heartbeat: how far the conversation is, as far as this process knows."""
        self.send(frames.ready(self.seq, self.mode))

    # --- sending --------------------------------------------------------------------------------------------------

    def send(self, frame: Frame) -> None:
        """Queue a frame; never waits."""
        size = len(frame.get("text", "")) + 200 * (1 + len(frame.get("cards", ())))
        self._queue.append((frame, size))
        self._waiting += size
        if self._waiting > MOST_WAITING:
            self._queue.clear()
            self._waiting = 0
            self._ending = asyncio.create_task(self._end(TOO_SLOW, "too slow"))
            return
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        try:
            while self._queue:
                frame, size = self._queue.popleft()
                self._waiting -= size
                await self._carrier.send(frame)
        except (ConnectionError, OSError, RuntimeError):
            self._queue.clear()
            self._waiting = 0
            await self._end(GONE, "nobody reads any more")
        finally:
            self._flushing = None

    async def flushed(self) -> None:
        """Until everything queued so far is on its way."""
        while self._flushing is not None:
            await asyncio.shield(self._flushing)

    async def end(self, code: int, reason: str) -> None:
        """Let the reader go; it may come back."""
        await self._end(code, reason)

    def stop(self) -> None:
        """Nothing more is sent."""
        for task in (self._flushing, self._catching_up):
            if task is not None:
                task.cancel()
