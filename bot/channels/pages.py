"""The chat page, the interface description and its reader's page: files, nothing computed per request."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from bot.channels.openapi import document

WEB = Path(__file__).parents[1] / "web"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_POLICY = ("default-src 'self'; img-src 'self' https: data:; style-src 'self'; script-src 'self'; object-src 'none'; "
           "base-uri 'none'; frame-ancestors 'none'")
routes = web.RouteTableDef()


@routes.get("/")
async def chat_page(_request: web.Request) -> web.Response:
    return _file("index.html")


@routes.get("/docs")
async def docs_page(_request: web.Request) -> web.Response:
    return _file("docs.html")


@routes.get("/web/{name}")
async def page_part(request: web.Request) -> web.Response:
    return _file(request.match_info["name"])


@routes.get("/openapi.json")
async def openapi(_request: web.Request) -> web.Response:
    return web.json_response(document())


def _file(name: str) -> web.Response:
    path = WEB / name
    if path.parent != WEB or path.suffix not in _TYPES or not path.is_file():
        raise web.HTTPNotFound(text=f"no page part '{name}'")
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers={
        "Cache-Control": "no-cache", "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin"})
