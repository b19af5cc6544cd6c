"""What a customer's further words change in the draft of a request: lines added, left out, narrowed; reason; method.

Each function takes the words and the draft and gives the new draft with notices about what could not be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.requests.desk import Desk, paid_with
from bot.requests.mentions import described, find_mentions
from bot.requests.methods import STORE_CREDIT, choose_methods, names_method
from bot.requests.model import Draft, Notice, Open, Pick
from bot.requests.orders import choose_orders, said_statuses
from bot.requests.selection import Selection, select_lines
from bot.requests.wishes import read_wish
from bot.requests.words import words
from knowledge.models import OrderStatus

ORIGINAL = "original"


def amend_lines(
    text: str, draft: Draft, desk: Desk, allowed: Sequence[OrderStatus], *, swap: bool = False, asked: str = ""
) -> tuple[Draft, list[Notice]]:
    """Lines named in the words come in or go out; an open phrase is settled first."""
    if draft.open and asked == "items":
        settled = settle_open(text, draft, desk)
        if settled is not None:
            return settled, []
    selection = select_lines(text, desk, allowed, swap=swap)
    notices = [Notice("utter_unknown_order", {"order_number": n}) for n in selection.orders.unknown]
    if selection.orders.unknown and not selection.orders.orders:
        return draft, notices
    notices += _elsewhere(selection, desk, draft)
    if selection.empty and not draft.picks and (focused := _focused_line(text, desk, allowed)):
        return draft.with_(picks=(Pick(focused, text if swap else ""),)), notices
    if selection.empty and (other := _other_of_kind(text, draft, desk, allowed)):
        return draft.with_(picks=(replace(draft.picks[0], key=other),), open=()), notices
    opened = tuple(Open(u.phrase, u.keys, u.words) for u in selection.unclear)
    if selection.orders.named:
        draft = draft.with_(orders=selection.orders.orders)
        draft = _narrow_open(draft)
    if asked == "items" and selection.empty and desk.lexicon.said(text, "yes_all"):
        selection = replace(selection, chosen=select_lines(f"{text} everything", desk, allowed, swap=swap).chosen)
    picks = _merge(text, draft, selection, desk, swap)
    kept_open = () if picks and not opened and asked == "items" else draft.open
    return draft.with_(picks=picks, open=(*kept_open, *opened)), notices


def _focused_line(text: str, desk: Desk, allowed: Sequence[OrderStatus]) -> str | None:
    """ "return it": the one line spoken of last, where it was one."""
    if not desk.lexicon.said(text, "reference"):
        return None
    keys = [k for k in desk.focus_lines if k in desk.line_keys(allowed)]
    if not keys and desk.focus:
        keys = desk.line_keys(allowed, desk.focus[:1])
    return keys[0] if len(keys) == 1 else None


def _other_of_kind(text: str, draft: Draft, desk: Desk, allowed: Sequence[OrderStatus]) -> str | None:
    """ "no, the more expensive one": another line of the product that the request is about."""
    if len(draft.picks) != 1:
        return None
    product = desk.line(draft.picks[0].key)[1].product_id
    keys = [k for k in desk.line_keys(allowed) if desk.line(k)[1].product_id == product]
    prices = {k: desk.line(k)[1].unit_price for k in keys}
    if len(keys) < 2:
        return None
    if desk.lexicon.said(text, "more_expensive_line"):
        return max(keys, key=lambda k: prices[k])
    if desk.lexicon.said(text, "cheaper_line"):
        return min(keys, key=lambda k: prices[k])
    others = [k for k in keys if k != draft.picks[0].key]
    return others[0] if len(others) == 1 and desk.lexicon.said(text, "other_one") else None


def _merge(text: str, draft: Draft, selection: Selection, desk: Desk, swap: bool) -> tuple[Pick, ...]:
    """Only / instead / except / also: how new lines meet those already there."""
    new = tuple(Pick(c.key, c.words, quantity=c.quantity or 0) for c in selection.chosen)
    old = tuple(p for p in draft.picks if p.key not in selection.excluded)
    if not new:
        return old
    named = {p.key for p in new}
    if selection.everything and not selection.chosen:
        return old
    if draft.picks and selection.only:
        return tuple(_keep_wish(p, draft, desk) for p in new)
    if draft.picks and desk.lexicon.said(text, "meant_instead") and not selection.excluded:
        return new
    kept = tuple(_keep_wish(p, draft, desk) if swap else p for p in new)
    if draft.picks and desk.lexicon.said(text, "rather") and not desk.lexicon.said(text, "also"):
        titles = {desk.line(p.key)[1].product_id for p in new}
        return (*(p for p in old if desk.line(p.key)[1].product_id not in titles and p.key not in named), *kept)
    return (*(p for p in old if p.key not in named), *(_keep_wish(p, draft, desk) if swap else p for p in new))


def _keep_wish(pick: Pick, draft: Draft, desk: Desk) -> Pick:
    """A line named again without a new wish keeps what was wished before."""
    before = next((p for p in draft.picks if p.key == pick.key), None)
    product = desk.products.get(desk.line(pick.key)[1].product_id)
    empty = product is None or (
        read_wish(pick.wish, product, desk.lexicon).bare and not desk.lexicon.said(pick.wish, "like_other")
    )
    return before if before is not None and empty else pick


def _elsewhere(selection: Selection, desk: Desk, draft: Draft) -> list[Notice]:
    """Lines named whose orders do not allow this now."""
    told = []
    for key in selection.elsewhere:
        order, line = desk.line(key)
        told.append(
            Notice(
                "utter_line_not_possible",
                {"title": line.title, "order_number": order.number, "status": order.status.value.replace("_", " ")},
            )
        )
    return told


def _narrow_open(draft: Draft) -> Draft:
    """An order named settles what was open, where only one candidate is in it."""
    still: list[Open] = []
    picks = list(draft.picks)
    for item in draft.open:
        keys = [k for k in item.keys if k.rsplit("/", 1)[0] in draft.orders]
        if len(keys) == 1:
            picks.append(Pick(keys[0], item.words))
        else:
            still.append(replace(item, keys=tuple(keys) or item.keys))
    return draft.with_(picks=tuple(picks), open=tuple(still))


def settle_open(text: str, draft: Draft, desk: Desk) -> Draft | None:
    """The answer to "which of these?": by place in the list, description, order, price, or "both". None: it is no answer."""
    item = draft.open[0]
    keys = pick_among(text, item.keys, desk)
    if keys is None:
        return None
    picks = tuple(Pick(k, item.words) for k in keys)
    rest = tuple(p for p in draft.picks if p.key not in keys)
    return draft.with_(picks=(*rest, *picks), open=draft.open[1:])


def pick_among(text: str, keys: Sequence[str], desk: Desk) -> list[str] | None:
    """Those of `keys` that the answer means; None when it names none of them."""
    lexicon = desk.lexicon
    if lexicon.said(text, "yes_all"):
        return list(keys)
    choice = choose_orders(text, desk)
    if choice.named:
        inside = [k for k in keys if k.rsplit("/", 1)[0] in choice.orders]
        if len(inside) == 1:
            return inside
        keys = inside or keys
    nth = place_said(text, desk)
    if nth is not None and -len(keys) <= nth < len(keys):
        return [list(keys)[nth]]
    statuses = said_statuses(text, desk)
    if statuses and (inside := [k for k in keys if desk.line(k)[0].status in statuses]):
        if len(inside) == 1:
            return inside
        keys = inside
    by_price = {"cheaper_line": min, "more_expensive_line": max}
    for section, pick in by_price.items():
        if lexicon.said(text, section):
            return [pick(keys, key=lambda k: desk.line(k)[1].unit_price)]
    things = [desk.thing(k) for k in keys]
    fitting = described(text, things, lexicon)
    if len(fitting) == 1:
        return fitting
    mentions = find_mentions(text, things, lexicon)
    named = list(dict.fromkeys(k for m in mentions for k in m.keys if k in fitting))
    if 0 < len(named) < len(keys):
        return named
    same = {desk.line(k)[1].variant_id for k in fitting}
    return fitting[:1] if len(same) == 1 and len(fitting) < len(keys) else None


def place_said(text: str, desk: Desk) -> int | None:
    """ "the second one", "number 3", "2" → a 0-based place; "the last" → -1."""
    ordinals: dict[str, int] = desk.lexicon.data.get("ordinals", {})
    said = words(text, desk.lexicon.locale)
    for word in said:
        if word.text in ordinals:
            place = ordinals[word.text]
            return place - 1 if place > 0 else place
    if len(said) <= 3:
        number = next((desk.lexicon.number(w.text) for w in said if w.text.isdigit()), None)
        return number - 1 if number else None
    return None


def first_place(text: str, desk: Desk, *, after: str, default: int) -> int:
    """The place named behind a word of the section `after` ("keep the second. just the first" → the first)."""
    for match in desk.lexicon.pattern(after).finditer(text):
        place = place_said(text[match.end() :], desk)
        if place is not None:
            return place
    return default


# --- reason and method -----------------------------------------------------------------------------------------------


def read_reason(text: str, desk: Desk, reasons: Sequence[str]) -> str:
    """One of the shop's reasons, "" when none is said."""
    said = desk.lexicon.which(text, "cancel_reason")
    exact = next((r for r in reasons if r.lower() in text.lower()), "")
    return exact or next((r for r in said if r in reasons), "")


def amend_method(
    text: str, draft: Draft, desk: Desk, asked: str, order_ids: Sequence[str]
) -> tuple[Draft, list[Notice]]:
    """The method named, "original" where each order goes back to its own."""
    lexicon = desk.lexicon
    if not names_method(text, lexicon):
        return draft, []
    if lexicon.said(text, "store_credit"):
        return draft.with_(method=STORE_CREDIT), []
    originals = list(dict.fromkeys(paid_with(o) for i in order_ids if (o := desk.order(i))))
    original = originals[0] if len(originals) == 1 else None
    found = choose_methods(text, desk.customer.payment_methods, original, lexicon)
    if lexicon.said(text, "method_original") and (len(originals) != 1 or not found):
        return draft.with_(method=ORIGINAL), []
    if len(found) == 1:
        return draft.with_(method=found[0].id), []
    if len(found) > 1 and asked == "payment_method":
        return draft.with_(method=""), []
    if len(found) > 1:
        return draft.with_(method=""), []
    return draft, [Notice("utter_method_not_yours", {"methods": method_list(desk)})]


def method_list(desk: Desk) -> str:
    return ", ".join(m.label for m in desk.customer.payment_methods)
