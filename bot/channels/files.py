"""Files of the program over HTTP: types, ETags, gzip. Which addresses they have is not its business.

What a browser does not need (comment lines, indentation) is left out on the way; the files stay as people read them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from aiohttp import hdrs, web

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
         ".json": "application/json"}
# Texts, templates and regular expressions stay as they are, and a space between words. The first part drops comments.
_JS = re.compile(r"""(?:^|(?<=\n))\s*//[^\n]*|\ *//\ [^\n]*
    |(?P<kept>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`
    |(?:(?<=\()|(?<=[(,=:&|?]\ ))/(?![/*])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/[a-z]*)
    |\ ?(?P<sign>[=*<>!?:&|,;{}()\[\]]+)\ ?|(?<=\n)\ +""", re.X)
_CSS_COMMENT = re.compile(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/")
_CSS_SPACE = re.compile(r"(?<=[{},;>]) +| +(?=[{>])|(?<=[a-z]:) +")


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
            shorter = _JS.sub(lambda found: found["kept"] or found["sign"] or "", text)
            return "\n".join(line for line in shorter.splitlines() if line)
        case ".css":
            lines = (_CSS_SPACE.sub("", line.strip()) for line in _CSS_COMMENT.sub("", text).splitlines())
            return "\n".join(line for line in lines if line)
        case ".json":
            return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
        case _:
            return text
