"""What customers think of it: a thumb for one message, a score for the conversation, a comment with either."""

from __future__ import annotations

from dataclasses import dataclass

from bot.between_turns import BetweenTurns
from bot.domain import events as ev
from bot.domain.tracker import Tracker
from knowledge.errors import BadInput


@dataclass(frozen=True, slots=True)
class Feedback:
    conversations: BetweenTurns

    async def rate_message(self, conversation_id: str, seq: int, rating: str, comment: str) -> None:
        """`rating` is "up" or "down"; a later one counts instead. Raises BadInput for a message that is not there."""

        def act(tracker: Tracker) -> list[ev.Event]:
            if not 0 < seq <= tracker.seq:
                raise BadInput(f"'seq' {seq} is no message of this conversation")
            return [ev.MessageRated(seq, rating, comment)]

        await self.conversations.record(conversation_id, act)

    async def rate_conversation(self, conversation_id: str, score: int, comment: str) -> None:
        """`score` is 1 (bad) to 5 (good)."""
        await self.conversations.record(conversation_id, lambda _: [ev.ConversationRated(score, comment)])
