"""Commands: what understanding emits. Imperatives, several per message, in the order they were said.

They say what the customer wants; flows alone decide what happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StartFlow:
    flow: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class SetSlot:
    """Fill what was asked for (or what the customer volunteers)."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class CorrectSlot:
    """Put another value where one stands already."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """Change the request under way: `mode` is "add", "only", "remove" or "set"; `slots` as in StartFlow."""

    mode: str
    slots: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identify:
    """What the customer says about who they are: email, first_name, last_name, postcode, customer_id, order_number."""

    claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CancelFlow:
    """Never mind: drop the request under way."""


@dataclass(frozen=True, slots=True)
class Affirm:
    pass


@dataclass(frozen=True, slots=True)
class Deny:
    pass


@dataclass(frozen=True, slots=True)
class AskKnowledge:
    """A question about policies, delivery, products: answered from evidence."""

    question: str


@dataclass(frozen=True, slots=True)
class SearchProducts:
    query: str


@dataclass(frozen=True, slots=True)
class Clarify:
    """Two readings are about as likely: ask which. `options` are flow names."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chitchat:
    topic: str  # "greet", "thanks", "goodbye", "joke" …


@dataclass(frozen=True, slots=True)
class HumanHandoff:
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Say that again."""


@dataclass(frozen=True, slots=True)
class CannotHandle:
    """Nothing we know fits. `reason`: "unclear" or "out_of_scope"."""

    reason: str = "unclear"


Command = (
    StartFlow
    | SetSlot
    | CorrectSlot
    | AmendRequest
    | Identify
    | CancelFlow
    | Affirm
    | Deny
    | AskKnowledge
    | SearchProducts
    | Clarify
    | Chitchat
    | HumanHandoff
    | Repeat
    | CannotHandle
)
