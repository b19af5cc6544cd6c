"""Plays the retail store's customers through the real assistant and prints how many were served rightly.

    python benchmarks/retail_tasks.py [--store DIR] [--only 0,1] [--jobs 2] [--verbose] [--json] [--transcripts DIR]

Each customer is played on a fresh copy of the ingested store, over the Rasa REST channel; the whole exported store is
then compared with the expected one, and what had to be said with what was said. `--extra` plays our own tasks instead
(changes of the payment method, which none of the store's tasks asks for).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")       # one core per customer: the pool is the parallelism

from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402

from benchmarks.retail.arena import CommandFailed, Result, ingested, run_task  # noqa: E402
from benchmarks.retail.report import print_table, summary, write_transcript  # noqa: E402
from benchmarks.retail.script import Script, read_script  # noqa: E402
from benchmarks.retail.store import Task, read_tasks  # noqa: E402

DATA = ROOT / "benchmarks" / "data"
CACHE = ROOT / "var" / "retail"


def main() -> int:
    arguments = _arguments()
    log = Console(stderr=True)
    if not (arguments.store / "orders.jsonl").exists():
        log.print(f"{arguments.store}: no orders.jsonl there; name the store's folder with --store")
        return 2
    jobs = _jobs(arguments)
    try:
        shop = ingested(arguments.store, CACHE)
    except CommandFailed as error:
        log.print(f"the store could not be ingested: {error}", markup=False)
        return 1
    results = _run(jobs, arguments, shop, log)
    if arguments.transcripts:
        for (task, _), result in zip(jobs, results, strict=True):
            write_transcript(arguments.transcripts, task, result)
    if arguments.json:
        print(json.dumps(summary(results), ensure_ascii=False))
    else:
        print_table(results, Console(), arguments.verbose)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store", type=Path, default=ROOT.parent / "shared" / "stores" / "retail")
    parser.add_argument("--extra", action="store_true", help="our own tasks instead of the store's")
    parser.add_argument("--only", default="", help="task ids, comma-separated")
    parser.add_argument("--jobs", type=int, default=2, help="customers at a time, each in a process of its own")
    parser.add_argument("--verbose", action="store_true", help="every difference, not only the first two")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--transcripts", type=Path, help="folder for one Markdown file per conversation")
    return parser.parse_args()


def _jobs(arguments: argparse.Namespace) -> list[tuple[Task, Script]]:
    tasks = read_tasks(DATA / "retail_extra_tasks.jsonl" if arguments.extra else arguments.store / "tasks_train.jsonl")
    wanted = {name.strip() for name in arguments.only.split(",") if name.strip()}
    if unknown := wanted - {task.id for task in tasks}:
        sys.exit(f"no task {', '.join(sorted(unknown))}")
    scripts = DATA / "retail_conversations"
    return [(task, read_script(scripts / f"{task.id}.yml")) for task in tasks if not wanted or task.id in wanted]


def _run(jobs: list[tuple[Task, Script]], arguments: argparse.Namespace, shop: Path, log: Console) -> list[Result]:
    """Results in the order of `jobs`."""
    if arguments.jobs <= 1:
        return [run_task(*job, arguments.store, shop, CACHE) for job in track(jobs, "playing", console=log)]
    found: dict[str, Result] = {}
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(run_task, *job, arguments.store, shop, CACHE): job[0].id for job in jobs}
        for done in track(as_completed(running), "playing", total=len(running), console=log):
            found[running[done]] = done.result()
    return [found[task.id] for task, _ in jobs]


if __name__ == "__main__":
    sys.exit(main())
