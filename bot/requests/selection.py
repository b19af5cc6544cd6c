"""Which order lines a request is about, out of the customer's own words.

"Everything except the bottle", "both lamps", "the more expensive tablet", "the backpack that came with the vacuum":
the words are read against the lines there are. What stays open is returned as open, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.requests.desk import Desk
from bot.requests.lexicon import pattern_of
from bot.requests.mentions import Mention, described, find_mentions
from bot.requests.orders import OrderChoice, choose_orders, said_statuses
from bot.requests.values import magnitude
from knowledge.models import OrderStatus

_NO_ORDERS = OrderChoice()


@dataclass(frozen=True, slots=True)
class Chosen:
    """One line with the words said about it (its wish, for a swap)."""

    key: str
    words: str = ""
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """Several lines could be meant by one phrase."""

    phrase: str
    keys: tuple[str, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    chosen: tuple[Chosen, ...] = ()
    unclear: tuple[Unclear, ...] = ()
    elsewhere: tuple[str, ...] = ()  # named, but in an order whose status does not allow this
    excluded: tuple[str, ...] = ()
    everything: bool = False
    only: bool = False
    orders: OrderChoice = _NO_ORDERS
    named: bool = False  # some line was named, not only "everything"
    homes: tuple[str, ...] = ()  # orders named by something in them ("the order with my tablet")

    @property
    def empty(self) -> bool:
        return not (self.chosen or self.unclear or self.elsewhere or self.excluded or self.everything)


def select_lines(text: str, desk: Desk, allowed: Sequence[OrderStatus], *, swap: bool = False) -> Selection:
    """Lines named in `text`, of orders in `allowed` statuses where there are any. `swap`: words after a line are its wish."""
    lexicon = desk.lexicon
    orders = choose_orders(text, desk)
    if (
        orders.named
        and not orders.by_number
        and not any((o := desk.order(i)) and o.status in allowed for i in orders.orders)
    ):
        orders = OrderChoice(statuses=orders.statuses)
    everything = lexicon.said(text, "swap_everything" if swap else "everything") or orders.every
    every_key = desk.line_keys()
    mentions = find_mentions(text, [desk.thing(k) for k in every_key], lexicon, desk.similar) or _by_id(
        text, every_key, desk
    )
    kept, out = _split_exceptions(text, mentions, desk)
    excluded = tuple(k for m in out for k in _narrow_excluded(text, m, desk, orders))
    kept = [m for m in kept if not _is_context(text, m, desk)]
    context = {k.rsplit("/", 1)[0] for m in mentions if _is_context(text, m, desk) for k in m.keys}
    only = lexicon.said(text, "only") and not out
    parts = _parts(text, kept, desk, swap=swap)
    chosen: list[Chosen] = []
    unclear: list[Unclear] = []
    elsewhere: list[str] = []
    for mention, before, after in parts:
        found = _resolve(text, mention, before, after, desk, allowed, orders, context, [c.key for c in chosen])
        wish = _wish_words(before, after, desk) if swap else ""
        if isinstance(found, Unclear):
            unclear.append(replace(found, words=wish))
        elif found and _allowed(found[0], desk, allowed):
            chosen = _with_more_words(chosen, found, wish)
            chosen += [
                Chosen(k, wish, _pieces(text, mention, k, desk))
                for k in found
                if k not in {c.key for c in chosen} and k not in excluded
            ]
        else:
            elsewhere += found
    if not parts and not out and not everything:
        chosen = [Chosen(k, text if swap else "") for k in _by_variant_id(text, desk, allowed)]
    if not (chosen or unclear or elsewhere or parts or out or everything) and desk.found:
        chosen, unclear = _by_meaning(text, desk, allowed, swap)
    if everything and swap and chosen:
        chosen = [Chosen(k, text) for k in _all_of(desk, allowed, orders, excluded, context) if k not in excluded]
    if everything and not chosen:
        chosen = [
            Chosen(k, "" if not swap else text)
            for k in _all_of(desk, allowed, orders, excluded, context)
            if k not in excluded
        ]
    if lexicon.said(text, "same_order") or (unclear and chosen):
        chosen, unclear = _in_one_order(chosen, unclear)
    return Selection(
        tuple(chosen),
        tuple(unclear),
        tuple(elsewhere),
        excluded,
        everything,
        only,
        orders,
        bool(parts),
        tuple(sorted(context)),
    )


def _pieces(text: str, mention: Mention, key: str, desk: Desk) -> int | None:
    """ "just one of the two": how many pieces of a line with several; None: all."""
    pieces = desk.line(key)[1].quantity
    if pieces < 2:
        return None
    before = text[max(0, mention.start - 34) : mention.start]
    if desk.lexicon.said(before, "one_of") or desk.lexicon.said(before, "single_piece"):
        return 1
    return mention.count if mention.count and mention.count < pieces else None


def _with_more_words(chosen: list[Chosen], keys: Sequence[str], words: str) -> list[Chosen]:
    """ "the bottle and the lamp. the bottle a bigger one": a line spoken of again gets the new words."""
    return [replace(c, words=f"{c.words}; {words}".strip("; ")) if c.key in keys else c for c in chosen]


def _in_one_order(chosen: list[Chosen], unclear: list[Unclear]) -> tuple[list[Chosen], list[Unclear]]:
    """ "… from the same order": what is open is settled by the order that can hold all of it."""
    homes = [{c.key.rsplit("/", 1)[0]} for c in chosen] + [{k.rsplit("/", 1)[0] for k in u.keys} for u in unclear]
    shared = set.intersection(*homes) if homes else set()
    still: list[Unclear] = []
    for item in unclear:
        keys = [k for k in item.keys if k.rsplit("/", 1)[0] in shared]
        if len(keys) == 1 and len(shared) == 1:
            chosen.append(Chosen(keys[0], item.words))
        else:
            still.append(item)
    return chosen, still


def order_homes(text: str, desk: Desk) -> tuple[str, ...]:
    """Orders named by something in them: "the luggage set order", "the one with the tablet"."""
    mentions = find_mentions(text, [desk.thing(k) for k in desk.line_keys()], desk.lexicon)
    return tuple(dict.fromkeys(k.rsplit("/", 1)[0] for m in mentions for k in m.keys))


def _by_id(text: str, keys: Sequence[str], desk: Desk) -> list[Mention]:
    """ "item 1656367028": a line named by the id of its variant or product."""
    found = []
    for match in re.finditer(r"\b\w{5,}\b", text):
        hits = tuple(k for k in keys if match.group() in (desk.line(k)[1].variant_id, desk.line(k)[1].product_id))
        if hits:
            found.append(Mention(match.start(), match.end(), hits, match.group()))
    return found[:1]


def _by_meaning(
    text: str, desk: Desk, allowed: Sequence[OrderStatus], swap: bool
) -> tuple[list[Chosen], list[Unclear]]:
    """ "that thing for my bike": the line that retrieval points at, or a question between those it cannot tell apart."""
    keys = [k for k in desk.found if _allowed(k, desk, allowed)]
    if len(keys) == 1:
        return [Chosen(keys[0], text if swap else "")], []
    return [], [Unclear(text[:60].strip(" .,!?"), tuple(keys[:4]), text if swap else "")] if keys else []


def _by_variant_id(text: str, desk: Desk, allowed: Sequence[OrderStatus]) -> list[str]:
    """Lines named by the id or SKU of what was bought."""
    return [k for k in desk.line_keys(allowed) if len(desk.line(k)[1].variant_id) > 4 and desk.line(k)[1].variant_id in text]


def _allowed(key: str, desk: Desk, allowed: Sequence[OrderStatus]) -> bool:
    return desk.line(key)[0].status in allowed


# --- exceptions ------------------------------------------------------------------------------------------------------


def _split_exceptions(text: str, mentions: Sequence[Mention], desk: Desk) -> tuple[list[Mention], list[Mention]]:
    """Mentions in the reach of "except", "keep", "but not" are exceptions; its reach ends with the sentence or a new verb."""
    out: list[Mention] = []
    for cue in desk.lexicon.pattern("except").finditer(text):
        end = _reach(text, cue.end(), desk)
        out += [m for m in mentions if cue.end() <= m.start < end and m not in out]
    for cue in desk.lexicon.pattern("except_after").finditer(text):
        before = [m for m in mentions if m.end <= cue.start() and len(text[m.end : cue.start()].split()) <= 2]
        out += [m for m in before[-1:] if m not in out]
    return [m for m in mentions if m not in out], out


def _reach(text: str, start: int, desk: Desk) -> int:
    stop = re.compile(r"[.;!?\n]").search(text, start)
    verb = desk.lexicon.pattern("act_verbs").search(text, start)
    only = desk.lexicon.pattern("only").search(text, start)
    ends = [m.start() for m in (stop, verb, only) if m]
    return min(ends, default=len(text))


def _narrow_excluded(text: str, mention: Mention, desk: Desk, orders: OrderChoice) -> list[str]:
    keys = [k for k in mention.keys if not orders.named or k.rsplit("/", 1)[0] in orders.orders]
    return keys or list(mention.keys)


def _is_context(text: str, mention: Mention, desk: Desk) -> bool:
    """ "received with the vacuum cleaner", "the order with the lamp": says which order, not which line."""
    before = text[max(0, mention.start - 40) : mention.start]
    matches = list(desk.lexicon.pattern("came_with").finditer(before))
    return bool(matches) and len(before[matches[-1].end() :].split()) <= 2


# --- each mention ----------------------------------------------------------------------------------------------------


def _parts(text: str, mentions: Sequence[Mention], desk: Desk, *, swap: bool) -> list[tuple[Mention, str, str]]:
    """Each mention with the words before it (its description) and after it (its wish, or more description)."""
    merged: list[tuple[Mention, int]] = []
    for mention in mentions:
        if (
            merged
            and swap
            and _same_product(merged[-1][0], mention, desk)
            and _is_wish_part(text, merged[-1][0], mention, desk)
        ):
            continue
        merged.append((mention, mention.start))
    parts = []
    cues = [m.start() for m in desk.lexicon.pattern("except").finditer(text)]
    for i, (mention, _) in enumerate(merged):
        left = _boundary(text, merged[i - 1][0].end, mention.start) if i else 0
        right = _boundary(text, mention.end, merged[i + 1][0].start) if i + 1 < len(merged) else len(text)
        right = min([right, *(cue for cue in cues if cue > mention.end)])
        parts.append((mention, text[left : mention.start], text[mention.end : right]))
    return _share_wish(parts, desk) if swap else parts


def _boundary(text: str, end: int, start: int) -> int:
    """Where the words about one thing stop and those about the next begin: the last cut between the two mentions."""
    between = text[end:start]
    cuts = [m.start() for m in re.finditer(r"[.;!?\n]|,|\band\b|\balso\b|\bplus\b|&", between, re.IGNORECASE)]
    return end + cuts[-1] if cuts else (end if len(between.split()) <= 2 else start - len(between.split()[-1]) - 1)


def _same_product(first: Mention, second: Mention, desk: Desk) -> bool:
    def products(mention: Mention) -> set[str]:
        return {desk.line(k)[1].product_id for k in mention.keys}

    return bool(products(first) & products(second))


def _is_wish_part(text: str, first: Mention, second: Mention, desk: Desk) -> bool:
    """ "exchange the keyboard for a keyboard with …": the second names the wish, not another line."""
    between = text[first.end : second.start]
    another = desk.lexicon.said(between, "another_of")
    return not another and (
        desk.lexicon.said(between, "transition")
        or desk.lexicon.said(between, "same")
        or desk.lexicon.said(between, "condition")
        or desk.lexicon.said(between, "otherwise")
    )


def _share_wish(parts: list[tuple[Mention, str, str]], desk: Desk) -> list[tuple[Mention, str, str]]:
    """ "the pet bed and office chair to the cheapest": an enumeration shares the wish that follows it."""
    shared: list[tuple[Mention, str, str]] = []
    for i, (mention, before, after) in enumerate(parts):
        if not re.sub(r"[\s,&]|and|the|my", "", after, flags=re.IGNORECASE) and i + 1 < len(parts):
            following = next(
                (a for _, _, a in parts[i + 1 :] if re.sub(r"[\s,&]|and|the|my", "", a, flags=re.IGNORECASE)), ""
            )
            after = following if desk.lexicon.pattern("transition").match(following.strip()) else after
        shared.append((mention, before, after))
    return shared


def _wish_words(before: str, after: str, desk: Desk) -> str:
    """What is wanted instead: after "for", "to" …, else all that was said about the thing."""
    cut = desk.lexicon.pattern("source_end").search(after)
    if cut and len(after[: cut.start()].split()) <= 8 and not re.search(r"[.;!?]", after[: cut.start()]):
        return after[cut.start() :]
    return f"{before} … {after}".strip(" …")


def _resolve(
    text: str,
    mention: Mention,
    before: str,
    after: str,
    desk: Desk,
    allowed: Sequence[OrderStatus],
    orders: OrderChoice,
    context: set[str],
    taken: Sequence[str],
) -> list[str] | Unclear:
    keys = [k for k in mention.keys if not orders.named or k.rsplit("/", 1)[0] in orders.orders] or (
        [] if orders.named and not orders.unknown else list(mention.keys)
    )
    keys = keys or list(mention.keys)
    keys = [k for k in keys if k.rsplit("/", 1)[0] in context] or keys
    source = _source_words(before, after, desk)
    statuses = said_statuses(source, desk) or (orders.statuses if not orders.named else ())
    wanted = [k for k in keys if desk.line(k)[0].status in statuses and _allowed(k, desk, allowed)] if statuses else []
    keys = wanted or [k for k in keys if _allowed(k, desk, allowed)] or keys
    if len(keys) > 1:
        keys = described(f"{source} {mention.head}", [desk.thing(k) for k in keys], desk.lexicon)
    keys = _by_size(source, _by_price(source, keys, desk), desk)
    if mention.every or len(keys) == 1:
        return _counted(keys, mention, desk)
    if desk.lexicon.said(text[max(0, mention.start - 20) : mention.start], "one_of"):
        return keys[:1] if _alike(keys, desk) else Unclear(mention.head, tuple(keys))
    again = [k for k in keys if k in taken]
    if again and not desk.lexicon.said(text[max(0, mention.start - 16) : mention.start], "another_of"):
        return again[:1]
    keys = [k for k in keys if k not in taken] or keys
    if len(keys) == 1 or _alike(keys, desk):
        return keys[:1]
    focused = [k for k in keys if k in desk.focus_lines] or [k for k in keys if k.rsplit("/", 1)[0] in desk.focus[:1]]
    if len(focused) == 1 or (focused and _alike(focused, desk)):
        return focused[:1]
    return Unclear(mention.head, tuple(focused or keys))


def _source_words(before: str, after: str, desk: Desk) -> str:
    """What describes the thing one has: the words before it, and after it up to "for", "to" …"""
    cut = desk.lexicon.pattern("description_end").search(after)
    return f"{before} {after[: cut.start()] if cut else after}"


def _by_price(words: str, keys: list[str], desk: Desk) -> list[str]:
    if len(keys) < 2:
        return keys
    prices = {k: desk.line(k)[1].unit_price for k in keys}
    if desk.lexicon.said(words, "cheaper_line"):
        return [min(keys, key=lambda k: prices[k])]
    if desk.lexicon.said(words, "more_expensive_line"):
        return [max(keys, key=lambda k: prices[k])]
    return keys


def _by_size(words: str, keys: list[str], desk: Desk) -> list[str]:
    """ "the bigger of the two": by the first option that a comparative is about and that tells the lines apart."""
    if len(keys) < 2 or not desk.lexicon.said(words, "of_these"):
        return keys
    for phrase, (direction, *parts) in desk.lexicon.data.get("comparative", {}).items():
        if not pattern_of([phrase]).search(words):
            continue
        for part in parts:
            places = {k: _place_of(k, part, keys, desk) for k in keys}
            if all(p is not None for p in places.values()) and len(set(places.values())) > 1:
                return [sorted(keys, key=lambda k: direction * (places[k] or 0.0))[-1]]
    return keys


def _place_of(key: str, part: str, keys: Sequence[str], desk: Desk) -> float | None:
    options = desk.line(key)[1].options
    option = next((o for o in options if part in o.lower()), None)
    if option is None:
        return None
    values = tuple(desk.line(k)[1].options.get(option, "") for k in keys)
    return magnitude(options[option], values, desk.lexicon)


def _alike(keys: Sequence[str], desk: Desk) -> bool:
    """The same variant in the same order: which of them is meant makes no difference."""
    return len({(desk.line(k)[0].id, desk.line(k)[1].variant_id) for k in keys}) == 1


def _counted(keys: list[str], mention: Mention, desk: Desk) -> list[str] | Unclear:
    if mention.count is None or len(keys) <= mention.count:
        return keys
    if _alike(keys, desk):
        return keys[: mention.count]
    return Unclear(mention.head, tuple(keys))


def _all_of(
    desk: Desk, allowed: Sequence[OrderStatus], orders: OrderChoice, excluded: Sequence[str], context: set[str]
) -> list[str]:
    """Every line of the orders meant: named ones, else the one the exception belongs to, else the one in focus, else all."""
    if orders.orders:
        return desk.line_keys(allowed, orders.orders)
    homes = {k.rsplit("/", 1)[0] for k in excluded if _allowed(k, desk, allowed)} | context
    if len(homes) == 1:
        return desk.line_keys(allowed, tuple(homes))
    focus = [o for o in desk.focus[:1] if (found := desk.order(o)) and found.status in allowed]
    return desk.line_keys(allowed, focus)
