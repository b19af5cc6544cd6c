"""docs/embed.md, tried word by word: its files are written, its commands run, its page opened, its questions asked."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.chat import SOON, Chat
from tests.browser.conftest import free_port

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "embed.md"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.M | re.S)


def with_own_ports(guide: str) -> tuple[str, int]:
    """The guide's two ports may be taken here; the page's address."""
    page, server = free_port(), free_port()
    return re.sub(r"\b8080\b", str(server), re.sub(r"\b8000\b", str(page), guide)), page


async def started(command: str, folder: Path) -> asyncio.subprocess.Process:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return await asyncio.create_subprocess_shell(
        f"exec {command}",
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def run(command: str, folder: Path) -> None:
    assert await (await started(command, folder)).wait() == 0, command


@asynccontextmanager
async def running(command: str, folder: Path) -> AsyncIterator[None]:
    process = await started(command, folder)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def follow(guide: str, folder: Path) -> list[str]:
    """Write the files and run the commands in their order; those that go on running are left for the caller."""
    served = []
    for kind, about, body in BLOCK.findall(guide):
        if about.startswith("file="):
            path = folder / about.removeprefix("file=")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
        elif kind == "sh" and about == "serve":
            served.append(body.strip())
        elif kind == "sh":
            await run(body.strip(), folder)
    return served


async def until_there(port: int) -> None:
    async with asyncio.timeout(90):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def test_the_guide_leads_to_a_chat_that_answers(browser: Browser, tmp_path: Path) -> None:
    guide, port = with_own_ports(GUIDE.read_text())
    first, second = await follow(guide, tmp_path)
    lamp, days = re.findall(r"^> (.+)$", guide, re.M)
    async with running(first, tmp_path), running(second, tmp_path):
        for number in (port, int(first.rpartition(" ")[2])):
            await until_there(number)
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{port}/")
        chat = await Chat(page).open()
        answer = await chat.ask(lamp)
        await expect(answer).to_contain_text("Juniper Desk Lamp", timeout=SOON)
        await expect(answer).to_contain_text("79.00")
        await expect(await chat.ask(days)).to_contain_text("45 days", timeout=SOON)
        await page.close()


def test_every_attribute_and_variable_is_in_the_guide() -> None:
    guide = GUIDE.read_text()
    widget = [ROOT / "bot" / "web" / "widget.js", *(ROOT / "bot" / "web" / "widget").glob("*.[jc]s*")]
    code = "\n".join(path.read_text() for path in widget)
    names = {re.sub(r"[A-Z]", lambda m: f"-{m[0].lower()}", name) for name in re.findall(r"\bdataset\.(\w+)", code)}
    names -= {"rating", "mode", "connection", "day", "state"}  # its own marks, inside
    names |= set(re.findall(r"data-(position|theme|customer-token)", code))
    assert [name for name in sorted(names) if f"`data-{name}`" not in guide] == []
    variables = {name.removesuffix("-dark") for name in re.findall(r"var\(--shopclerk(-[a-z-]+)", code)}
    assert [
        name for name in sorted(variables) if f"`--shopclerk{name}`" not in guide and f"`{name}`" not in guide
    ] == []
