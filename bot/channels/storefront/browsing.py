"""Pages anybody may look at: the start, departments, search, products, the cart, help; and the pictures on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from bot.channels.files import file_response
from bot.channels.storefront.basket import COOKIE, COOKIE_AGE_S, Basket, find_variant
from bot.channels.storefront.listing import SORTS, Wanted, address, narrow, read_wanted
from bot.channels.storefront.product_view import chosen_variant, starters_for, stock_words, variants_json
from bot.channels.storefront.shelves import Offer, slug
from bot.channels.storefront.site import FOLDER, SITE, Site, Visit, help_page, money, picture
from knowledge.models import EvidenceKind

_SEARCHED = 24
routes = web.RouteTableDef()


@routes.get("/")
async def home(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    return site.page("home", visit, starters=site.words["starters"]["home"],
                     departments=visit.range.departments.values(), bestsellers=visit.range.bestsellers(8),
                     reduced=visit.range.reduced()[:4])


@routes.get("/departments/{department}")
@routes.get("/departments/{department}/{kind}")
async def department(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    found = visit.range.departments.get(request.match_info["department"])
    kind = request.match_info.get("kind", "")
    if found is None or (kind and kind not in found.kinds):
        return site.lost(visit)
    base = f"/departments/{found.slug}"
    kinds = [(base, "Everything", not kind)] + [(f"{base}/{s}", name, s == kind) for s, name in found.kinds.items()]
    offers = [o for o in found.offers if not kind or slug(o.kind) == kind]
    title = found.kinds[kind] if kind else found.name
    steps = [(found.name, base if kind else "")] + ([(title, "")] if kind else [])
    return _listing(site, visit, request, offers, title=title, steps=steps, kinds=kinds if len(kinds) > 2 else (),
                    intro=site.words["departments"].get(found.name, "") if not kind else "")


@routes.get("/offers")
async def offers_page(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    return _listing(site, visit, request, visit.range.reduced(), title="Offers", steps=[("Offers", "")], ranked=True,
                    intro="Struck-through prices are what we asked for at least thirty days before.")


@routes.get("/search")
async def search(request: web.Request) -> web.Response:
    """The same search that the assistant uses."""
    site, visit = await _arrived(request)
    query = request.query.get("q", "").strip()[:200]
    evidence = await site.shop.search.search.search(query, kinds=(EvidenceKind.PRODUCT,), limit=_SEARCHED) if query else []
    offers = visit.range.of_ids(dict.fromkeys(e.ref for e in evidence))
    title = f"“{query}”" if query else "Search"
    return _listing(site, visit, request, offers, title=title, steps=[("Search", "")], ranked=True, query=query,
                    extra=[("q", query)], nothing=f"Nothing like “{query}” is in the shop." if query else
                    "What are you looking for?")


def _listing(site: Site, visit: Visit, request: web.Request, offers: Sequence[Offer], *, title: str,
             steps: Sequence[tuple[str, str]], intro: str = "", kinds: Sequence[Any] = (), ranked: bool = False,
             extra: Sequence[tuple[str, str]] = (), nothing: str = "Nothing here at the moment.", query: str = ""
             ) -> web.Response:
    wanted = read_wanted(request.query, lambda name: request.query.getall(name, []))
    listing = narrow(offers, wanted, ranked=ranked) if offers else None
    path, names = request.path, dict(site.words["sorts"])
    best = "Best match" if query else names["saving"] if ranked else ""
    sorts = [(best, address(path, wanted, extra, sort=""), not wanted.sort)] if ranked else []
    sorts += [(names[s], address(path, wanted, extra, sort=s), s == (wanted.sort or ("" if ranked else "popular")))
              for s in SORTS if names[s] != best]
    pages = listing.pages if listing else 1
    return site.page(
        "listing", visit, starters=site.words["starters"]["listing"], title=title, intro=intro, steps=steps, kinds=kinds,
        listing=listing, wanted=wanted, path=path, extra=extra, query=query, nothing=nothing, sorts=sorts,
        sort_name=next((name for name, _, current in sorts if current), ""), chosen=_chosen(path, wanted, extra),
        clear=address(path, Wanted(dict.fromkeys(wanted.ticked, ())), extra), bestsellers=visit.range.bestsellers(8),
        page_links=[(n, address(path, wanted, extra, page=n)) for n in range(1, pages + 1)])


def _chosen(path: str, wanted: Wanted, extra: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What is ticked, each with the address without it."""
    found = [(value, address(path, wanted, extra, without=(name, value)))
             for name, values in wanted.ticked.items() for value in values]
    if wanted.low is not None:
        found.append((f"from {money(wanted.low)}", address(path, wanted, extra, without=("min", ""))))
    if wanted.high is not None:
        found.append((f"up to {money(wanted.high)}", address(path, wanted, extra, without=("max", ""))))
    return [*found, *([("in stock", address(path, wanted, extra, without=("stock", "")))] if wanted.in_stock else [])]


