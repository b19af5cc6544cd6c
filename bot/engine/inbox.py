"""The way in: the same message once, one turn at a time per conversation, a burst answered by one reply.

Messages that arrive while a turn of their conversation runs are answered together in the next turn; the first of them
carries the reply, the others get none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.domain.message import InboundMessage, OutboundMessage
from bot.engine.engine import Engine
from bot.ports import ConversationLock, OnDelta, StaleTracker, TrackerStore

_RETRIES = 5


@dataclass(slots=True)
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

    async def receive(self, message: InboundMessage, on_delta: OnDelta | None = None) -> tuple[OutboundMessage, ...]:
        """The reply to this message; () for one that another of the same burst answers, or while a person is there."""
        queue = self._waiting.setdefault(message.conversation_id, [])
        again = next((w for w in queue if message.message_id and w.message.message_id == message.message_id), None)
        if again is not None:
            return await asyncio.shield(again.reply)
        mine = _Waiting(message, on_delta, asyncio.get_running_loop().create_future())
        queue.append(mine)
        async with self.lock.hold(message.conversation_id):
            if not mine.reply.done():
                await self._turn(message.conversation_id)
        return await mine.reply

    async def _turn(self, conversation_id: str) -> None:
        """Answer everything that waits in this conversation."""
        burst = self._waiting.pop(conversation_id, [])
        try:
            fresh = [item for item in burst if not await self._answered_before(item)]
            reply = await self._handle(fresh) if fresh else ()
        except BaseException as error:
            for item in burst:
                if not item.reply.done():
                    item.reply.set_exception(error)
                    item.reply.exception()  # noted: whoever has gone away need not fetch it
            raise
        for item in [w for w in fresh if not w.reply.done()]:
            item.reply.set_result(reply)
            reply = ()  # the first one still there carries the reply

    async def _answered_before(self, item: _Waiting) -> bool:
        """The same message again gets the reply it got."""
        if not item.message.message_id:
            return False
        known = await self.store.answered(item.message.channel, item.message.message_id)
        if known is not None and not item.reply.done():
            item.reply.set_result(tuple(known))
        return known is not None

    async def _handle(self, burst: Sequence[_Waiting]) -> tuple[OutboundMessage, ...]:
        message = merge([w.message for w in burst])
        marks = [(w.message.channel, w.message.message_id) for w in burst if w.message.message_id]
        for attempt in range(_RETRIES):
            try:
                return await self.engine.handle(message, burst[0].on_delta, marks)
            except StaleTracker:
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")


def merge(burst: Sequence[InboundMessage]) -> InboundMessage:
    """One message out of several: their words in order; a pressed button counts only when it came alone."""
    if len(burst) == 1:
        return burst[0]
    text = "\n".join(m.text for m in burst if m.text)
    return replace(
        burst[-1], text=text, payload=None, customer_id=next((m.customer_id for m in burst if m.customer_id), None)
    )
