"""The long runs: `python -m tests.soak [--short] [--only crash,order] [--database sqlite,postgresql]` (`make soak`).

Prints a table and writes var/soak/report.json; exit code 1 when a promise was not kept. PostgreSQL is the server that
DATABASE_URL names, or this machine's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from benchmarks.demo_folder import ROOT, demo_folder
from tests.soak.place import Place, fresh_database, on_postgresql, on_sqlite
from tests.soak.plan import LONG, SCENARIOS, SHORT, Figures, Outcome

WORK = ROOT / "var" / "soak"
LOCAL_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


@asynccontextmanager
async def place_on(database: str, made: Path, folder: Path) -> AsyncIterator[Place]:
    if database == "sqlite":
        yield on_sqlite(made, folder)
        return
    async with fresh_database(os.environ.get("DATABASE_URL", LOCAL_POSTGRES)) as url:
        yield await on_postgresql(made, folder, url)


async def run(name: str, database: str, made: Path, how: Figures, console: Console) -> dict[str, Any]:
    """One scenario on one database, from a fresh shop."""
    work = WORK / f"{name}-{database}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    began = time.monotonic()
    with Bar(console=console, transient=True) as bar:
        task = bar.add_task(f"{name} on {database}", total=None)

        def progress(what: str, done: int, of: int) -> None:
            bar.update(task, description=f"{name} on {database}: {what}", completed=done, total=of)

        async with place_on(database, made, work / "shop") as place:
            try:
                outcome = await SCENARIOS[name](place, work / "server.log", how, progress)
            except Exception as error:  # a run that breaks off is a promise not kept; the other runs go on
                outcome = Outcome("", name, {}, {"broke off": f"{type(error).__name__}: {error}"[-600:]})
    return asdict(outcome) | {"database": database, "seconds": round(time.monotonic() - began, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--short", action="store_true", help="with the figures of the test suite")
    parser.add_argument("--only", default=",".join(SCENARIOS), help="scenarios, separated by commas")
    parser.add_argument("--database", default="sqlite,postgresql")
    arguments = parser.parse_args()
    names, databases = arguments.only.split(","), arguments.database.split(",")
    if unknown := (set(names) - set(SCENARIOS)) | (set(databases) - {"sqlite", "postgresql"}):
        parser.error(f"not known: {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}; sqlite, postgresql")
    console = Console(stderr=True)
    made, how, rows = demo_folder(), SHORT if arguments.short else LONG, []
    for name in names:
        for database in databases:
            rows.append(asyncio.run(run(name, database, made, how, console)))
            console.print(table(rows[-1:]))
    report = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": _machine(), "command": sys.argv[1:],
              "figures": asdict(how), "runs": rows}
    (WORK / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    Console().print(table(rows))
    return int(any(row["faults"] for row in rows))


def table(rows: Sequence[dict[str, Any]]) -> Table:
    found = Table("promises", "scenario", "database", "s", "figures", "faults", show_lines=True)
    for row in rows:
        found.add_row(row["promises"], row["scenario"], row["database"], f"{row['seconds']:.0f}",
                      _words(row["figures"]), _words(row["faults"]) or "none")
    return found


def _words(figures: dict[str, Any]) -> str:
    flat = figures | (figures.get("finding") or {})
    plain = {name: value for name, value in flat.items() if isinstance(value, int | float | str)}
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in plain.items() if value)


def _number(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main())
