"""What the widget weighs over the line, and how its files are served."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest

from bot.channels.files import lean
from tests.browser.conftest import Pages, Site

WEB = Path(__file__).parents[2] / "bot" / "web"
WIDGET = WEB / "widget"
FIRST = ["widget.js", "web/widget/dom.js", "web/widget/launcher.css", "web/widget/texts/en.json"]
BUDGET, FIRST_BUDGET = 30_000, 5_000


def everything() -> list[str]:
    """What an English page loads: every module and style sheet, and the default texts."""
    parts = sorted(f"web/widget/{path.name}" for path in WIDGET.iterdir() if path.suffix in (".js", ".css"))
    return ["widget.js", *parts, "web/widget/texts/en.json", "web/widget/texts/en.chat.json"]


async def weight(site: Site, path: str) -> int:
    """Bytes of the body as sent to a browser."""
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(f"{site.url}/{path}", headers={"Accept-Encoding": "gzip, deflate, br"}) as response,
    ):
        body = await response.read()
        assert response.status == 200 and response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body)
        return len(body)


async def test_all_of_it_stays_below_thirty_kilobytes(site: Site) -> None:
    weights = {path: await weight(site, path) for path in everything()}
    assert sum(weights.values()) <= BUDGET, weights
    assert sum(weights[path] for path in FIRST) <= FIRST_BUDGET, weights


async def test_any_page_may_load_it_and_need_not_load_it_twice(site: Site, pages: Pages) -> None:
    async with aiohttp.ClientSession() as session:
        for path in everything():
            async with session.get(f"{site.url}/{path}", headers={"Origin": pages.stranger}) as response:
                assert response.headers["Access-Control-Allow-Origin"] == "*", path
                assert "max-age" in response.headers["Cache-Control"]
                kind = {"js": "text/javascript", "css": "text/css", "json": "application/json"}[path.rpartition(".")[2]]
                assert response.content_type == kind
                tag = response.headers["ETag"]
            async with session.get(f"{site.url}/{path}", headers={"If-None-Match": tag}) as again:
                assert again.status == 304 and await again.read() == b""


@pytest.mark.parametrize(
    "path",
    [
        "web/widget/../chat.html",
        "web/widget/%2e%2e%2fdocs.html",
        "web/widget/.hidden.js",
        "web/widget/texts/no.json",
        "web/widget/texts",
        "web/widget/texts/..%2f..%2fwidget.js",
    ],
)
async def test_nothing_else_is_served_there(site: Site, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{site.url}/{path}") as response:
        assert response.status == 404


def test_every_language_says_everything() -> None:
    for kind in (".json", ".chat.json"):
        english = json.loads((WIDGET / "texts" / f"en{kind}").read_text())
        chinese = json.loads((WIDGET / "texts" / f"zh{kind}").read_text())
        assert set(english) == set(chinese)
        assert len(english.get("starters", [])) == len(chinese.get("starters", []))


@pytest.mark.parametrize("path", [*sorted(WIDGET.glob("*.js")), WEB / "widget.js"], ids=lambda path: path.name)
def test_what_is_sent_is_the_same_program(path: Path) -> None:
    """Without comments and needless spaces; texts and regular expressions untouched."""
    node = shutil.which("node")
    if node is None:  # the browser tests run what is sent, too
        return
    sent = lean(path.read_text(), ".js")
    assert len(sent) < len(path.read_text())
    done = subprocess.run([node, "--check", "--input-type=module"], input=sent, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_leaning_keeps_texts_templates_and_regular_expressions() -> None:
    kept = ['"x // y  =  z"', "`one   {  two`", """/^\\s*[•*-] +"/""", "a- -b"]
    source = "\n".join(("// a comment", f"const a = {kept[0]}; // a remark", f"const b = {kept[1]};",
                        f"  const c = t.split({kept[2]});", "return a - -b;"))
    sent = lean(source, ".js")
    assert [part for part in kept if part not in sent] == []
    assert "comment" not in sent and "remark" not in sent
    assert lean("/* note */\na > b { color: red;  margin: 0 1px, 2px }\n", ".css") == "a>b{color:red;margin:0 1px,2px}"
