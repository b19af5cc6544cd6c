"""The draft of a request: what was understood so far, JSON-able so that a frame's slot can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.plain import plain


@dataclass(frozen=True, slots=True)
class Pick:
    """One order line in a request, and for a swap what the customer wants instead."""

    key: str  # "order id/line id"
    wish: str = ""  # the customer's words about the new variant
    variant: str = ""  # chosen
    choices: tuple[str, ...] = ()  # variant ids shown to choose from
    quantity: int = 0  # 0: all of the line

    @property
    def order(self) -> str:
        return self.key.rsplit("/", 1)[0]

    @property
    def line(self) -> str:
        return self.key.rsplit("/", 1)[1]


@dataclass(frozen=True, slots=True)
class Open:
    """A phrase that could mean several lines, until the customer says which."""

    phrase: str
    keys: tuple[str, ...]
    words: str = ""  # the wish that goes with it


@dataclass(frozen=True, slots=True)
class Draft:
    picks: tuple[Pick, ...] = ()
    open: tuple[Open, ...] = ()
    orders: tuple[str, ...] = ()  # order ids
    reason: str = ""
    method: str = ""  # a payment method's id, or "original"
    address: Mapping[str, Any] | None = None
    choices: tuple[Mapping[str, Any], ...] = ()  # addresses shown to choose from
    settled: bool = False  # chosen over a request that it rules out
    misses: int = 0  # answers in a row that could not be read
    otherwise: str = ""  # the flow wished for when this cannot be done

    def to_json(self) -> dict[str, Any]:
        return plain(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Draft:
        if not data:
            return cls()
        picks = tuple(
            Pick(p["key"], p["wish"], p["variant"], tuple(p["choices"]), p.get("quantity", 0)) for p in data["picks"]
        )
        opened = tuple(Open(o["phrase"], tuple(o["keys"]), o["words"]) for o in data["open"])
        return cls(
            picks,
            opened,
            tuple(data["orders"]),
            data["reason"],
            data["method"],
            data["address"],
            tuple(data["choices"]),
            data.get("settled", False),
            data.get("misses", 0),
            data.get("otherwise", ""),
        )

    def with_(self, **changes: Any) -> Draft:
        return replace(self, **changes)

    def with_pick(self, pick: Pick) -> Draft:
        """Put in place of the one for the same line, or added."""
        if any(p.key == pick.key for p in self.picks):
            return replace(self, picks=tuple(pick if p.key == pick.key else p for p in self.picks))
        return replace(self, picks=(*self.picks, pick))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the customer about what they asked: a response and its facts."""

    response: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What must be known before going on: `slot` is what is asked for, `response` how, `buttons` the offered answers."""

    slot: str
    response: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[tuple[str, str], ...] = ()
    cards: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return plain(self)
