"""How long ingest takes at 20,000 products and 100,000 orders, what of it is the database and what the search index.

Run: `python -m benchmarks.ingest_speed [--products N] [--orders N] [--json]`. Steps, each in a process of its own: the
products for the first time; the same file again (three times); the file with one product in a hundred changed; then
customers and orders; and these again. "Encoded" counts distinct texts that the encoder read: titles of the multiplied
shop differ, so no product's vector serves for another. Above 20,000 products nothing but the demo shop's own texts is
encoded (`SeriesVectors`): the rest is what is measured there. The folder stays for `benchmarks.turns --big`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.big_shop import ORDERS, PRODUCTS, SeriesVectors, big_source
from benchmarks.demo_folder import CACHE, ROOT
from benchmarks.machine import Stretch, folder_mb, peak_mb
from knowledge.config import load_knowledge_settings
from knowledge.index_build import make_embedder
from knowledge.index_refresh import refresh
from knowledge.ingest import ingest_files
from knowledge.store import open_knowledge

STEPS = ("first", "again", "again", "again", "changed", "orders", "orders again")


async def step(name: str, store: Path, source: Path, *, encode: bool = True) -> dict[str, Any]:
    """One ingest into `store`, its two parts timed. Without `encode` vectors are those of the demo shop's texts."""
    orders = [source / "customers.jsonl", source / "orders.jsonl"]
    files = {"orders": orders, "orders again": orders,
             "changed": [_changed(source, store)]}.get(name) or [source / "products.jsonl"]
    if name == "first":
        files += [source / "demo" / f"{kind}.jsonl" for kind in ("answers", "cases")]
        files += sorted((source / "demo" / "documents").iterdir())
    settings = load_knowledge_settings(store)
    knowledge = await open_knowledge(store, settings)
    try:
        with Stretch() as database:
            await ingest_files(knowledge, files)
    finally:
        await knowledge.close()
    embedder = None if encode else SeriesVectors(make_embedder(store, settings, threads=2))
    with Stretch() as index:
        report = await refresh(store, settings, embedder=embedder)
    return {"step": name, "rows": dict(report.counts), "encoded": report.embedded, "index_written": report.written,
            "database_s": round(database.wall_s, 2), "database_cpu_s": round(database.cpu_s, 2),
            "index_s": round(index.wall_s, 2), "index_cpu_s": round(index.cpu_s, 2), "peak_mb": round(peak_mb()),
            "database_mb": _mb([store / "shop.db"]), "index_mb": round(folder_mb(store / "index"), 1),
            "file_mb": _mb(files)}


def _mb(files: Sequence[Path]) -> float:
    return round(sum(path.stat().st_size for path in files) / (1 << 20), 1)


def _changed(source: Path, store: Path) -> Path:
    """The products again, one in a hundred with another first sentence; same name, so the same source."""
    path = store.parent / f"{store.name}-changed" / "products.jsonl"
    path.parent.mkdir(exist_ok=True)
    with (source / "products.jsonl").open(encoding="utf-8") as old, path.open("w", encoding="utf-8") as new:
        for place, line in enumerate(old):
            row = json.loads(line)
            if place % 100 == 0:
                row["description"] = f"Made anew this year. {row['description']}"
            new.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def big_store(products: int = PRODUCTS, orders: int = ORDERS) -> Path:
    """Where the ingested big shop lies."""
    return CACHE / f"big-{products}-{orders}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--products", type=int, default=PRODUCTS)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--steps", default=",".join(STEPS), help=f"default: {','.join(STEPS)}")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--step", choices=sorted(set(STEPS)), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store, source = big_store(arguments.products, arguments.orders), big_source(arguments.products, arguments.orders)
    if arguments.step:
        print(json.dumps(asyncio.run(step(arguments.step, store, source, encode=arguments.products <= PRODUCTS))))
        return
    shutil.rmtree(store, ignore_errors=True)
    figures = []
    for name in arguments.steps.split(","):
        command = [sys.executable, "-m", "benchmarks.ingest_speed", "--step", name,
                   "--products", str(arguments.products), "--orders", str(arguments.orders)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        figures.append(json.loads(done.stdout))
        print(f"{name}: {figures[-1]}", file=sys.stderr)
    print(json.dumps(figures)) if arguments.json else print_table(figures, Console(width=140))


def print_table(figures: Sequence[dict[str, Any]], console: Console) -> None:
    table = Table("step", "file MB", "database s (CPU)", "index s (CPU)", "texts encoded", "peak MB", "shop.db MB",
                  "index MB")
    for of in figures:
        table.add_row(of["step"], f"{of['file_mb']}", f"{of['database_s']} ({of['database_cpu_s']})",
                      f"{of['index_s']} ({of['index_cpu_s']})" + ("" if of["index_written"] else ", nothing to do"),
                      f"{of['encoded']:,}", f"{of['peak_mb']}", f"{of['database_mb']}", f"{of['index_mb']}")
    console.print(table)


if __name__ == "__main__":
    main()
