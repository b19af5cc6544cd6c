"""The way in: the same message once, one turn at a time per conversation, a burst answered by one reply.

Messages that arrive while a turn of their conversation runs are answered together in the next turn; the first of them
carries the reply, the others get none. A message is kept no later than its sender is told so: by the turn's own commit
where the turn is quick, on its own before that where it is not. What was kept and not answered is answered by `resume`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.message import InboundMessage, OutboundMessage
from bot.engine.engine import Engine
from bot.ports import ConversationLock, OnDelta, StaleTracker, TrackerStore

OnKept = Callable[[], Awaitable[None]]
"""Called once, when the message can no longer be lost: its sender may be told so."""

KEEP_AFTER_S = 0.25  # a turn that takes longer has its message kept before its answer
_RETRIES = 5
log = logging.getLogger("shopclerk.inbox")


@dataclass(slots=True, eq=False)
class _Waiting:
    message: InboundMessage
    on_delta: OnDelta | None
    reply: asyncio.Future[tuple[OutboundMessage, ...]]


@dataclass(slots=True)
class Inbox:
    engine: Engine
    store: TrackerStore
    lock: ConversationLock
    _waiting: dict[str, list[_Waiting]] = field(default_factory=dict)

    async def receive(
        self, message: InboundMessage, on_delta: OnDelta | None = None, on_kept: OnKept | None = None
    ) -> tuple[OutboundMessage, ...]:
        """The reply to this message; () for one that another of the same burst answers, or while a person is there."""
        keeping = asyncio.create_task(self._keep(message, on_kept)) if on_kept and message.message_id else None
        try:
            return await self._answer(message, on_delta)
        finally:
            if keeping is not None:
                keeping.cancel()

    async def resume(self, before: float) -> int:
        """Answer what was accepted before this time and never answered; how many messages."""
        left = await self.store.pending(before)
        done = await asyncio.gather(*(self.receive(message) for message in left), return_exceptions=True)
        for error in (d for d in done if isinstance(d, Exception)):
            log.error("an accepted message could not be answered yet", exc_info=error)
        return len(left)

    async def _keep(self, message: InboundMessage, on_kept: OnKept) -> None:
        """The turn takes its time: keep the message now, and say so. A sender who is told nothing sends it again."""
        await asyncio.sleep(KEEP_AFTER_S)
        try:
            await asyncio.shield(self.store.accept(message))
        except Exception:  # whatever the store raises: the turn's own commit may still succeed
            log.exception("a message could not be accepted")
        else:
            await on_kept()

    async def _answer(self, message: InboundMessage, on_delta: OnDelta | None) -> tuple[OutboundMessage, ...]:
        queue = self._waiting.setdefault(message.conversation_id, [])
        again = next((w for w in queue if message.message_id and w.message.message_id == message.message_id), None)
        if again is not None:
            return await asyncio.shield(again.reply)
        mine = _Waiting(message, on_delta, asyncio.get_running_loop().create_future())
        queue.append(mine)
        try:
            async with self.lock.hold(message.conversation_id):
                if not mine.reply.done():
                    await self._turn(message.conversation_id)
            return await mine.reply
        except asyncio.CancelledError:
            mine.reply.cancel()  # its words still count; a reply goes to somebody who waits
            raise

    async def _turn(self, conversation_id: str) -> None:
        """Answer everything that waits in this conversation."""
        burst = self._waiting.pop(conversation_id, [])
        try:
            await self._handle(await self._with_left_behind(conversation_id, burst))
        except BaseException as error:
            for item in burst:
                if not item.reply.done():
                    item.reply.set_exception(error)
                    item.reply.exception()  # noted: whoever has gone away need not fetch it
            raise

    async def _with_left_behind(self, conversation_id: str, burst: Sequence[_Waiting]) -> list[_Waiting]:
        """What a process that died had accepted is answered first, in the order in which it came."""
        left = await self.store.pending_of(conversation_id)
        if not left:
            return list(burst)
        ours = {_key(item.message): item for item in burst}
        nobody: asyncio.Future[tuple[OutboundMessage, ...]] = asyncio.get_running_loop().create_future()
        nobody.cancel()  # a reply goes to somebody who waits
        earlier = [ours.get(_key(message)) or _Waiting(message, None, nobody) for message in left]
        return [*earlier, *(item for item in burst if item not in earlier)]

    async def _handle(self, burst: Sequence[_Waiting]) -> None:
        """One turn for what no other process has answered meanwhile; read anew when another writer was faster."""
        for attempt in range(_RETRIES):
            fresh = [item for item in burst if not await self._answered_before(item)]
            if not fresh:
                return
            message = merge([w.message for w in fresh])
            marks = [(w.message.channel, w.message.message_id) for w in fresh if w.message.message_id]
            on_delta = next((w.on_delta for w in fresh if w.on_delta), None)
            try:
                reply = await self.engine.handle(message, on_delta, marks)
            except StaleTracker:
                if attempt == _RETRIES - 1:
                    raise
                continue
            for item in [w for w in fresh if not w.reply.done()]:
                item.reply.set_result(reply)
                reply = ()  # the first one still there carries the reply
            return

    async def _answered_before(self, item: _Waiting) -> bool:
        """The same message again gets the reply it got."""
        if not item.message.message_id:
            return False
        known = await self.store.answered(item.message.channel, item.message.message_id)
        if known is not None and not item.reply.done():
            item.reply.set_result(tuple(known))
        return known is not None


def _key(message: InboundMessage) -> tuple[str, str]:
    return message.channel, message.message_id


def merge(burst: Sequence[InboundMessage]) -> InboundMessage:
    """One message out of several: their words in order; a pressed button counts only when it came alone."""
    if len(burst) == 1:
        return burst[0]
    text = "\n".join(m.text for m in burst if m.text)
    return replace(
        burst[-1], text=text, payload=None, customer_id=next((m.customer_id for m in burst if m.customer_id), None)
    )


async def resume_forever(inbox: Inbox, older_than_s: float, first_older_than_s: float, every_s: float = 15.0) -> None:
    """Answer what a process that died had accepted. The ages leave the turns of living processes alone."""
    age = first_older_than_s
    while True:
        try:
            if count := await inbox.resume(time.time() - age):
                log.info("answered %d messages that were accepted earlier", count)
        except Exception:  # a database that is away for a while must not end the resuming for good
            log.exception("accepted messages could not be looked at")
        age = older_than_s
        await asyncio.sleep(every_s)
