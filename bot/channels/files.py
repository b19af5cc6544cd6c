"""Files of the program over HTTP: types, ETags, gzip. Which addresses they have is not its business.

What a browser does not need (comments, spaces) is left out on the way; the files stay as people read them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import rcssmin
import rjsmin
from aiohttp import hdrs, web

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
         ".json": "application/json"}


@dataclass(frozen=True, slots=True)
class Served:
    body: bytes
    packed: bytes                           # gzip
    etag: str


def file_response(request: web.Request, path: Path, headers: Mapping[str, str]) -> web.Response:
    """304 for who has it already; packed for who can unpack it. Raises 404 for what is no file of a known type."""
    if path.suffix not in TYPES or not path.is_file():
        raise web.HTTPNotFound(text="there is no such file")
    served = _served(path, path.stat().st_mtime_ns)
    about = {hdrs.ETAG: f'"{served.etag}"', hdrs.VARY: "Accept-Encoding", "X-Content-Type-Options": "nosniff",
             **headers}
    if any(tag.value in (served.etag, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=about)
    packed = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower()
    if packed:
        about[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=served.packed if packed else served.body, content_type=TYPES[path.suffix], charset="utf-8",
                        headers=about)


@lru_cache(maxsize=512)
def _served(path: Path, _changed: int) -> Served:
    body = lean(path.read_text(encoding="utf-8"), path.suffix).encode()
    return Served(body, gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:16])


def lean(text: str, suffix: str) -> str:
    """The same without what only people read."""
    match suffix:
        case ".js":
            return str(rjsmin.jsmin(text))
        case ".css":
            return str(rcssmin.cssmin(text))
        case ".json":
            return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
        case _:
            return text