@routes.get("/products/{slug}")
async def product(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    offer = visit.range.by_slug.get(request.match_info["slug"])
    if offer is None:
        return site.lost(visit, "We do not have that product (any more).")
    chosen = chosen_variant(offer, request.query)
    colors = offer.values("color")
    pictures = [{"url": picture(offer.product, c), "color": c} for c in colors] or [
        {"url": picture(offer.product), "color": ""}]
    pictures.sort(key=lambda p: p["color"] != chosen.options.get("color", ""))
    spread = [(star, sum(o.rating == star for o in offer.opinions)) for star in range(5, 0, -1)]
    home_of = next(d for d in visit.range.departments.values() if d.name == offer.department)
    state, words = stock_words(chosen)
    related = visit.range.related(offer, len(visit.range.offers))
    response = site.page(
        "product", visit, offer=offer, chosen=chosen, pictures=pictures, options={n: offer.values(n) for n in
        offer.product.options}, department=home_of, kind_slug=slug(offer.kind), variants=variants_json(offer),
        spread=spread, related=related[:4], stock={"state": state, "words": words},
        starters=starters_for(offer, site.words["starters"]["product"], related), facts={"product_id": offer.product.id})
    site.remember(response, visit, offer)
    return response


# --- the cart ---------------------------------------------------------------------------------------------------------

@routes.get("/cart")
async def cart(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    return site.page("cart", visit, starters=site.words["starters"]["cart"] if visit.basket.lines else (),
                     bestsellers=visit.range.bestsellers(4))


@routes.post("/cart")
async def add(request: web.Request) -> web.Response:
    """A product and its chosen options, as the form sends them; JSON for a page that stays where it is."""
    _, visit = await _arrived(request)
    form = await request.post()
    offer = visit.range.by_id.get(str(form.get("product", "")))
    options = {name.removeprefix("option."): str(value) for name, value in form.items() if name.startswith("option.")}
    variant = next((v for v in offer.product.variants if all(v.options.get(n) == x for n, x in options.items())),
                   None) if offer else None
    if offer is None or variant is None or not variant.available:
        return _answer(request, visit.basket, "That combination is not in stock.", 409)
    basket = visit.basket.added(offer, variant, _quantity(form.get("quantity"), 1))
    return _answer(request, basket, f"Added: {offer.product.title}")


@routes.post("/cart/{variant}")
async def change(request: web.Request) -> web.Response:
    _, visit = await _arrived(request)
    found = find_variant(visit.range, request.match_info["variant"])
    quantity = _quantity((await request.post()).get("quantity"), 0)
    return _answer(request, visit.basket.with_quantity(*found, quantity) if found else visit.basket, "")


def _answer(request: web.Request, basket: Basket, words: str, status: int = 200) -> web.Response:
    response: web.Response
    if "application/json" in request.headers.get("Accept", ""):
        response = web.json_response({"count": basket.count, "cart": basket.context, "words": words}, status=status)
    else:
        response = web.Response(status=303, headers={"Location": "/cart"})
    response.set_cookie(COOKIE, basket.cookie, max_age=COOKIE_AGE_S, samesite="Lax", httponly=True)
    return response


def _quantity(value: Any, otherwise: int) -> int:
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) < 4 else otherwise


@routes.get("/checkout")
async def checkout(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    return site.page("checkout", visit, starters=site.words["starters"]["cart"])


# --- help, pictures, parts --------------------------------------------------------------------------------------------

@routes.get("/help")
async def help_index(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    return site.page("help", visit, starters=site.words["starters"]["help"])


@routes.get("/help/{slug}")
async def help_text(request: web.Request) -> web.Response:
    site, visit = await _arrived(request)
    found = help_page(site, request.match_info["slug"])
    return site.page("help_page", visit, page=found, starters=site.words["starters"]["help"]) if found else site.lost(visit)


@routes.get("/images/{name}.svg")
async def image(request: web.Request) -> web.Response:
    """A product's picture, `?color=` in one of its colors; for anything else the picture of a plain box."""
    site = request.app[SITE]
    offer = (await site.shelves.now()).by_id.get(request.match_info["name"].upper())
    drawn = site.pictures.of(offer.product, request.query.get("color", "")) if offer else site.pictures.department("")
    return _picture(request, drawn)


@routes.get("/images/departments/{slug}.svg")
async def department_image(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = (await site.shelves.now()).departments.get(request.match_info["slug"])
    return _picture(request, site.pictures.department(found.name if found else ""))


@routes.get("/storefront/{name}")
async def asset(request: web.Request) -> web.Response:
    """Its address changes with its content, so it may be kept for good."""
    path = FOLDER / "assets" / request.match_info["name"]
    if path.parent != FOLDER / "assets":
        raise web.HTTPNotFound(text="no such part of the storefront")
    return file_response(request, path, {"Cache-Control": "public, max-age=31536000, immutable"})


@routes.get("/{path:.*}")
async def anything_else(request: web.Request) -> web.Response:
    """A page for people who took a wrong turn; programs get what they get everywhere."""
    if "text/html" not in request.headers.get("Accept", ""):
        raise web.HTTPNotFound(text=f"nothing at {request.path}")
    site, visit = await _arrived(request)
    return site.lost(visit)


def _picture(request: web.Request, drawn: str) -> web.Response:
    tag = hashlib.blake2b(drawn.encode(), digest_size=8).hexdigest()
    headers = {"ETag": f'"{tag}"', "Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    if any(known.value == tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(text=drawn, content_type="image/svg+xml", headers=headers)


async def _arrived(request: web.Request) -> tuple[Site, Visit]:
    site = request.app[SITE]
    return site, await site.visit(request)
