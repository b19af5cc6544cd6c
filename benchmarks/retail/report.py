"""Shows results: a table for people, one JSON document for machines, Markdown transcripts of the conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.retail.arena import Result
from benchmarks.retail.faults import CHECKED, FAULTS
from benchmarks.retail.store import Task

COLOURS = {"ok": "green", "state wrong": "red", "words missing": "yellow", "error": "magenta"}


def summary(results: Sequence[Result]) -> dict[str, Any]:
    good = sum(r.verdict == "ok" for r in results)
    return {"tasks": len(results), "ok": good, "success": round(good / len(results), 4) if results else 0.0,
            "turns": sum(len(r.played.turns) for r in results),
            "results": [{"id": r.id, "verdict": r.verdict, "diff": r.diff, "missing": r.missing,
                         "turns": len(r.played.turns), "notes": r.played.notes, "error": r.played.error,
                         "seconds": round(r.seconds, 2)} for r in results],
            "faults": {key: fault.reason for key, fault in FAULTS.items()}, "checked": CHECKED}


def print_table(results: Sequence[Result], console: Console, verbose: bool = False) -> None:
    table = Table(title="Retail customers", show_lines=verbose)
    for heading in ("task", "verdict", "turns", "s", "what is wrong"):
        table.add_column(heading, overflow="fold")
    for result in results:
        wrong = [*result.diff, *(f'not said: "{word}"' for word in result.missing), result.played.error,
                 *(f"({note})" for note in result.played.notes)]
        wrong = [line for line in wrong if line]
        shown = wrong if verbose else wrong[:2] + ([f"… {len(wrong) - 2} more"] if len(wrong) > 2 else [])
        table.add_row(result.id, f"[{COLOURS[result.verdict]}]{result.verdict}[/]", str(len(result.played.turns)),
                      f"{result.seconds:.1f}", "\n".join(shown).replace("[", "\\["))
    console.print(table)
    total = summary(results)
    console.print(f"[bold]{total['ok']} of {total['tasks']} ({total['success']:.1%})[/], {total['turns']} turns")
    shown_ids = {result.id for result in results}
    for key, reason in [*((k, f.reason) for k, f in FAULTS.items()), *CHECKED.items()]:
        if key in shown_ids:
            console.print(f"  task {key}: {reason}", highlight=False)


def write_transcript(folder: Path, task: Task, result: Result) -> Path:
    """`folder/ID.md`: the goal, the verdict, the differences, then who said what."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"# Task {task.id}: {result.verdict}", "", f"> {' '.join(task.reason.split())}", ""]
    lines += [f"- {line}" for line in (*result.diff, *(f"not said: `{word}`" for word in result.missing))]
    lines += [f"- note: {note}" for note in result.played.notes]
    if result.played.error:
        lines.append(f"- error: {result.played.error}")
    for number, turn in enumerate(result.played.turns, 1):
        lines += ["", f"**{number}. Customer:** {turn.said}", ""]
        for reply in turn.replies:
            lines += _bubble(reply)
    path = folder / f"{task.id}.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _bubble(reply: Mapping[str, Any]) -> list[str]:
    custom = reply.get("custom") or {}
    lines = [f"> {line}" for line in (reply.get("text") or "").splitlines()]
    if buttons := reply.get("buttons"):
        lines.append("> " + " ".join(f"`[{button['title']}]`" for button in buttons))
    machine = [*(custom.get("responses") or ()), *(f"card:{card.get('kind')}" for card in custom.get("cards") or ())]
    if custom.get("requested_slot"):
        machine.append(f"asks {custom['requested_slot']}")
    return [*lines, f"> <sub>{', '.join(machine)}</sub>", ">"] if machine else [*lines, ">"]
