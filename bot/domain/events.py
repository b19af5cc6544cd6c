"""Events: what happened in a conversation, past participles, append-only. A tracker is a fold over them.

Every event is a frozen dataclass of JSON-able fields; `name` is its key in storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class SessionStarted:
    channel: str = ""
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class UserUttered:
    text: str
    message_id: str = ""
    intent: str = ""
    confidence: float = 0.0
    entities: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    channel: str = ""


@dataclass(frozen=True, slots=True)
class BotUttered:
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)  # buttons, cards, sources, responses


@dataclass(frozen=True, slots=True)
class AgentUttered:
    text: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class CustomerIdentified:
    customer_id: str
    method: str  # "email", "name_postcode", "channel" …


@dataclass(frozen=True, slots=True)
class IdentityRejected:
    attempts: int


@dataclass(frozen=True, slots=True)
class SlotSet:
    """`frame` is the flow frame the slot belongs to; None: the whole conversation."""

    slot: str
    value: Any
    frame: str | None = None


@dataclass(frozen=True, slots=True)
class FlowStarted:
    frame: str
    flow: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    queued: bool = False  # waits below the running flows


@dataclass(frozen=True, slots=True)
class FlowMoved:
    frame: str
    step: str


@dataclass(frozen=True, slots=True)
class FlowResumed:
    frame: str


@dataclass(frozen=True, slots=True)
class FlowCompleted:
    frame: str


@dataclass(frozen=True, slots=True)
class FlowCancelled:
    frame: str


@dataclass(frozen=True, slots=True)
class ActionExecuted:
    action: str
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HandoffRequested:
    reason: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class AgentJoined:
    agent: str


@dataclass(frozen=True, slots=True)
class HandoffEnded:
    """Back to the bot: `by` is "agent", "timeout" or "customer"."""

    by: str


@dataclass(frozen=True, slots=True)
class TurnFailed:
    error_id: str


@dataclass(frozen=True, slots=True)
class MessageRated:
    """What the customer thinks of the bubble at `message_seq`: "up" or "down"."""

    message_seq: int
    rating: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ConversationRated:
    """1 (bad) to 5 (good)."""

    score: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PageViewed:
    """Where on the shop's site the customer is, with the cart: [{"product_id", "variant_id", "quantity"}].

    Only what the shop knows; `url` and `title` are the page's own words and prove nothing.
    """

    url: str = ""
    title: str = ""
    product_id: str = ""
    product_title: str = ""
    owned: bool = False  # one of the customer's own orders has it
    cart: list[dict[str, Any]] = field(default_factory=list)


Event = (
    SessionStarted
    | UserUttered
    | BotUttered
    | AgentUttered
    | CustomerIdentified
    | IdentityRejected
    | SlotSet
    | FlowStarted
    | FlowMoved
    | FlowResumed
    | FlowCompleted
    | FlowCancelled
    | ActionExecuted
    | HandoffRequested
    | AgentJoined
    | HandoffEnded
    | TurnFailed
    | MessageRated
    | ConversationRated
    | PageViewed
)

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        SessionStarted,
        UserUttered,
        BotUttered,
        AgentUttered,
        CustomerIdentified,
        IdentityRejected,
        SlotSet,
        FlowStarted,
        FlowMoved,
        FlowResumed,
        FlowCompleted,
        FlowCancelled,
        ActionExecuted,
        HandoffRequested,
        AgentJoined,
        HandoffEnded,
        TurnFailed,
        MessageRated,
        ConversationRated,
        PageViewed,
    )
}


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event with its place in the conversation (1-based `seq`) and time (seconds since the epoch)."""

    seq: int
    at: float
    event: Event


_FIELDS: dict[type[Any], tuple[str, ...]] = {kind: tuple(f.name for f in fields(kind)) for kind in _KINDS.values()}


def event_to_json(event: Event) -> dict[str, Any]:
    """{"name": …, fields …}; the inverse of `event_from_json`. What the fields hold is not copied."""
    kind = type(event)
    return {"name": kind.__name__} | {name: getattr(event, name) for name in _FIELDS[kind]}


def event_from_json(data: Mapping[str, Any]) -> Event:
    """Unknown fields of a newer version are dropped; an unknown name raises KeyError."""
    kind = _KINDS[data["name"]]
    event: Event = kind(**{name: data[name] for name in _FIELDS[kind] if name in data})
    return event
