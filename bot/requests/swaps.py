"""The new variants of a swap: each line's wish against its product, until every line has one variant or is given up."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.requests.amend import place_said
from bot.requests.desk import Desk
from bot.requests.model import Draft, Notice, Pick, Question
from bot.requests.orders import said_statuses
from bot.requests.variants import Match, match_variants
from bot.requests.wishes import Wish, read_wish, values_of
from knowledge.models import OrderLine, Product, Variant
from knowledge.orders.money import money_text

_SHOWN = 8


def settle_variants(draft: Draft, desk: Desk) -> tuple[Draft, list[Notice]]:
    """Choose for every pick whose wish means exactly one variant; shown choices are kept for the answer."""
    notices: list[Notice] = []
    for pick in draft.picks:
        if pick.variant or not pick.wish.strip():
            continue
        product, line = _product(pick, desk)
        if product is None:
            continue
        like = _like_line(pick, desk)
        if like is not None:
            draft = draft.with_pick(replace(pick, variant=like))
            continue
        wish = read_wish(pick.wish, product, desk.lexicon)
        if wish.empty:
            draft, told = _unknown_wish(draft, pick, line, desk)
            notices += told
            continue
        match = match_variants(product, product.variant(line.variant_id), wish, desk.lexicon)
        draft, told = _take(draft, pick, line, match, wish, desk)
        notices += told
    return draft, notices


def _unknown_wish(draft: Draft, pick: Pick, line: OrderLine, desk: Desk) -> tuple[Draft, list[Notice]]:
    """ "in neon pink" where there is no such option: said once, so that the list that follows makes sense."""
    cut = desk.lexicon.pattern("wish_start").search(pick.wish)
    said = re.split(r"[.;!?]", pick.wish[cut.end() :])[0].strip(" ,") if cut else ""
    content = [w for w in re.findall(r"[^\W\d_]{3,}", said.lower()) if w not in desk.lexicon.words("stop")]
    if not content or len(said.split()) > 6:
        return draft, []
    return draft.with_pick(replace(pick, wish="")), [Notice("utter_wish_unknown", {"wish": said, "title": line.title})]


def _take(
    draft: Draft, pick: Pick, line: OrderLine, match: Match, wish: Wish, desk: Desk
) -> tuple[Draft, list[Notice]]:
    if len(match.fits) == 1 and not wish.show:
        return draft.with_pick(replace(pick, variant=match.fits[0].id, choices=())), []
    if match.fits:
        return draft.with_pick(replace(pick, choices=tuple(v.id for v in match.fits[:_SHOWN]))), []
    if wish.else_nothing and draft.picks != (pick,):
        rest = tuple(p for p in draft.picks if p.key != pick.key)
        return draft.with_(picks=rest), [Notice("utter_left_out", {"title": line.title, "wish": match.failing})]
    if match.same and wish.price in ("cheapest", "most_expensive"):
        rest = tuple(p for p in draft.picks if p.key != pick.key)
        words = desk.lexicon.data.get("extreme_words", {}).get(wish.price, wish.price)
        return draft.with_(picks=rest, settled=not rest), [
            Notice("utter_already_extreme", {"title": line.title, "kind": words})
        ]
    facts = {"title": line.title, "wish": desk.lexicon.data.get("wish_words", {}).get(match.failing, match.failing)}
    response = (
        "utter_variant_same" if match.same else "utter_variant_sold_out" if match.sold_out else "utter_variant_none"
    )
    return draft.with_pick(replace(pick, wish="", choices=tuple(v.id for v in match.nearest))), [
        Notice(response, facts)
    ]


def _product(pick: Pick, desk: Desk) -> tuple[Product | None, OrderLine]:
    _, line = desk.line(pick.key)
    return desk.products.get(line.product_id), line


def _like_line(pick: Pick, desk: Desk) -> str | None:
    """ "the same type as the one I already received": the variant of another line of the same product."""
    if not desk.lexicon.said(pick.wish, "like_other"):
        return None
    _order, line = desk.line(pick.key)
    others = [
        (o, x)
        for o in desk.orders
        for x in o.lines
        if x.product_id == line.product_id and x.variant_id != line.variant_id and f"{o.id}/{x.id}" != pick.key
    ]
    statuses = said_statuses(pick.wish, desk)
    fitting = [(o, x) for o, x in others if o.status in statuses] or others
    variants = {x.variant_id for _, x in fitting}
    return variants.pop() if len(variants) == 1 else None


def answer_choice(text: str, pick: Pick, desk: Desk) -> Pick | None:
    """The answer to "which of these would you like?"; None when it names none of them."""
    product, line = _product(pick, desk)
    if product is None:
        return None
    shown = _offered(pick, product, line)
    nth = place_said(text, desk)
    if shown and nth is not None and -len(shown) <= nth < len(shown) and not _names_value(text, product, desk):
        return replace(pick, variant=shown[nth].id, choices=())
    by_price = [v for v in shown if re.search(rf"(?<!\d){re.escape(f'{v.price:.2f}')}(?!\d)", text)]
    if len(by_price) == 1:
        return replace(pick, variant=by_price[0].id, choices=())
    wish = read_wish(text, product, desk.lexicon)
    if wish.empty:
        return None
    if shown and wish.price in ("cheaper", "dearer") and wish == Wish(price=wish.price):
        by_price = sorted(shown, key=lambda v: v.price)
        return replace(pick, variant=by_price[0 if wish.price == "cheaper" else -1].id, choices=())
    if shown:
        current = product.variant(line.variant_id)
        among = match_variants(
            replace(product, variants=tuple(shown)), current, replace(wish, show=False), desk.lexicon
        )
        if len(among.fits) == 1:
            return replace(pick, variant=among.fits[0].id, choices=())
        if among.fits:
            return replace(pick, wish=f"{pick.wish}; {text}", choices=tuple(v.id for v in among.fits))
    wider = match_variants(product, product.variant(line.variant_id), replace(wish, show=False), desk.lexicon)
    if len(wider.fits) == 1:
        return replace(pick, variant=wider.fits[0].id, choices=())
    merged = read_wish(f"{pick.wish}; {text}", product, desk.lexicon)
    both = match_variants(product, product.variant(line.variant_id), replace(merged, show=False), desk.lexicon)
    if len(both.fits) == 1:
        return replace(pick, variant=both.fits[0].id, choices=())
    return replace(pick, wish=text, variant="", choices=())


def _offered(pick: Pick, product: Product, line: OrderLine) -> list[Variant]:
    """What the question shows: the variants that fit the wish, else all others in stock, cheapest first."""
    fitting = [v for i in pick.choices if (v := product.variant(i))]
    return (
        fitting
        or [v for v in sorted(product.variants, key=lambda v: v.price) if v.available and v.id != line.variant_id][
            :_SHOWN
        ]
    )


def _names_value(text: str, product: Product, desk: Desk) -> bool:
    return bool(read_wish(text, product, desk.lexicon).options)


def question_about(draft: Draft, desk: Desk) -> Question | None:
    """The first pick without a variant: which of these, or what instead?"""
    pick = next((p for p in draft.picks if not p.variant), None)
    if pick is None:
        return None
    product, line = _product(pick, desk)
    if product is None:
        return None
    choices = _offered(pick, product, line)
    facts = {
        "title": line.title,
        "current": ", ".join(line.options.values()),
        "choices": "\n".join(f"{i}. {variant_text(v, product.currency)}" for i, v in enumerate(choices, 1)),
    }
    buttons = tuple((variant_text(v, product.currency), f"/variant {v.id}") for v in choices)
    if not choices:
        return Question("options", "utter_no_other_variant", facts, (("Leave it", "/leave"),))
    response = "utter_which_variant" if pick.choices else "utter_what_instead"
    return Question("options", response, facts, buttons)


def variant_text(variant: Variant, currency: str) -> str:
    return f"{values_of(variant)} ({money_text(variant.price, currency)})"
