"""The demo storefront: a shop to look at, around the assistant. Only `shopclerk demo` serves it."""

from __future__ import annotations

from aiohttp import web

from bot.channels.storefront import account, browsing
from bot.channels.storefront.site import SITE, Person, Site, StorefrontShop

__all__ = ["Person", "Site", "StorefrontShop", "open_storefront"]


def open_storefront(app: web.Application, site: Site) -> None:
    """Add the storefront's pages; before the pages they stand in for, since the first route of an address wins."""
    app[SITE] = site
    for module in (account, browsing):
        app.add_routes(module.routes)

    async def warm(_app: web.Application) -> None:
        await site.shelves.now()            # so that the first visitor does not wait for it

    app.on_startup.append(warm)
