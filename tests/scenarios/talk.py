"""A customer in a test: says things to the real shop, looks at what came back, and at what the store holds afterwards.

It knows the machine-readable side of replies (responses, requested slot, cards, sources) and no wording.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from bot.bootstrap import Shop
from bot.domain.case import Case
from bot.domain.message import Card, InboundMessage, OutboundMessage, Source
from bot.domain.tracker import Tracker
from bot.stores.cases import SqlCaseBook
from knowledge import db
from knowledge.models import Customer, Order

Rows = Mapping[str, str]


@dataclass(slots=True, repr=False)
class Talk:
    """One conversation. `before`: every order and customer as stored at its start, by number or id."""

    shop: Shop
    before: Rows
    id: str = "talk-1"
    customer_id: str | None = None          # signed in by the shop's site
    page: Mapping[str, Any] = field(default_factory=dict)       # of the shop's site, where the customer is
    replies: tuple[OutboundMessage, ...] = ()
    _count: int = 0

    async def say(self, text: str, *, message_id: str = "", payload: str | None = None) -> tuple[OutboundMessage, ...]:
        """One message; the reply's bubbles, which are kept in `replies` too."""
        self._count += 1
        self.replies = await self.shop.inbox.receive(self._message(text, message_id, payload))
        tell(self.id, text, [(r.sender, r.text) for r in self.replies], self.asked)
        return self.replies

    async def press(self, title: str) -> tuple[OutboundMessage, ...]:
        """Press the button of the last reply whose title holds `title`."""
        button = next(b for r in self.replies for b in r.buttons if title.lower() in b.title.lower())
        return await self.say(button.title, payload=button.payload)

    def _message(self, text: str, message_id: str, payload: str | None) -> InboundMessage:
        return InboundMessage(self.id, text, message_id or f"{self.id}-{self._count}", customer_id=self.customer_id,
                              payload=payload, page=self.page)

    # --- what was replied --------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """All bubbles of the last reply, one below the other."""
        return "\n".join(r.text for r in self.replies)

    @property
    def responses(self) -> list[str]:
        """Names of what was said."""
        return [name for r in self.replies for name in r.custom.get("responses", ())]

    @property
    def asked(self) -> str:
        """The slot the last reply asks for, "" when it asks nothing."""
        return str(self.replies[-1].custom.get("requested_slot", "")) if self.replies else ""

    @property
    def cards(self) -> list[Card]:
        return [card for r in self.replies for card in r.cards]

    @property
    def card(self) -> Mapping[str, Any]:
        """The data of the confirmation card that waits for a yes; {} when there is none."""
        found = [c.data for c in self.cards if c.kind == "confirmation"]
        return found[-1] if found and self.asked == "confirmation" else {}

    @property
    def money(self) -> list[tuple[str, str, str]]:
        """(direction, amount, method's label) of everything that moves on the card."""
        return [(m["direction"], m["amount"], m["method"]) for o in self.card.get("operations", ()) for m in o["money"]]

    @property
    def to_confirm(self) -> list[tuple[str, str]]:
        """(kind, order number) of each operation on the card."""
        return [(o["kind"], o["order_number"]) for o in self.card.get("operations", ())]

    @property
    def products(self) -> list[str]:
        """Ids of the products shown as cards."""
        return [str(c.data["id"]) for c in self.cards if c.kind == "product"]

    @property
    def titles(self) -> list[str]:
        return [c.title for c in self.cards if c.kind == "product"]

    @property
    def sources(self) -> list[Source]:
        return [s for r in self.replies for s in r.sources]

    def cites(self, document: str) -> bool:
        """Whether a numbered source of the last reply is this document, and its number stands in the text."""
        return any(document in s.id and f"[{s.number}]" in r.text for r in self.replies for s in r.sources)

    def shows(self, *facts: Any) -> bool:
        """Whether every one of these facts stands in the last reply, whatever stands around it."""
        seen = fold(self.text)
        return all(fold(str(fact)) in seen for fact in facts)

    # --- what is stored ----------------------------------------------------------------------------------------------

    async def order(self, number: str) -> Order:
        found = await self.shop.book.order_by_number(number)
        assert found is not None, f"no order {number}"
        return found

    async def customer(self, customer_id: str) -> Customer:
        found = await self.shop.book.customer(customer_id)
        assert found is not None, f"no customer {customer_id}"
        return found

    async def writes(self) -> set[str]:
        """Numbers of orders and ids of customers that are no longer as they were when the conversation began."""
        now = await stored_rows(self.shop)
        return {key for key in now.keys() | self.before.keys() if now.get(key) != self.before.get(key)}

    async def tracker(self) -> Tracker:
        found = await self.shop.store.load(self.id)
        assert found is not None, f"no conversation {self.id}"
        return found

    async def cases(self, customer_id: str) -> Sequence[Case]:
        """Newest first."""
        return await SqlCaseBook(self.shop.database).of_customer(customer_id)


def tell(conversation: str, said: str, replies: Sequence[tuple[str, str]], asked: str) -> None:
    """The conversation as a failing test shows it (pytest prints what was printed)."""
    print(f"\n[{conversation}] CUSTOMER: {said[:300]}")
    for sender, text in replies:
        print(f"    {sender}: " + text[:600].replace("\n", "\n        "))
    if asked:
        print(f"    (asks for {asked})")


def fold(text: str) -> str:
    """Case and thousands separators aside."""
    return text.lower().replace(",", "").replace("$", "")


async def stored_rows(shop: Shop) -> dict[str, str]:
    """Every order by number and every customer by id, as stored."""
    async with shop.database.connect() as connection:
        orders = (await connection.execute(select(db.orders.c.body))).scalars()
        found = {str((row := _row(body))["number"]): json.dumps(row, sort_keys=True) for body in orders}
        customers = (await connection.execute(select(db.customers.c.id, db.customers.c.body))).all()
        return found | {str(key): json.dumps(_row(body), sort_keys=True) for key, body in customers}


def _row(body: Any) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    return row
