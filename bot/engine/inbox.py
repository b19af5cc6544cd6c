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
        if message.message_id:
            known = await self.store.answered(message.channel, message.message_id)
            if known is not None:
                return tuple(known)
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
            reply = await self._handle(burst)
        except BaseException as error:
            for item in burst:
                if not item.reply.done():
                    item.reply.set_exception(error)
                    item.reply.exception()  # noted: whoever has gone away need not fetch it
            raise
        for place, item in enumerate(burst):
            if not item.reply.done():
                item.reply.set_result(reply if place == 0 else ())

    async def _handle(self, burst: Sequence[_Waiting]) -> tuple[OutboundMessage, ...]:
        answered = [w for w in burst if w.message.message_id and await self.store.answered(w.message.channel, w.message.message_id) is not None]
        fresh = [w for w in burst if w not in answered] or list(burst)
        if answered and fresh == list(burst):
            return tuple(await self.store.answered(burst[0].message.channel, burst[0].message.message_id) or ())
        message = merge([w.message for w in fresh])
        marks = [(w.message.channel, w.message.message_id) for w in fresh if w.message.message_id]
        for attempt in range(_RETRIES):
            try:
                return await self.engine.handle(message, fresh[0].on_delta, marks)
            except StaleTracker:
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")


def merge(burst: Sequence[InboundMessage]) -> InboundMessage:
    """One message out of several: their words in order; a pressed button counts only when it came alone."""
    if len(burst) == 1:
        return burst[0]
    text = "\n".join(m.text for m in burst if m.text)
    return replace(burst[-1], text=text, payload=None, customer_id=next((m.customer_id for m in burst if m.customer_id), None))
