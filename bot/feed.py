"""Tells whoever looks at a conversation what is new in it: committed events, and what only passes by (typing, deltas).

It keeps nothing: a listener that missed something reads the store from where it stands. It knows no socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bot.domain.events import Stamped


class Listener(Protocol):
    """One looker-on. Called on the event loop; must neither wait nor fail."""

    def news(self, events: Sequence[Stamped], mode: str) -> None:
        """These events were committed, in order of `seq`."""
        ...

    def passing(self, frame: Mapping[str, Any]) -> None:
        """Something that is not kept: {"type": "typing" | "delta", …}."""
        ...

    def wake(self) -> None:
        """Something was committed elsewhere: read the store."""
        ...


class ConversationFeed:
    """One per process. Another process's commits arrive through `wake`."""

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[Listener, ...]] = {}

    def subscribe(self, conversation_id: str, listener: Listener) -> Callable[[], None]:
        """Listen from now on; the result ends it."""
        self._listeners[conversation_id] = (*self._listeners.get(conversation_id, ()), listener)

        def leave() -> None:
            rest = tuple(one for one in self._listeners.get(conversation_id, ()) if one is not listener)
            if rest:
                self._listeners[conversation_id] = rest
            else:
                self._listeners.pop(conversation_id, None)

        return leave

    def watched(self, conversation_id: str) -> bool:
        return conversation_id in self._listeners

    def committed(self, conversation_id: str, events: Sequence[Stamped], mode: str) -> None:
        for listener in self._listeners.get(conversation_id, ()):
            listener.news(events, mode)

    def passing(self, conversation_id: str, frame: Mapping[str, Any]) -> None:
        for listener in self._listeners.get(conversation_id, ()):
            listener.passing(frame)

    def wake(self, conversation_id: str) -> None:
        for listener in self._listeners.get(conversation_id, ()):
            listener.wake()

    def wake_all(self) -> None:
        """Commits of other processes may have been missed."""
        for conversation_id in list(self._listeners):
            self.wake(conversation_id)
