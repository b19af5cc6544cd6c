"""`shopclerk demo`: makes the demo shop once, gives it a storefront, and tells a newcomer whom to be and what to try."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.demo import DEMO_CUSTOMERS, DemoShop, generate
from knowledge.config import DATABASE_FILE
from knowledge.errors import BadInput
from knowledge.ingest import ingest
from knowledge.ingest_progress import IngestProgress
from knowledge.settings import CONFIG_FILE

SOURCE = "demo-source"                     # the files that were read in
READY = "demo-ready"                       # written last: a folder without it is made again


async def prepare_demo(directory: Path) -> None:
    """The demo shop in `directory`, ready to be served. Raises BadInput when another shop lives there."""
    await asyncio.to_thread(_check, directory)
    ready = directory / READY
    if not await asyncio.to_thread(ready.is_file):
        print(f"making the demo shop in {directory} …", flush=True)
        shop = await asyncio.to_thread(generate, directory / SOURCE)
        with IngestProgress() as progress:
            await ingest(directory, [*shop.data_files, *_files(shop.documents)], progress=progress.update)
        await asyncio.to_thread(ready.write_text, _inventory(shop), "utf-8")
        print(f"  {_inventory(shop)}", flush=True)
    await asyncio.to_thread(_settings, directory)
    introduce(Console())


def storefront(shop: Any) -> Callable[[Any], None]:
    """The demo's pages, for an opened shop that `prepare_demo` made."""
    from bot.channels.storefront import Site, open_storefront

    site = Site(shop, DEMO_CUSTOMERS, shop.directory / SOURCE / "documents")
    return lambda app: open_storefront(app, site)


def _settings(directory: Path) -> None:
    """The storefront signs its customers in to the assistant, so both need a key; only their owner may read it."""
    try:
        with os.fdopen(os.open(directory / CONFIG_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("# Made by 'shopclerk demo': the storefront vouches for who is signed in with this key.\n"
                       f'[customer_token]\nkey = "{secrets.token_urlsafe(32)}"\n')
    except FileExistsError:
        pass


def _check(directory: Path) -> None:
    if (directory / DATABASE_FILE).exists() and not (directory / SOURCE).is_dir():
        raise BadInput(f"{directory} holds another shop: name an empty folder with --dir, or 'serve' this one")


def _files(folder: Path) -> list[Path]:
    """Documents are named one by one: a folder stands for native files."""
    return sorted(folder.iterdir())


def _inventory(shop: DemoShop) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in shop.counts.items())


def introduce(console: Console) -> None:
    """Three customers, and what to say as each of them."""
    table = Table(title="Be one of these customers, and try", title_justify="left", show_lines=True)
    table.add_column("who", no_wrap=True)
    table.add_column("what to say")
    for person in DEMO_CUSTOMERS:
        who = Text.assemble((person.name, "bold"), f"\n{person.email}\npostcode {person.postcode}")
        table.add_row(who, Text.assemble((person.story, "dim"), *(f"\n• {line}" for line in person.things_to_try)))
    console.print(table)
