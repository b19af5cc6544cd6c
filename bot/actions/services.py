"""What actions are given to work with. Actions return events and responses; they never write the tracker."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rasa_sdk import Tracker

from bot.actions.attempts import ContactAttempts
from bot.actions.titles import TitleIndex, index_titles
from bot.ports import Answerer, CaseBook
from bot.requests.desk import Desk
from bot.requests.lexicon import Lexicon
from knowledge.handles import for_meaning
from knowledge.models import Address, Order, Product
from knowledge.orders.identity import IdentityService
from knowledge.orders.service import Actor, OrderService
from knowledge.ports import Catalogue, Search, Vectors

_TITLES_AGE_S = 60.0
_TITLES_SHARE = 100.0  # the index is at least this many times as old as making it takes before it is made again
_NEAR, _MARGIN = 0.30, 0.06  # cosine of the words to a line's title: near at all, and as near as the nearest
Similar = Callable[[str, Sequence[str]], Sequence[float]]
log = logging.getLogger("shopclerk.actions")


@dataclass(slots=True)
class _Titles:
    """The title index as it was made last, of which titles, and until when it does."""

    index: TitleIndex | None = None
    of: Mapping[str, str] = field(default_factory=dict)
    good_until: float = 0.0
    making: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class Services:
    orders: OrderService
    identity: IdentityService
    catalogue: Catalogue
    search: Search
    answerer: Answerer
    lexicons: Mapping[str, Lexicon]
    cases: CaseBook
    similar: Similar | None = None
    embed: Callable[[Sequence[str]], Vectors] | None = None  # so that words already encoded are not encoded again
    attempts: ContactAttempts = field(default_factory=lambda: ContactAttempts(20))
    _titles: _Titles = field(default_factory=_Titles)

    async def titles(self) -> TitleIndex:
        """The catalogue's title index, about a minute old at most; who asks waits for the first one only."""
        titles = self._titles
        if titles.making is None and time.monotonic() > titles.good_until:
            titles.making = asyncio.create_task(self._index_titles())
        if titles.index is None:
            assert titles.making is not None, "without an index one is being made"
            await asyncio.shield(titles.making)
            assert titles.index is not None
        return titles.index

    async def warm(self) -> None:
        """Make now what the first questions would wait for."""
        try:
            await self.titles()
        except Exception as error:  # whatever the database's driver raises: the first question asks again
            log.warning("the titles could not be read yet: %s", error)

    async def _index_titles(self) -> None:
        titles, start = self._titles, time.monotonic()
        try:
            found = await self.catalogue.titles()
            if titles.index is None or found != titles.of:
                titles.index, titles.of = await asyncio.to_thread(index_titles, found), found
        finally:
            now = time.monotonic()
            titles.good_until, titles.making = now + max(_TITLES_AGE_S, _TITLES_SHARE * (now - start)), None

    def lexicon(self, tracker: Tracker) -> Lexicon:
        locale = str(tracker.slots.get("locale") or "en").split("-")[0]
        return self.lexicons.get(locale) or self.lexicons["en"]

    def actor(self, tracker: Tracker) -> Actor | None:
        customer_id = tracker.slots.get("customer_id")
        return Actor(str(customer_id), tracker.sender_id) if customer_id else None

    async def desk(self, tracker: Tracker) -> Desk | None:
        """The identified customer's orders, live, with what the conversation pointed at last; None when nobody is known."""
        actor = self.actor(tracker)
        if actor is None:
            return None
        customer = await self.orders.customer(actor)
        orders = await self.orders.orders(actor)
        products = await self.products_of(orders)
        previous = tracker.slots.get("previous_address")
        return Desk(
            customer,
            orders,
            products,
            self.lexicon(tracker),
            self.similar,
            tuple(tracker.slots.get("focus_orders") or ()),
            tuple(tracker.slots.get("focus_lines") or ()),
            focus_product=str(tracker.slots.get("focus_product") or ""),
            previous_address=Address(**previous) if previous else None,
        )

    async def pointed_at(self, text: str, desk: Desk, conversation_id: str = "") -> tuple[str, ...]:
        """Keys of the customer's lines that the words mean by retrieval, likeliest first; () when none comes near."""
        if self.similar is None or len(text.split()) < 3:
            return ()
        meaning = for_meaning(text)
        vector = await asyncio.to_thread(self.embed, [meaning]) if self.embed else None
        lines = await self.orders.find_lines(Actor(desk.customer.id, conversation_id), text, limit=5, vector=vector)
        known = desk.line_keys()
        keys = [key for e in lines if (key := e.id.removeprefix("line:")) in known]
        if not keys:
            return ()
        near = await asyncio.to_thread(self.similar, meaning, [desk.line(k)[1].title for k in keys])
        ranked = sorted(zip(near, keys, strict=True), reverse=True)
        return tuple(key for score, key in ranked if score >= max(_NEAR, ranked[0][0] - _MARGIN))

    async def products_of(self, orders: Sequence[Order]) -> dict[str, Product]:
        ids = dict.fromkeys(line.product_id for order in orders for line in order.lines)
        return {p.id: p for p in await self.catalogue.products(ids)}
