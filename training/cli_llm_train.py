"""`shopclerk train llm`: from options to settings, with a bar that shows how far it is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from knowledge.errors import BadInput
from training.cli_llm import figures_text, to_stderr

_MINUTES = 15.0  # for the embedded model, where nobody says how long: with choosing the decoding some 18
_PRECISIONS = ("auto", "bf16", "fp32")


def run(options: dict[str, Any]) -> None:
    """Check what can be checked before anything heavy is loaded, train, print."""
    from training.llm import METHODS, train_llm
    from training.schedules import SCHEDULES

    for name, known in (("method", METHODS), ("schedule", SCHEDULES), ("precision", _PRECISIONS)):
        if options[name] not in known:
            raise BadInput(f"--{name} {options[name]}: not known (use {', '.join(known)})")
    if options["keep_adapter"] and options["method"] != "lora":
        raise BadInput("--keep-adapter: there is no adapter with --method full (add --method lora)")
    first = os.environ.get("RANK", "0") == "0"  # of several processes one speaks
    data, out, validation = options["data"], options["out"], options["validation"]
    with _progress() as show:
        manifest = train_llm(data, validation, out, settings_from(options), command=command_from(options),
                             report=to_stderr if first else lambda line: None, show=show)
    if not first:
        return
    print(json.dumps({"out": str(out), **manifest.metrics}) if options["as_json"]
          else f"wrote {out}\n{figures_text(manifest.metrics)}")


def settings_from(options: dict[str, Any]) -> Any:
    from training.llm import LlmSettings
    from training.llm_loop import Pace
    from training.lora import Lora
    from training.schedules import Schedule

    schedule = Schedule(options["schedule"], options["lr"] or 0.0, options["warmup"], options["decay"], options["step_epochs"])
    short = options["base"] == "embedded" and not options["epochs"]
    minutes = options["minutes"] or (_MINUTES if short else None)
    pace = Pace(schedule, options["epochs"], minutes, options["batch_tokens"], options["accumulate"],
                options["patience"], options["checkpointing"], options["precision"], options["seed"])
    return LlmSettings(pace, options["base"], options["method"], options["keep_adapter"],
                       Lora(options["rank"], 2 * options["rank"]), options["longest"], options["decoding"])


def command_from(options: dict[str, Any]) -> str:
    """The command as it could be given again, with names of files and not where they are."""
    from pathlib import Path

    said = ["shopclerk train llm"]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if name in ("out", "as_json") or value is None or value is False:
            continue
        if name == "decoding":
            continue
        if value is True:
            said.append(flag)
        else:
            said.append(f"{flag} {value.name if isinstance(value, Path) else Path(value).name if name == 'base' else value}")
    return " ".join(said)


@contextmanager
def _progress() -> Iterator[Callable[[Any, float], None]]:
    """A bar on a terminal; elsewhere the reported lines are enough."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal or os.environ.get("RANK", "0") != "0":
        yield lambda at, part: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
               TextColumn("{task.fields[seen]}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("training", total=1.0, seen="")

        def show(at: Any, part: float) -> None:
            speed = at.tokens / max(at.seconds, 1e-9)
            bar.update(task, completed=part, seen=f"loss {at.train[-1][1]:.3f}, {speed:,.0f} tokens/s")

        yield show
