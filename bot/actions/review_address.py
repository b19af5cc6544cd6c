"""Another shipping address for pending orders, or another default address of the customer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.actions.review import ReviewAction, order_question, orders_in
from bot.requests.addresses import address_text, complete, missing_parts, point_at, read_address, same_address
from bot.requests.amend import place_said
from bot.requests.desk import Desk
from bot.requests.model import Draft, Notice, Question
from bot.requests.selection import select_lines
from knowledge.models import Address
from knowledge.orders.operations import ChangeAddress, ChangeDefaultAddress, Operation


class ActionReviewAddress(ReviewAction):
    kind = "address"

    def read(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        draft, notices = self._orders(text, asked, draft, desk)
        if asked == "order" and draft.orders:
            return self._only_choice(draft, desk), notices
        return self._only_choice(self._address(text, asked, draft, desk), desk), notices

    def _only_choice(self, draft: Draft, desk: Desk) -> Draft:
        """Of the addresses that could be meant, the one that is not the orders' own already."""
        if draft.address is not None or not draft.choices:
            return draft
        others = tuple(c for c in draft.choices if not self._is_current(Address(**c), draft, desk))
        return (
            draft.with_(address=others[0], choices=())
            if len(others) == 1
            else draft.with_(choices=others or draft.choices)
        )

    def _orders(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        statuses = self.services.orders.rules.change_address.statuses
        if asked == "address" and draft.orders:
            return draft, []
        target = _target_part(text, desk)
        named, notices = orders_in(target, draft, desk)
        possible = tuple(i for i in named.orders if (o := desk.order(i)) and o.status in statuses)
        if named.orders:
            return named.with_(orders=possible or named.orders), notices
        lines = select_lines(target, desk, statuses)
        homes = tuple(dict.fromkeys(c.key.rsplit("/", 1)[0] for c in lines.chosen))
        if homes:
            return draft.with_(orders=homes), notices
        return (
            draft.with_(orders=tuple(o.id for o in desk.orders if o.status in statuses))
            if asked == "order" and desk.lexicon.said(text, "yes_all")
            else draft
        ), notices

    def _address(self, text: str, asked: str, draft: Draft, desk: Desk) -> Draft:
        if (
            draft.choices
            and (nth := place_said(text, desk)) is not None
            and -len(draft.choices) <= nth < len(draft.choices)
        ):
            return draft.with_(address=draft.choices[nth], choices=())
        written = read_address(text, desk.lexicon)
        known = Address(**draft.address) if draft.address else None
        if written is not None:
            return draft.with_(address=asdict(complete(written, desk)), choices=())
        if known is not None and missing_parts(known):
            return draft.with_(address=asdict(complete(_fill_gaps(known, text, desk), desk)))
        meant = point_at(_pointing_part(text, desk), desk, None)
        pointed = [a for a in meant if not self._is_current(a, draft, desk)]
        if meant and not pointed and (others := self._others(meant[0], draft, desk)):
            return draft.with_(orders=others, address=asdict(meant[0]), choices=())
        if len(pointed) == 1 or (pointed and asked != "address" and len(pointed) == 1):
            return draft.with_(address=asdict(pointed[0]), choices=())
        if pointed and draft.address is None:
            return draft.with_(choices=tuple(asdict(a) for a in pointed))
        return draft

    def _others(self, address: Address, draft: Draft, desk: Desk) -> tuple[str, ...]:
        """ "the new home is where the tablet order goes": the order named has it already, so another one is meant."""
        statuses = self.services.orders.rules.change_address.statuses
        return (
            tuple(
                o.id
                for o in desk.orders
                if o.status in statuses
                and o.id not in draft.orders
                and o.address
                and not same_address(o.address, address)
            )
            if draft.orders
            else ()
        )

    def _is_current(self, address: Address, draft: Draft, desk: Desk) -> bool:
        """An address that every order meant has already is not the new one."""
        statuses = self.services.orders.rules.change_address.statuses
        orders = [o for i in draft.orders if (o := desk.order(i))] or [o for o in desk.orders if o.status in statuses]
        return bool(orders) and all(o.address is not None and same_address(o.address, address) for o in orders)

    def pressed(self, entry: Any, draft: Draft, desk: Desk) -> Draft:
        if "address" in entry and draft.choices:
            return draft.with_(address=draft.choices[int(entry["address"])], choices=())
        return super().pressed(entry, draft, desk)

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        statuses = self.services.orders.rules.change_address.statuses
        possible = [o.id for o in desk.orders if o.status in statuses]
        if not draft.orders and len(possible) > 1:
            return order_question(possible, desk, "utter_which_order_for_address")
        return address_question(draft)

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        statuses = self.services.orders.rules.change_address.statuses
        orders = draft.orders or tuple(o.id for o in desk.orders if o.status in statuses)
        address = Address(**draft.address) if draft.address else Address()
        return [
            ChangeAddress(i, address)
            for i in orders
            if (o := desk.order(i)) and not (len(orders) > 1 and o.address and same_address(o.address, address))
        ]


class ActionReviewDefaultAddress(ActionReviewAddress):
    kind = "default_address"

    def _orders(self, text: str, asked: str, draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
        return draft, []

    def _is_current(self, address: Address, draft: Draft, desk: Desk) -> bool:
        return desk.customer.address is not None and same_address(desk.customer.address, address)

    def missing(self, draft: Draft, desk: Desk) -> Question | None:
        return address_question(draft)

    def operations(self, draft: Draft, desk: Desk) -> list[Operation]:
        return [ChangeDefaultAddress(desk.customer.id, Address(**(draft.address or {})))]


def address_question(draft: Draft) -> Question | None:
    if draft.address is None and draft.choices:
        listed = [address_text(Address(**a)) for a in draft.choices]
        return Question(
            "address",
            "utter_which_address",
            {"choices": "\n".join(f"{i}. {t}" for i, t in enumerate(listed, 1))},
            tuple((t, f"/address {i}") for i, t in enumerate(listed)),
        )
    if draft.address is None:
        return Question("address", "utter_ask_address")
    gaps = missing_parts(Address(**draft.address))
    if gaps:
        return Question("address", "utter_ask_address_rest", {"missing": ", ".join(_PART_NAMES[g] for g in gaps)})
    return None


_PART_NAMES = {"line1": "street and number", "city": "city", "postcode": "postcode"}


def _fill_gaps(address: Address, text: str, desk: Desk) -> Address:
    """The rest of an address that began without city or postcode."""
    tail = read_address(f"1 Rest, {text}", desk.lexicon)
    if tail is None:
        return address
    return Address(
        address.line1,
        address.line2 or tail.line2,
        address.city or tail.city,
        address.state or tail.state,
        address.postcode or tail.postcode,
        address.country or tail.country,
    )


def _pointing_part(text: str, desk: Desk) -> str:
    """… and what stands after it points at the new address."""
    cut = desk.lexicon.pattern("address_target_end").search(text)
    return text[cut.start() :] if cut and len(text[cut.start() :].split()) > 1 else text


def _target_part(text: str, desk: Desk) -> str:
    """ "change order A to the address of order B": only what stands before "to" names the order to change."""
    cut = desk.lexicon.pattern("address_target_end").search(text)
    return text[: cut.start()] if cut else text
