"""How soon shopclerk answers after it is started, which imports that time goes to, and what it holds in memory then.

Run: `python -m benchmarks.startup [--repeat 7] [--json]`. Every measure is a fresh process; the first run of each warms
the disk's cache and does not count. Times are medians with the shortest beside them; "Python" is an interpreter that
does nothing, the floor under both.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.demo_folder import ROOT, copy_of, demo_folder

_OPEN = """
import asyncio, json, os, sys, time
start = time.perf_counter(); cpu = time.process_time()
from pathlib import Path
from benchmarks.machine import resident_mb
bare = resident_mb()
from bot.bootstrap import open_shop
from bot.domain.message import InboundMessage
imported = time.perf_counter(); memory = resident_mb()
async def main():
    async with await open_shop(Path(sys.argv[1])) as shop:
        opened = time.perf_counter(); opened_memory = resident_mb()
        await shop.inbox.receive(InboundMessage(f"start-{os.getpid()}", "how long does shipping take?"))
        first = time.perf_counter()
        await shop.inbox.receive(InboundMessage(f"start-{os.getpid()}", "do you ship to Canada?"))
        second = time.perf_counter()
    print(json.dumps({"import_ms": (imported - start) * 1000, "open_ms": (opened - imported) * 1000,
                      "ready_ms": (opened - start) * 1000, "first_turn_ms": (first - opened) * 1000,
                      "second_turn_ms": (second - first) * 1000, "bare_mb": bare, "imported_mb": memory,
                      "opened_mb": opened_memory, "after_turns_mb": resident_mb()}))
asyncio.run(main())
"""
# As installed: modules are compiled once (here by the run that warms up), whatever this process was told.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_IMPORT_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")


def timed(command: Sequence[str], repeat: int) -> dict[str, float]:
    """Wall and processor milliseconds of a command, median and least."""
    walls, cpus = [], []
    for _ in range(repeat + 1):
        before, start = os.times(), time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=_ENVIRONMENT, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        walls.append((time.perf_counter() - start) * 1000)
        after = os.times()
        cpus.append(1000 * (after.children_user - before.children_user
                            + after.children_system - before.children_system))
    return {"wall_ms": statistics.median(walls[1:]), "least_wall_ms": min(walls[1:]),
            "cpu_ms": statistics.median(cpus[1:])}


def opening(repeat: int) -> dict[str, Any]:
    """From nothing to a shop that answers: medians, and the least of each."""
    folder = copy_of(demo_folder(), "startup")
    runs = []
    for _ in range(repeat + 1):
        done = subprocess.run([sys.executable, "-c", _OPEN, str(folder)], cwd=ROOT, env=_ENVIRONMENT, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        runs.append(json.loads(done.stdout))
    return {key: {"median": statistics.median(r[key] for r in runs[1:]), "least": min(r[key] for r in runs[1:])}
            for key in runs[0]}


def imports(arguments: Sequence[str]) -> list[tuple[str, float]]:
    """Top-level packages by the milliseconds that their own modules took to run, longest first."""
    done = subprocess.run([sys.executable, "-X", "importtime", *arguments], cwd=ROOT, env=_ENVIRONMENT, check=True,
                          capture_output=True, text=True)
    spent: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        if match := _IMPORT_LINE.match(line):
            spent[match.group(4).split(".")[0]] += int(match.group(1))
    return [(name, microseconds / 1000) for name, microseconds in spent.most_common()]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    figures = {
        "python": timed([sys.executable, "-c", "pass"], arguments.repeat),
        "help": timed([sys.executable, "-m", "bot", "--help"], arguments.repeat),
        "open": opening(arguments.repeat),
        "help_imports": imports(["-m", "bot", "--help"])[:8],
        "open_imports": imports(["-c", "import bot.bootstrap, onnxruntime, faiss, tokenizers"])[:14]}
    print(json.dumps(figures)) if arguments.json else print_tables(figures, Console(width=140))


def print_tables(figures: dict[str, Any], console: Console) -> None:
    table = Table("command", "wall ms", "least", "CPU ms", title="Commands")
    for name in ("python", "help"):
        of = figures[name]
        table.add_row("Python" if name == "python" else "shopclerk --help",
                      *(f"{of[key]:.0f}" for key in ("wall_ms", "least_wall_ms", "cpu_ms")))
    console.print(table)
    table = Table("a shop is opened", "median", "least")
    for key, of in figures["open"].items():
        table.add_row(key.replace("_", " "), f"{of['median']:.0f}", f"{of['least']:.0f}")
    console.print(table)
    for name, title in (("help_imports", "--help imports"), ("open_imports", "serving imports")):
        console.print(f"{title}, own ms: " + ", ".join(f"{package} {ms:.0f}" for package, ms in figures[name]))


if __name__ == "__main__":
    main()
