"""The commands of training: how each is called. The work is in the modules they import when they run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

from knowledge.commands import subcommand
from knowledge.folder import DEFAULT_DIR
from training import cli_llm

Json = typer.Option(False, "--json", help="Print one JSON document.")
Directory = typer.Option(DEFAULT_DIR, "--dir", help="The shop's folder.", show_default=str(DEFAULT_DIR))
Data = typer.Option(..., "--data", help="CSV with the header text,label, Rasa's nlu.yml, or a folder of them.")
NEGATIVES = ("assistant", "en", "nlu", "out_of_scope.yml")


def commands(app: typer.Typer, services: Any) -> None:
    """Register them all."""
    train, evaluate = subcommand(app, "train"), subcommand(app, "evaluate")
    _train(train)
    _evaluate(evaluate)
    cli_llm.train_commands(train)
    cli_llm.evaluate_commands(evaluate)
    cli_llm.own_commands(app)


def _train(group: typer.Typer) -> None:
    @group.command("intent")
    def intent(
        data: Path = Data,
        out: Path = typer.Option(..., "--out", help="Folder to write."),
        encoder: str = typer.Option("frozen", help="frozen (shared with search), tuned, or auto (the better)."),
        minutes: float = typer.Option(5.0, min=0.1, help="Time for tuning the encoder."),
        oos_share: float = typer.Option(0.4, min=0.0, max=0.9, help="Part of messages expected to be out of scope."),
        seed: int = typer.Option(0, help="The same seed and data give the same model."),
        directory: Path = Directory,
        as_json: bool = Json,
    ) -> None:
        """Train an intent classifier on labelled messages."""
        import bot
        from knowledge.embedders import load_embedder
        from knowledge.errors import BadInput
        from training.intent import ENCODERS, IntentSettings, train_intent

        if encoder not in ENCODERS:
            raise BadInput(f"--encoder {encoder}: not known (use {', '.join(ENCODERS)})")
        settings = IntentSettings(seed=seed, encoder=encoder, minutes=minutes, oos_share=oos_share,
                                  negatives=Path(bot.__file__).parent.joinpath(*NEGATIVES))
        manifest = train_intent(data, out, load_embedder(directory), settings, report=_to_stderr,
                                command=f"shopclerk train intent --data {data.name} --encoder {encoder} --seed {seed}")
        print(json.dumps({"out": str(out), **manifest.metrics}) if as_json else _train_text(out, manifest.metrics))


def _evaluate(group: typer.Typer) -> None:
    @group.command("intent")
    def intent(
        model: Path = typer.Option(..., "--model", help="Folder written by 'shopclerk train intent'."),
        data: Path = Data,
        predictions: Path | None = typer.Option(None, "--predictions", help="Write one JSON line per row here."),
        directory: Path = Directory,
        as_json: bool = Json,
    ) -> None:
        """Measure an intent classifier on labelled messages."""
        from bot.nlu.classifier import IntentClassifier
        from knowledge.embedders import load_embedder
        from training.evaluate_intent import evaluate_intent
        from training.intent_data import read_examples

        examples = read_examples(data)
        figures = evaluate_intent(IntentClassifier.load(model, load_embedder(directory)), examples, predictions)
        print(json.dumps(figures, ensure_ascii=False) if as_json else _figures_text(figures))


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def _train_text(out: Path, metrics: dict[str, Any]) -> str:
    return "\n".join([f"wrote {out}", *(f"  {name:22} {value:.4g}" for name, value in metrics.items())])


def _figures_text(figures: dict[str, Any]) -> str:
    plain = {name: value for name, value in figures.items() if name != "per_label"}
    lines = [f"{name:18} {'–' if value is None else f'{value:.4f}' if isinstance(value, float) else value}"
             for name, value in plain.items()]
    worst = sorted(figures["per_label"].items(), key=lambda item: item[1]["f1"])[:5]
    return "\n".join([*lines, "weakest intents:", *(f"  {name:36} f1 {row['f1']:.3f}" for name, row in worst)])
