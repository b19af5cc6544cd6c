"""The storefront of one shop: its range, words, pictures and pages, and what every page needs to be rendered.

It knows templates and cookies; which page stands at which address is in `browsing` and `account`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import yaml
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.actions.saying import day_text, money_text
from bot.channels.services import SECRET
from bot.channels.storefront import basket as carts
from bot.channels.storefront import session
from bot.channels.storefront.help import HelpPage, grouped, read_pages
from bot.channels.storefront.pictures import Pictures
from bot.channels.storefront.shelves import Offer, Range, Shelves, Stock
from bot.config import BotSettings
from knowledge.models import Address, Customer, OrderLine, Product
from knowledge.orders.service import Actor, OrderService
from knowledge.ports import Search

FOLDER = Path(__file__).parents[2] / "web" / "storefront"
SEEN = "larkfell_seen"
_MOST_SEEN = 8
_POLICY = ("default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
           "base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store"}


class Found(Protocol):
    @property
    def search(self) -> Search: ...


class StorefrontShop(Protocol):
    """The part of an open shop that the storefront shows."""

    @property
    def settings(self) -> BotSettings: ...
    @property
    def catalogue(self) -> Stock: ...
    @property
    def search(self) -> Found: ...
    @property
    def orders(self) -> OrderService: ...


class Person(Protocol):
    """A customer whom a visitor may be."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks at the page, with what in the cart."""

    range: Range
    basket: carts.Basket
    customer: Customer | None
    seen: tuple[str, ...] = ()


class Site:
    """`people`: the customers one may sign in as; `documents`: the folder of the help pages' Markdown files."""

    def __init__(self, shop: StorefrontShop, people: Sequence[Person], documents: Path) -> None:
        self.shop, self.people, self.shelves = shop, people, Shelves(shop.catalogue)
        self.words: Mapping[str, Any] = yaml.safe_load((FOLDER / "site.yml").read_text(encoding="utf-8"))
        self.pictures = Pictures(FOLDER)
        self.help = read_pages(documents)
        self._versions = {path.name: hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
                          for path in (FOLDER / "assets").iterdir()}
        self._templates = Environment(loader=FileSystemLoader(FOLDER / "pages"), autoescape=True, trim_blocks=True,
                                      lstrip_blocks=True, undefined=StrictUndefined, auto_reload=False)
        self._templates.globals |= {
            "site": self.words, "money": money, "day": day_text, "icon": icon, "dot": cache(self._dot), "label": label,
            "short": short, "asset": self.asset, "picture": picture, "address": address_lines}

    async def visit(self, request: web.Request) -> Visit:
        shop = await self.shelves.now()
        basket = carts.read_basket(request.cookies.get(carts.COOKIE, ""), shop)
        seen = tuple(i for i in request.cookies.get(SEEN, "")[:400].split(".") if i in shop.by_id)[:_MOST_SEEN]
        return Visit(shop, basket, await self.customer(request), seen)

    async def customer(self, request: web.Request) -> Customer | None:
        """Who is signed in; only the people of the demo can be."""
        known = session.signed_in(request.app[SECRET], request.cookies.get(session.COOKIE, ""))
        if known not in {person.id for person in self.people}:
            return None
        return await self.shop.orders.customer(Actor(known))

    def page(self, name: str, visit: Visit, *, starters: Sequence[str] = (), facts: Mapping[str, Any] | None = None,
             status: int = 200, **values: Any) -> web.Response:
        """The page as HTML. `facts` is what the widget tells the assistant about it, beside address and title."""
        token, settings = "", self.shop.settings.customer_token
        if visit.customer is not None and settings.key is not None:
            token = session.customer_token(settings.key.get_secret_value(), visit.customer.id, settings.audience)
        known = {"cart": visit.basket.context} | dict(facts or {})
        text = self._templates.get_template(f"{name}.html").render(
            basket=visit.basket, customer=visit.customer, token=token, facts=known, starters=list(starters),
            groups=self._groups(visit.range), help=self.help_groups, **self._shown(visit, values))
        response = web.Response(text=text, content_type="text/html", status=status, headers=_HEADERS)
        response.enable_compression()
        return response

    def lost(self, visit: Visit, words: str = "") -> web.Response:
        return self.page("lost", visit, status=404, words=words, bestsellers=visit.range.bestsellers(4))

    @cached_property
    def help_groups(self) -> list[dict[str, Any]]:
        return grouped(self.words["help"], self.help)

    def remember(self, response: web.Response, visit: Visit, offer: Offer) -> None:
        """The product goes to the front of what was looked at."""
        ids = [offer.product.id, *(i for i in visit.seen if i != offer.product.id)][:_MOST_SEEN]
        response.set_cookie(SEEN, ".".join(ids), max_age=carts.COOKIE_AGE_S, samesite="Lax", httponly=True)

    def asset(self, name: str) -> str:
        return f"/storefront/{name}?v={self._versions[name]}"

    def _shown(self, visit: Visit, values: Mapping[str, Any]) -> dict[str, Any]:
        def picture_of(line: OrderLine) -> str:
            offer = visit.range.by_id.get(line.product_id)
            return picture(offer.product, line.options.get("color", "")) if offer else "/images/none.svg"
        here = values.get("offer")
        seen = [o for o in visit.range.of_ids(visit.seen) if o is not here][:4]
        return {"seen": seen, "picture_of": picture_of} | dict(values)

    def _groups(self, shop: Range) -> list[dict[str, Any]]:
        by_name = {department.name: department for department in shop.departments.values()}
        grouped_ = [{"name": group["name"], "departments": [by_name[n] for n in group["departments"] if n in by_name]}
                    for group in self.words["groups"]]
        named = {name for group in self.words["groups"] for name in group["departments"]}
        others = [department for name, department in by_name.items() if name not in named]
        return [g for g in [*grouped_, {"name": "More", "departments": others}] if g["departments"]]

    def _dot(self, color: str) -> Markup:
        """A spot of a color, as a drawing: the page's policy forbids colors in the markup."""
        fill = self.pictures.paint(color)
        return Markup('<svg class="dot" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="9" fill="{}"/>'
                      '</svg>').format(fill)


SITE = web.AppKey("storefront", Site)


@cache
def _icons() -> Mapping[str, Markup]:
    drawn: Mapping[str, str] = yaml.safe_load((FOLDER / "icons.yml").read_text(encoding="utf-8"))
    frame = Markup('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>')
    return {name: frame.format(Markup(lines)) for name, lines in drawn.items()}


def icon(name: str) -> Markup:
    return _icons()[name]


def money(amount: Decimal, currency: str = "USD") -> str:
    return money_text(amount, currency)


def label(name: str) -> str:
    """ "lug_depth": "Lug depth"."""
    spoken = name.replace("_", " ")
    return spoken[:1].upper() + spoken[1:]


def short(product: Product) -> str:
    """The title without the brand, which stands beside it."""
    brand = f"{product.brand} "
    return product.title.removeprefix(brand) if product.brand else product.title


def picture(product: Product, color: str = "") -> str:
    base = product.image_url or "/images/none.svg"
    return f"{base}?color={color.replace(' ', '%20')}" if color else base


def address_lines(address: Address | None) -> list[str]:
    if address is None:
        return []
    town = " ".join(part for part in (address.city, address.state, address.postcode) if part)
    return [line for line in (address.line1, address.line2, town, address.country) if line]


def help_page(site: Site, slug: str) -> HelpPage | None:
    return next((page for page in site.help if page.slug == slug), None)
