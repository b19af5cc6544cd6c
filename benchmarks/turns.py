"""The served assistant against its targets: one table, target | measured | what dominates.

Run: `python -m benchmarks.turns [--store FOLDER --source FOLDER] [--only served,sockets,long] [--quick] [--json]`. Without
a store the shops that `benchmarks.ingest_speed` left (20,000 and 200,000 products), or the demo shop where there are
none. Server and client are processes of their own and share two cores; where the machine has more, both are held to two.
`--in-process` measures the engine without a server (`benchmarks.in_process`).
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import long_conversations, served, sockets
from benchmarks.big_shop import ORDERS, PRODUCTS, big_source
from benchmarks.demo_folder import CACHE, demo_folder

CORES = 2
PARTS = ("served", "sockets", "long")
BIGGEST = 200_000
# What is wanted: milliseconds, turns a second by number of products, megabytes, seconds, kibibytes.
P50_MS, P99_MS, MEMORY_MB, READY_S, SOCKET_KIB = 12.0, 80.0, 500.0, 4.0, 40.0
TURNS_PER_S = {PRODUCTS: 180.0, BIGGEST: 90.0}
FLAT = 1.1  # a turn in the longest conversations may take so many times as long as in the shortest
IDLE, ACTIVE = 15_000, 200


@dataclass(frozen=True)
class Shop:
    name: str
    store: Path
    source: Path
    turns_per_s: float | None  # wanted
    singles: int  # conversations one at a time, per door
    several: int


@dataclass(frozen=True)
class Row:
    what: str
    target: str
    measured: str
    met: bool | None  # None: nothing is wanted
    dominates: str


def shops(store: Path | None, source: Path | None, quick: bool) -> list[Shop]:
    """Those that are there."""
    singles, several = (40, 100) if quick else (200, 400)
    if store is not None:
        return [Shop(store.name, store, source or store / "source", None, singles, several)]
    found = [Shop(f"{products:,} products", folder, big_source(products, ORDERS), wanted, singles, several)
             for products, wanted in TURNS_PER_S.items()
             if any((folder := CACHE / f"big-{products}-{ORDERS}").glob("index/generation-*/manifest.json"))]
    if found:
        return found
    made = demo_folder()
    return [Shop("demo shop", made, made / "source", None, min(singles, 100), min(several, 200))]


def rows_of_shop(shop: Shop, found: Mapping[str, Any]) -> Iterator[Row]:
    one = {door: found[f"{door}_1"] for door in ("socket", "rest")}
    fifty = {door: found[f"{door}_50"] for door in ("socket", "rest")}
    for key, limit in (("p50_ms", P50_MS), ("p99_ms", P99_MS)):
        why = _stages(one["socket"]) if key == "p50_ms" else _slowest(one)
        yield Row(f"{shop.name}: one conversation, {key[:3]}", f"≤ {limit:.0f} ms", _doors(one, key, "ms"),
                  all(of[key] <= limit for of in one.values()), why)
    wanted = shop.turns_per_s
    yield Row(f"{shop.name}: 50 at once", f"≥ {wanted:.0f} turns/s" if wanted else "", _doors(fifty, "turns_per_s", "turns/s"),
              all(of["turns_per_s"] >= wanted for of in fifty.values()) if wanted else None, _processors(fifty))
    memory = f"{found['peak_mb']:.0f} MB at most, {found['own_mb']:.0f} its own"
    yield Row(f"{shop.name}: memory", f"≤ {MEMORY_MB:.0f} MB", memory, found["peak_mb"] <= MEMORY_MB,
              f"{found['opened_mb']:.0f} MB when opened: libraries, encoder, index")
    yield Row(f"{shop.name}: ready after", f"≤ {READY_S:.0f} s", f"{found['ready_s']:.1f} s", found["ready_s"] <= READY_S,
              f"{found['ready_cpu_s']:.1f} s of it processor time: imports, then the index; "
              f"first turn {found['first_turn_ms']:.0f} ms, cold")
    parts = [*one.values(), *fifty.values()]
    failed, unserved = (Counter(name for of in parts for name in of[key]) for key in ("errors", "unserved"))
    conversations = sum(of["conversations"] for of in parts)
    yield Row(f"{shop.name}: served", "no failed turn", f"{sum(of['failed'] for of in parts)} failed; the right kind of reply in "
              f"{conversations - unserved.total()} of {conversations} conversations", not any(of["failed"] for of in parts),
              "without: " + _counted(unserved) if unserved else _counted(failed))


def _doors(parts: Mapping[str, Mapping[str, Any]], key: str, unit: str) -> str:
    return ", ".join(f"{door} {of[key]:.1f}" for door, of in parts.items()) + f" {unit}"


def _stages(of: Mapping[str, Any]) -> str:
    known = sorted(of["stages_ms"].items(), key=lambda item: -item[1])
    rest = of["mean_ms"] - sum(of["stages_ms"].values())
    return f"of {of['mean_ms']:.1f} ms: " + ", ".join(f"{stage} {ms:.1f}" for stage, ms in known if ms >= 0.05) \
        + f", door and client {rest:.1f}"


def _slowest(parts: Mapping[str, Mapping[str, Any]]) -> str:
    return "the slowest are " + _counted(Counter(kind for of in parts.values() for kind in of["slowest"]))


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.most_common(4))


def _processors(parts: Mapping[str, Mapping[str, Any]]) -> str:
    of = parts["socket"]
    return (f"server {of['server_cpu_ms']:.1f} ms of processor time per turn, client {of['client_cpu_ms']:.1f}; "
            f"REST {parts['rest']['server_cpu_ms']:.1f} and {parts['rest']['client_cpu_ms']:.1f}")


def rows_of_sockets(found: Mapping[str, Any]) -> Iterator[Row]:
    yield Row(f"{found['idle']:,} idle sockets: memory of each", f"≤ {SOCKET_KIB:.0f} KiB", f"{found['resident_kib']:.1f} KiB",
              found["resident_kib"] <= SOCKET_KIB and not found["lost"],
              f"aiohttp's request, parser and transport; {found['opened_per_s']:.0f} opened a second, {found['lost']} lost")
    yield Row(f"{found['idle']:,} idle sockets: heartbeats", "", f"{found['idle_cpu_share']:.1%} of a core", None,
              "a frame every 25 s, a ping every 50")
    alone, among = found["alone"], found["among"]
    yield Row(f"{found['active']} active among them", "", f"p50 {among['p50_ms']:.0f}, p99 {among['p99_ms']:.0f} ms", None,
              f"alone p50 {alone['p50_ms']:.0f}, p99 {alone['p99_ms']:.0f} ms")


def rows_of_long(found: Sequence[dict[str, Any]]) -> Iterator[Row]:
    growth = {key: long_conversations.growth(found, key) for key in ("p50_ms", "cpu_ms")}
    by_size = {size: [of["mean_ms"] for of in found if of["events"] == size] for size in long_conversations.SIZES}
    means = ", ".join(f"{size:,}: {sum(times) / len(times):.1f}" for size, times in by_size.items())
    yield Row("turn at 100, 2,000, 20,000 events", f"longest ≤ {FLAT} × shortest", f"{growth['p50_ms']:.2f} ×; mean ms {means}",
              growth["p50_ms"] <= FLAT, f"processor time {growth['cpu_ms']:.2f} ×; both doors, with and without a handoff")


def hold_to_cores() -> list[int]:
    """This process and the servers it starts run on two cores from now on."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    return cores


