"""What the page a customer is on answers: what others say about the product, what is like it, what is in the cart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.saying import money_text, product_card
from bot.actions.services import Services
from knowledge.models import EvidenceKind, Product, Review, Variant
from knowledge.ports import Constraints

_QUOTED, _QUOTE_CHARS = 2, 220
_CENT = Decimal("0.01")


async def tell_opinions(dispatcher: CollectingDispatcher, product: Product, services: Services) -> None:
    """The average of the reviews and the newest good and bad one, quoted."""
    reviews = [r for r in await services.catalogue.reviews_of(product.id) if r.rating is not None]
    cards = {"cards": [product_card(product)]}
    if not reviews:
        dispatcher.utter_message(response="utter_no_opinions", title=product.title, custom=cards)
        return
    average = sum(float(r.rating or 0) for r in reviews) / len(reviews)
    dispatcher.utter_message(
        response="utter_opinions", title=product.title, count=len(reviews), rating=f"{average:.1f}",
        quotes="\n".join(f"• {_quote(r)}" for r in _telling(reviews)), custom=cards)


def _telling(reviews: Sequence[Review]) -> list[Review]:
    """The newest of the best and, where it says something else, the newest of the worst."""
    newest = sorted(reviews, key=lambda r: r.at.timestamp() if r.at else 0.0, reverse=True)
    best, worst = max(newest, key=lambda r: r.rating or 0), min(newest, key=lambda r: r.rating or 0)
    return [best, worst][: _QUOTED if (best.rating or 0) - (worst.rating or 0) >= 2 else 1]


def _quote(review: Review) -> str:
    text = review.text if len(review.text) <= _QUOTE_CHARS else review.text[:_QUOTE_CHARS].rsplit(" ", 1)[0] + " …"
    return f"{float(review.rating or 0):.0f} of 5, {review.title}: “{text}”" if review.title else f"“{text}”"


async def similar_to(product: Product, services: Services, *, cheaper: bool, dearer: bool) -> list[Product]:
    """Others of the same kind, likest first, on the wished side of its price."""
    price = min(v.price for v in product.variants)
    constraints = Constraints(
        min_price=price + _CENT if dearer else None, max_price=price - _CENT if cheaper else None,
        categories=product.category[-1:], in_stock=True)
    found = await services.search.search(
        f"{product.title}. {product.description[:300]}", kinds=(EvidenceKind.PRODUCT,), constraints=constraints, limit=6)
    others = await services.catalogue.products([e.ref for e in found if e.ref != product.id])
    return [p for p in others if _on_side(p, price, cheaper, dearer)]


def _on_side(product: Product, price: Decimal, cheaper: bool, dearer: bool) -> bool:
    own = min(v.price for v in product.variants)
    return own < price if cheaper else own > price if dearer else True


class ActionCartContents(Action):
    """What the shop's site says is in the cart, with names and prices read live."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        return "action_cart_contents"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        page = tracker.slots.get("page") or {}
        cart = page.get("cart") or []
        products = {p.id: p for p in await self.services.catalogue.products(
            dict.fromkeys(str(line["product_id"]) for line in cart))}
        lines = [(product, variant, int(line["quantity"])) for line in cart
                 if (product := products.get(line["product_id"]))
                 and (variant := product.variant(line["variant_id"]))]
        if not lines:
            dispatcher.utter_message(response="utter_cart_empty" if page else "utter_cart_unseen")
            return []
        currency = lines[0][0].currency
        total = sum((variant.price * quantity for _, variant, quantity in lines), Decimal(0))
        dispatcher.utter_message(
            response="utter_cart_contents", lines="\n".join(f"• {_line(*line)}" for line in lines),
            total=money_text(total, currency), gone=", ".join(p.title for p, v, _ in lines if not v.available),
            custom={"cards": [product_card(p, v.id) for p, v, _ in lines[:6]]})
        return []


def _line(product: Product, variant: Variant, quantity: int) -> str:
    options = ", ".join(variant.options.values())
    count = f"{quantity} × " if quantity > 1 else ""
    named = f"{product.title} ({options})" if options else product.title
    return f"{count}{named}: {money_text(variant.price * quantity, product.currency)}"
