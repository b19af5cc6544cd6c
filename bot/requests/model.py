"""The draft of a request: what was understood so far, JSON-able so that a frame's slot can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Pick:
    """One order line in a request, and for a swap what the customer wants instead."""

    order: str                          # order id
    line: str
    quantity: int | None = None         # None: all of it
    wish: str = ""                      # the customer's words about the new variant
    variant: str = ""                   # chosen
    refused: bool = False               # no variant fits: reported, left out


@dataclass(frozen=True, slots=True)
class Draft:
    picks: tuple[Pick, ...] = ()
    orders: tuple[str, ...] = ()        # order ids, for requests about whole orders
    reason: str = ""
    method: str = ""                    # payment method id
    method_wish: str = ""               # words about the method, kept until orders are known
    address: Mapping[str, Any] | None = None
    address_wish: str = ""
    notes: tuple[str, ...] = ()         # response names said once already

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Draft:
        if not data:
            return cls()
        return cls(picks=tuple(Pick(**p) for p in data["picks"]), orders=tuple(data["orders"]), reason=data["reason"],
                   method=data["method"], method_wish=data["method_wish"], address=data["address"],
                   address_wish=data["address_wish"], notes=tuple(data["notes"]))

    def with_(self, **changes: Any) -> Draft:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Question:
    """What must be known before going on: `slot` is what is asked for, `response` how, `buttons` the offered answers."""

    slot: str
    response: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[tuple[str, str], ...] = ()
    cards: tuple[Mapping[str, Any], ...] = ()