def main() -> None:
    if "--in-process" in sys.argv:
        from benchmarks import in_process

        sys.argv.remove("--in-process")
        in_process.main()
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store", type=Path, help="an ingested shop's folder")
    parser.add_argument("--source", type=Path, help="the native files it was made from")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="a fifth of everything")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    if unknown := set(arguments.only.split(",")) - set(PARTS):
        parser.error(f"not known: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    logging.disable(logging.WARNING)
    began, cores = time.perf_counter(), hold_to_cores()
    figures, rows = run(arguments)
    figures |= {"cores": cores, "load": os.getloadavg()[0], "seconds": time.perf_counter() - began}
    if arguments.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "figures": figures}))
    else:
        print_table(rows, figures, Console(width=170))


def run(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[Row]]:
    only, quick = arguments.only.split(","), arguments.quick
    figures: dict[str, Any] = {}
    rows: list[Row] = []
    for shop in shops(arguments.store, arguments.source, quick) if "served" in only else ():
        gc.collect()
        figures[shop.name] = served.measure(shop.store, shop.source, "served", singles=shop.singles, several=shop.several)
        rows += rows_of_shop(shop, figures[shop.name])
    if "sockets" in only:
        figures["sockets"] = sockets.run(IDLE // 5 if quick else IDLE, ACTIVE // 5 if quick else ACTIVE, 8 if quick else 20)
        rows += rows_of_sockets(figures["sockets"])
    if "long" in only:
        figures["long"] = long_conversations.run(8 if quick else 30)
        rows += rows_of_long(figures["long"])
    return figures, rows


def print_table(rows: Sequence[Row], figures: Mapping[str, Any], console: Console) -> None:
    table = Table("", "target", "measured", "", "what dominates", show_lines=True)
    for row in rows:
        table.add_row(row.what, row.target, row.measured, {True: "✓", False: "✗", None: ""}[row.met], row.dominates)
    console.print(table)
    console.print(f"cores {figures['cores']}, load {figures['load']:.1f} at the end, {figures['seconds']:.0f} s")


if __name__ == "__main__":
    main()
