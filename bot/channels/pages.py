"""The widget's files, the interface description for people, and parts of pages. Nothing is computed per request."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from bot.channels.access import PUBLIC
from bot.channels.files import TYPES, file_response
from bot.channels.operations import Operations

WEB = Path(__file__).parents[1] / "web"
_POLICY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' https: data:; style-src 'self'; script-src 'self'; "
                               "object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin", "Cache-Control": "no-cache"}
# The widget is loaded by any shop's page. It is asked for anew after ten minutes, and old copies are shown meanwhile.
_ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
             "Cache-Control": "public, max-age=600, stale-while-revalidate=86400"}
_FILE = {200: dict.fromkeys(TYPES.values(), "a file")}
routes = Operations("pages")


@routes.get("/", "The chat page", PUBLIC, media="text/html", answer="a page")
async def chat_page(request: web.Request) -> web.Response:
    return file_response(request, WEB / "index.html", _POLICY)


@routes.get("/docs", "This interface, for people", PUBLIC, media="text/html", answer="a page")
async def docs_page(request: web.Request) -> web.Response:
    return file_response(request, WEB / "docs.html", _POLICY)


@routes.get("/widget.js", "The chat widget: one script tag embeds it", PUBLIC, media="text/javascript", answer="a module")
async def widget(request: web.Request) -> web.Response:
    return file_response(request, WEB / "widget.js", _ANYWHERE)


@routes.get("/web/widget/{name}", "A module, style sheet or drawing of the widget", PUBLIC, problems=(404,), answers=_FILE)
async def widget_part(request: web.Request) -> web.Response:
    return file_response(request, WEB / "widget" / _plain(request.match_info["name"]), _ANYWHERE)


@routes.get("/web/widget/texts/{name}", "The widget's words in a language", PUBLIC, problems=(404,), answers=_FILE)
async def widget_texts(request: web.Request) -> web.Response:
    return file_response(request, WEB / "widget" / "texts" / _plain(request.match_info["name"]), _ANYWHERE)


@routes.get("/web/{name}", "A part of a page", PUBLIC, problems=(404,), answers=_FILE)
async def page_part(request: web.Request) -> web.Response:
    return file_response(request, WEB / _plain(request.match_info["name"]), _POLICY)


def _plain(name: str) -> str:
    """A file's name and nothing else; what leads elsewhere is no name."""
    if Path(name).name != name or name.startswith("."):
        raise web.HTTPNotFound(text="there is no such file")
    return name
