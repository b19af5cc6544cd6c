"""How long a search takes in a shop, stage by stage, how fast the shop's index opens and what it takes in memory.

Run: `python -m benchmarks.search_speed [STORE …] [--copies N] [--json]`; without a store the demo shop. Stores are
folders that hold an ingested shop, such as `benchmarks.ingest_speed` leaves; `--copies` puts its products N times on the
shelf, in memory, each copy's vectors moved a little, to see how long a search takes in a larger shop. Each is measured in
a process of its own, with the questions of the ablation about products and policies, each asked once, so that no query's
vector is remembered; the first ten warm up. One search at a time. Processor time says more than wall time where the
machine does other work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.ablation import read_rows
from benchmarks.big_shop import MOVED
from benchmarks.demo_folder import ROOT, demo_folder
from benchmarks.machine import Stretch, folder_mb, peak_mb, resident_mb
from knowledge.config import load_knowledge_settings
from knowledge.facets import Facets
from knowledge.index_build import SearchBundle, load_search
from knowledge.indexes.faiss_index import FaissIndex
from knowledge.lexical import LexicalIndex
from knowledge.lexical_build import inverted
from knowledge.models import EvidenceKind
from knowledge.ports import Constraints
from knowledge.query import QueryParser
from knowledge.question import QuestionReader
from knowledge.row_store import RowStore
from knowledge.shelf import Shelf
from knowledge.store import open_knowledge

WARM = 10
# Stage → what is timed for it. Encoding is a part of reading, and shown apart.
STAGES: dict[str, tuple[type, str]] = {
    "wishes": (QueryParser, "parse"), "read and encode": (QuestionReader, "read"),
    "words": (LexicalIndex, "best_shares"), "words of candidates": (LexicalIndex, "shares_of"),
    "meaning": (FaissIndex, "search"), "meaning of candidates": (FaissIndex, "similarity")}


@contextmanager
def timed(into: dict[str, float]) -> Iterator[None]:
    """Adds the processor time that each stage takes, in ms, to `into`."""
    originals = {name: getattr(kind, method) for name, (kind, method) in STAGES.items()}

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            try:
                return work(*args, **kwargs)
            finally:
                into[name] = into.get(name, 0.0) + (time.thread_time() - start) * 1000
        return run

    try:
        for name, (kind, method) in STAGES.items():
            setattr(kind, method, watched(name, originals[name]))
        yield
    finally:
        for name, (kind, method) in STAGES.items():
            setattr(kind, method, originals[name])


async def measure(store: Path, copies: int = 1) -> dict[str, Any]:
    imported = resident_mb()
    with Stretch() as opening:
        knowledge = await open_knowledge(store, create=False)
        bundle = load_search(store, load_knowledge_settings(store), knowledge.catalogue)
        bundle.embedder.embed(["ready"])
    opened = resident_mb()
    if copies > 1:
        shelves = bundle.search.shelves
        bundle.search.shelves = {**shelves, EvidenceKind.PRODUCT: multiplied(shelves[EvidenceKind.PRODUCT], copies)}
    rows = read_rows()
    wants = [row.query for row in rows if row.kind.startswith("product")]
    asks = [row.query for row in rows if row.kind == "policy"]
    stages: dict[str, float] = {}
    figures = {
        "rows": {kind.value: len(shelf) for kind, shelf in bundle.search.shelves.items()},
        "open_s": round(opening.wall_s, 2), "open_cpu_s": round(opening.cpu_s, 2),
        "products": await _asked(bundle, wants, (EvidenceKind.PRODUCT,)),
        "products, no wishes read": await _asked(bundle, [f"{q} please" for q in wants], (EvidenceKind.PRODUCT,),
                                                 Constraints()),
        "everything": await _asked(bundle, [f"hello, {q}" for q in [*wants, *asks]], ())}
    with timed(stages):
        await _asked(bundle, [f"hi, {q}" for q in wants], (EvidenceKind.PRODUCT,))
    figures["stages_ms"] = {name: round(ms / len(wants), 3) for name, ms in stages.items()}
    figures["order_lines"] = await _own_lines(bundle, [row for row in rows if row.kind == "reference"])
    await knowledge.close()
    return figures | {"imported_mb": round(imported), "opened_mb": round(opened), "after_mb": round(resident_mb()),
                      "peak_mb": round(peak_mb()), "index_mb": round(folder_mb(store / "index"))}


class Repeated:
    """The same rows several times over."""

    def __init__(self, rows: RowStore, copies: int) -> None:
        self._rows, self._copies = rows, copies

    def __len__(self) -> int:
        return len(self._rows) * self._copies

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self._rows[row % len(self._rows)]


def multiplied(shelf: Shelf, copies: int) -> Shelf:
    """A shelf that holds everything `copies` times, as if ingested so, but for its words: copies add no new ones."""
    texts, vectors, rows = shelf.lexical.size, len(shelf.dense), len(shelf)
    forward = {name: np.tile(shelf.lexical.arrays[name], copies) for name in ("doc_term", "doc_title_tf", "doc_body_tf")}
    lengths = np.tile(np.diff(shelf.lexical.arrays["doc_ptr"]), copies)
    forward["doc_ptr"] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    postings = inverted(forward, shelf.lexical.document_frequency * copies, shelf.lexical.settings)
    base, chance = shelf.dense.vectors(np.arange(vectors)), np.random.default_rng(7)
    moved = np.concatenate([base + chance.normal(0, MOVED, base.shape).astype(np.float32) for _ in range(copies)])
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    numbers, held = shelf.facets.pairs()
    facets = Facets.of(shelf.facets.names, np.tile(numbers, copies), _shifted(held, rows, copies))
    arrays = {"row_text": _shifted(shelf.texts.numbers, texts, copies),
              "row_vector": _shifted(shelf.vectors.numbers, vectors, copies),
              "prices": np.tile(np.asarray(shelf.prices), (copies, 1))}
    store: Any = Repeated(shelf.store, copies)
    return Shelf(shelf.kind, store, FaissIndex.build(moved),
                 LexicalIndex(shelf.lexical.terms, forward | postings, shelf.lexical.settings), facets, arrays)


def _shifted(numbers: Any, by: int, copies: int) -> Any:
    return np.concatenate([np.asarray(numbers) + copy * by for copy in range(copies)])


async def _asked(bundle: SearchBundle, queries: Sequence[str], kinds: tuple[EvidenceKind, ...],
                 constraints: Constraints | None = None) -> dict[str, float]:
    """p50, p95 and processor time of one search, in ms."""
    times, spent = [], []
    for place, query in enumerate(queries):
        with Stretch() as search:
            await bundle.search.search(query, kinds=kinds, constraints=constraints, limit=10)
        if place >= WARM:
            times.append(search.wall_s * 1000)
            spent.append(search.cpu_s * 1000)
    return _percentiles(times, spent)


async def _own_lines(bundle: SearchBundle, rows: Sequence[Any]) -> dict[str, float]:
    times, spent = [], []
    for row in rows:
        with Stretch() as search:
            await bundle.order_lines.search_lines(row.customer_id, f"hey, {row.query}", limit=5)
        times.append(search.wall_s * 1000)
        spent.append(search.cpu_s * 1000)
    return _percentiles(times, spent)


def _percentiles(times: Sequence[float], spent: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2),
            "cpu_p50": round(float(np.median(spent)), 2), "searches": len(times)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("stores", nargs="*", type=Path, help="folders with an ingested shop; default: the demo shop")
    parser.add_argument("--copies", type=int, default=1, help="the shop's products so many times over")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    stores = [store.resolve() for store in arguments.stores] or [demo_folder()]
    if arguments.one:
        print(json.dumps(asyncio.run(measure(stores[0], arguments.copies))))
        return
    figures = {}
    for store in stores:
        command = [sys.executable, "-m", "benchmarks.search_speed", "--one", str(store),
                   "--copies", str(arguments.copies)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        figures[store.name] = json.loads(done.stdout)
    print(json.dumps(figures)) if arguments.json else print_tables(figures, Console(width=150))


def print_tables(figures: dict[str, dict[str, Any]], console: Console) -> None:
    asked = ("products", "products, no wishes read", "everything", "order_lines")
    table = Table("store", "search for", "searches", "p50 ms", "p95 ms", "CPU ms (p50)", title="A search")
    for name, of in figures.items():
        for what in asked:
            row = of[what]
            table.add_row(name if what == asked[0] else "", what.replace("_", " "), str(row["searches"]),
                          f"{row['p50']}", f"{row['p95']}", f"{row['cpu_p50']}", end_section=what == asked[-1])
    console.print(table)
    stages = Table("store", *STAGES, title="CPU ms of a mean search for products, by stage")
    memory = Table("store", "products", "order lines", "opened in s (CPU)", "imported MB", "opened MB", "after the searches",
                   "at most", "index on disk", title="Opening and memory")
    for name, of in figures.items():
        stages.add_row(name, *(f"{of['stages_ms'].get(stage, 0):.2f}" for stage in STAGES))
        memory.add_row(name, f"{of['rows']['product']:,}", f"{of['rows'].get('order_line', 0):,}",
                       f"{of['open_s']} ({of['open_cpu_s']})", *(str(of[f"{when}_mb"]) for when in
                                                                 ("imported", "opened", "after", "peak", "index")))
    console.print(stages)
    console.print(memory)


if __name__ == "__main__":
    main()
