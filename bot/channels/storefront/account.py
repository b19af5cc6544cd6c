"""Pages of one's own: sign in as a demo customer, orders, one order. Whose order it is, the order service decides."""

from __future__ import annotations

from aiohttp import web

from bot.channels.services import SECRET
from bot.channels.storefront import session
from bot.channels.storefront.order_view import view_of
from bot.channels.storefront.site import SITE
from knowledge.errors import NotFound
from knowledge.orders.service import Actor

routes = web.RouteTableDef()


@routes.get("/sign-in")
async def sign_in(request: web.Request) -> web.Response:
    site = request.app[SITE]
    visit = await site.visit(request)
    return site.page("sign_in", visit, customers=site.people, starters=site.words["starters"]["home"])


@routes.post("/session")
async def begin(request: web.Request) -> web.Response:
    """Signs in as one of the demo's people; anybody else is nobody."""
    wanted = str((await request.post()).get("customer", ""))
    if wanted not in {person.id for person in request.app[SITE].people}:
        raise web.HTTPSeeOther("/sign-in")
    response = web.Response(status=303, headers={"Location": "/account"})
    response.set_cookie(session.COOKIE, session.session_cookie(request.app[SECRET], wanted), max_age=session.LASTS_S,
                        samesite="Lax", httponly=True)
    return response


@routes.post("/session/end")
async def end(_request: web.Request) -> web.Response:
    response = web.Response(status=303, headers={"Location": "/"})
    response.del_cookie(session.COOKIE)
    return response


@routes.get("/account")
async def account(request: web.Request) -> web.Response:
    site = request.app[SITE]
    visit = await site.visit(request)
    if visit.customer is None:
        raise web.HTTPSeeOther("/sign-in")
    orders = await site.shop.orders.orders(Actor(visit.customer.id))
    views = [view_of(order, visit.customer, visit.range, site.words["statuses"]) for order in orders]
    return site.page("account", visit, orders=views, starters=site.words["starters"]["account"])


@routes.get("/account/orders/{number}")
async def order(request: web.Request) -> web.Response:
    site = request.app[SITE]
    visit = await site.visit(request)
    if visit.customer is None:
        raise web.HTTPSeeOther("/sign-in")
    try:
        found = await site.shop.orders.order(Actor(visit.customer.id), request.match_info["number"])
    except NotFound:
        return site.lost(visit, "There is no such order in your account.")
    return site.page("order", visit, view=view_of(found, visit.customer, visit.range, site.words["statuses"]),
                     starters=[q.format(number=found.number) for q in site.words["starters"]["order"][found.status.value]])
