"""Questions about the catalogue: find, compare, what variants there are, what is in stock, what is cheapest. Read live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.page import similar_to, tell_opinions
from bot.actions.saying import money_text, product_card
from bot.actions.services import Services
from bot.actions.show_orders import said_text
from bot.domain.tracker import Tracker as Conversation
from bot.requests.lexicon import Lexicon
from bot.requests.looked_at import asked_value, attribute_asked, only_points
from bot.requests.mentions import Thing, find_mentions
from bot.requests.values import option_values
from bot.requests.variants import match_variants
from bot.requests.wishes import read_wish
from bot.requests.words import likeness, words
from knowledge.models import EvidenceKind, Product, Variant

_SHOWN = 3


class ProductAction(Action):
    """`answer` is given the products meant, best first."""

    question = ""

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return f"action_{self.question}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        text = said_text(tracker)
        named, found = await self.meant(text, tracker)
        if not found:
            other = {"response": "utter_no_similar", "title": named[0].title} if named else {}
            dispatcher.utter_message(**{"response": "utter_no_product_found", "query": text[:80]} | other)
            return []
        answered = await self.answer(dispatcher, text, named, found, tracker)
        return (
            [SlotSet("focus_product", answered[0].id), SlotSet("shown", [p.id for p in answered[:6]])]
            if answered
            else []
        )

    async def answer(
        self, dispatcher: CollectingDispatcher, text: str, named: list[Product], found: list[Product], tracker: Tracker
    ) -> list[Product]:
        """`named`: products whose name stands in the text; `found`: those or, without any, what search found."""
        raise NotImplementedError(self.question)

    async def meant(self, text: str, tracker: Tracker) -> tuple[list[Product], list[Product]]:
        lexicon = self.services.lexicon(tracker)
        evidence = await self.services.search.search(text, kinds=(EvidenceKind.PRODUCT,), limit=12)
        titled = (await self.services.titles()).candidates(text)
        found = [e.ref for e in evidence]
        candidates = await self.services.catalogue.products(dict.fromkeys([*titled, *found]))
        shown = await self.services.catalogue.products(tracker.slots.get("shown") or ())
        pool = list({p.id: p for p in (*candidates, *shown)}.values())
        mentions = find_mentions(text, [_thing(p) for p in pool], lexicon)
        named_ids = list(
            dict.fromkeys(
                k for m in sorted(mentions, key=lambda m: (-len(m.head.split()), len(m.keys))) for k in m.keys
            )
        )
        named = [p for i in named_ids for p in pool if p.id == i]
        if (
            shown
            and len(text.split()) <= 8
            and (place := place_in(text, lexicon)) is not None
            and -len(shown) <= place < len(shown)
        ):
            return [shown[place]], [shown[place]]
        focus = tracker.slots.get("focus_product")
        leads = bool(tracker.slots.get("page_leads"))
        if focus and only_points(text, mentions, {p.id: p.title for p in pool}, lexicon, leads):
            product = await self.services.catalogue.product(str(focus))
            if product is not None:
                return [product], [product]
        if named:
            return named, named
        return [], [p for i in found for p in candidates if p.id == i]


def place_in(text: str, lexicon: Lexicon) -> int | None:
    """ "the second one": a 0-based place in the list shown last; -1 the last."""
    ordinals = lexicon.data.get("ordinals", {})
    found = next((ordinals[w.text] for w in words(text, lexicon.locale) if w.text in ordinals), None)
    return None if found is None else found - 1 if found > 0 else found


def _thing(product: Product) -> Thing:
    return Thing(product.id, product.title, {}, " ".join((*product.category[-1:], product.brand or "")))


def price_text(product: Product) -> str:
    prices = sorted(v.price for v in product.variants)
    low, high = money_text(prices[0], product.currency), money_text(prices[-1], product.currency)
    return low if low == high else f"{low} to {high}"


def variant_line(variant: Variant, product: Product) -> str:
    options = ", ".join(f"{o} {v}" if _short(v) else v for o, v in variant.options.items())
    return f"{options or product.title}: {money_text(variant.price, product.currency)}"


def _short(value: str) -> bool:
    return len(value) <= 3 or value.lower() in ("yes", "no", "none", "high", "low", "medium", "small", "large")


def _cards(products: Sequence[Product]) -> dict[str, Any]:
    return {"cards": [product_card(p) for p in products]}


class ActionProductSearch(ProductAction):
    question = "product_search"

    async def meant(self, text: str, tracker: Tracker) -> tuple[list[Product], list[Product]]:
        lexicon, focus = self.services.lexicon(tracker), tracker.slots.get("focus_product")
        if focus and lexicon.said(text, "similar"):
            product = await self.services.catalogue.product(str(focus))
            if product is not None:
                cheaper, dearer = lexicon.said(text, "cheaper"), lexicon.said(text, "dearer")
                return [product], await similar_to(product, self.services, cheaper=cheaper, dearer=dearer)
        evidence = await self.services.search.search(text, kinds=(EvidenceKind.PRODUCT,), limit=6)
        return [], await self.services.catalogue.products([e.ref for e in evidence])

    async def answer(
        self, dispatcher: CollectingDispatcher, text: str, named: list[Product], found: list[Product], tracker: Tracker
    ) -> list[Product]:
        shown = [p for p in found if any(v.available for v in p.variants)][:_SHOWN] or found[:1]
        if named:
            listed = "\n".join(f"{i}. {p.title}, {price_text(p)}" for i, p in enumerate(shown, 1))
            dispatcher.utter_message(
                response="utter_similar", title=named[0].title, products=listed, custom=_cards(shown))
            return shown
        listed = "\n".join(f"{i}. {p.title}, {price_text(p)}" for i, p in enumerate(shown, 1))
        dispatcher.utter_message(response="utter_products_found", products=listed, custom=_cards(shown))
        return shown


class ActionProductOptions(ProductAction):
    """How many and which variants there are of one product, with prices, in stock."""

    question = "product_options"

    async def answer(
        self, dispatcher: CollectingDispatcher, text: str, named: list[Product], found: list[Product], tracker: Tracker
    ) -> list[Product]:
        product = found[0]
        lexicon = self.services.lexicon(tracker)
        wish = replace(read_wish(text, product, lexicon), steps=(), price="", show=True, keep=False)
        fitting = [
            v
            for v in (match_variants(product, None, wish, lexicon).fits if not wish.empty else product.variants)
            if v.available
        ]
        values = "\n".join(
            f"• {o}: {', '.join(v)}" for o, v in option_values(replace(product, variants=tuple(fitting))).items()
        )
        listed = "\n".join(f"• {variant_line(v, product)}" for v in sorted(fitting, key=lambda v: v.price)[:12])
        response = "utter_product_options" if fitting else "utter_product_sold_out"
        dispatcher.utter_message(
            response=response,
            title=product.title,
            count=len(fitting),
            values=values,
            variants=listed,
            price=price_text(product),
            custom=_cards([product]),
        )
        return [product]


class ActionAvailability(ProductAction):
    """Is it there in this size, this colour?"""

    question = "availability"

    async def meant(self, text: str, tracker: Tracker) -> tuple[list[Product], list[Product]]:
        """ "Anything in blue instead?" after a list is about the whole list: what comes in it goes first."""
        named, found = await super().meant(text, tracker)
        lexicon, listed = self.services.lexicon(tracker), list(tracker.slots.get("shown") or ())
        if len(listed) < 2 or [p.id for p in found] != listed[:1] or not lexicon.said(text, "follow_up"):
            return named, found
        return [], sorted(await self.services.catalogue.products(listed), key=lambda p: not _has(text, p, lexicon))

    async def answer(
        self, dispatcher: CollectingDispatcher, text: str, named: list[Product], found: list[Product], tracker: Tracker
    ) -> list[Product]:
        product = found[0]
        lexicon = self.services.lexicon(tracker)
        wish = read_wish(text, product, lexicon)
        asked = asked_value(text, product, lexicon) if wish.empty else None
        if asked is not None and not asked.near:
            values = "\n".join(f"• {o}: {', '.join(v)}" for o, v in option_values(product).items())
            dispatcher.utter_message(
                response="utter_no_such_value", title=product.title, wish=asked.said, values=values,
                custom=_cards([product]))
            return [product]
        if asked is not None:
            wish = replace(wish, options={asked.option: asked.near})
        match = match_variants(product, None, replace(wish, price="", show=True), lexicon)
        facts = {"title": product.title, "wish": "; ".join(f"{o} {' / '.join(v)}" for o, v in wish.options.items())}
        if match.fits:
            listed = "\n".join(f"• {variant_line(v, product)}" for v in match.fits[:8])
            dispatcher.utter_message(response="utter_available", variants=listed, custom=_cards([product]), **facts)
        else:
            nearest = "\n".join(f"• {variant_line(v, product)}" for v in match.nearest)
            dispatcher.utter_message(
                response="utter_not_available", variants=nearest, custom=_cards([product]), **facts
            )
        return [product]


def _has(text: str, product: Product, lexicon: Lexicon) -> bool:
    """Whether a variant in stock has what the text asks for."""
    wish, asked = read_wish(text, product, lexicon), asked_value(text, product, lexicon)
    if wish.empty and asked is not None:
        wish = replace(wish, options={asked.option: asked.near} if asked.near else {})
    return bool(wish.options) and bool(match_variants(product, None, replace(wish, price="", show=True), lexicon).fits)


class ActionPriceExtreme(ProductAction):
    """The cheapest or most expensive variant there is in stock."""

    question = "price_extreme"

    async def answer(
        self, dispatcher: CollectingDispatcher, text: str, named: list[Product], found: list[Product], tracker: Tracker
    ) -> list[Product]:
        lexicon = self.services.lexicon(tracker)
        dear = lexicon.said(text, "most_expensive")
        pool = named if named else found[:8]
        offers = [(v, p) for p in pool for v in self._fitting(text, p, tracker) if v.available]
        if not offers:
            dispatcher.utter_message(response="utter_product_sold_out", title=pool[0].title, custom=_cards(pool[:1]))
            return pool[:1]
        variant, product = (max if dear else min)(offers, key=lambda pair: pair[0].price)
        dispatcher.utter_message(
            response="utter_price_extreme",
            title=product.title,
            kind="most expensive" if dear else "cheapest",
            variant=variant_line(variant, product),
            price=money_text(variant.price, product.currency),
            custom={"cards": [product_card(product, variant.id)]},
        )
        return [product]

    def _fitting(self, text: str, product: Product, tracker: Tracker) -> Sequence[Variant]:
        lexicon = self.services.lexicon(tracker)
        wish = replace(read_wish(text, product, lexicon), price="", steps=(), show=True)
        return product.variants if wish.empty else match_variants(product, None, wish, lexicon).fits


class ActionCompareProducts(ProductAction):
    question = "compare_products"

    async def answer(
        self, dispatcher: CollectingDispatcher, text: str, named: list[Product], found: list[Product], tracker: Tracker
    ) -> list[Product]:
        shown = await self.services.catalogue.products(tracker.slots.get("shown") or ())
        pair = (named[:2] if len(named) >= 2 else shown if len(shown) >= 2 else found)[:3]
        if len(pair) < 2:
            dispatcher.utter_message(response="utter_compare_which")
            return pair
        rows = "\n".join(
            f"• {p.title}: {price_text(p)}" + "".join(f", {k} {v}" for k, v in list(p.attributes.items())[:5])
            for p in pair
        )
        dispatcher.utter_message(response="utter_compare", rows=rows, custom=_cards(pair))
        return pair


class ActionProductQuestion(ProductAction):
    """A question about one product: from its attributes and texts, or an honest "I don't know"."""

    question = "product_question"

    async def answer(
        self, dispatcher: CollectingDispatcher, text: str, named: list[Product], found: list[Product], tracker: Tracker
    ) -> list[Product]:
        product = found[0]
        lexicon = self.services.lexicon(tracker)
        if lexicon.said(text, "about_it"):
            dispatcher.utter_message(
                response="utter_product_about",
                title=product.title,
                description=product.description[:600],
                price=price_text(product),
                custom=_cards([product]),
            )
            return [product]
        if lexicon.said(text, "opinions"):
            await tell_opinions(dispatcher, product, self.services)
            return [product]
        name = attribute_asked(text, product, lexicon)
        attribute = f"{name.replace('_', ' ')}: {product.attributes[name]}" if name else ""
        values = next(
            (f"{o}: {', '.join(v)}" for o, v in option_values(product).items() if _asks_for(text, o, lexicon)), ""
        )
        if attribute or values:
            dispatcher.utter_message(
                response="utter_product_fact", title=product.title, fact=attribute or values, custom=_cards([product])
            )
            return [product]
        if read_wish(text, product, lexicon).options:
            return await ActionAvailability(self.services).answer(dispatcher, text, named, found, tracker)
        evidence = await self.services.search.search(
            f"{product.title} {text}", kinds=(EvidenceKind.PRODUCT, EvidenceKind.REVIEW), limit=6
        )
        own = [e for e in evidence if e.ref == product.id or e.data.get("product_id") == product.id]
        act = await self.services.answerer.answer(text, own, _nobody())
        if act.response == "utter_dont_know":
            dispatcher.utter_message(
                response="utter_product_unknown_fact",
                title=product.title,
                price=price_text(product),
                custom=_cards([product]),
            )
        else:
            dispatcher.utter_message(
                response=act.response,
                custom={"evidence": [e.id for e in act.evidence], **_cards([product])},
                **act.facts,
            )
        return [product]


def _asks_for(text: str, name: str, lexicon: Lexicon) -> bool:
    wanted = [w.stem for w in words(name.replace("_", " "), lexicon.locale)]
    said = [w.stem for w in words(text, lexicon.locale)]
    return bool(wanted) and all(any(likeness(s, w) >= 0.8 for s in said) for w in wanted)


def _nobody() -> Any:
    return Conversation("")
