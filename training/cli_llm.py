"""The commands around language models: train llm, evaluate generation, quantise. The work is in the modules they import."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

Json = typer.Option(False, "--json", help="Print one JSON document.")
_ROWS = 'JSON Lines: {"messages": [{"role", "content"}, …]}'


def train_commands(group: typer.Typer) -> None:
    """`shopclerk train llm`."""

    @group.command("llm")
    def llm(
        data: Path = typer.Option(..., "--data", help=f"{_ROWS}, the last message the assistant's."),
        out: Path = typer.Option(..., "--out", help="Folder to write."),
        base: str = typer.Option("embedded", help="'embedded', or a folder with a causal language model."),
        validation: Path | None = typer.Option(None, help="Rows to look at; else a part of the data is held out."),
        method: str = typer.Option("full", help="full, or lora (adapters of low rank)."),
        keep_adapter: bool = typer.Option(False, "--keep-adapter/--merge", help="lora: write the adapter, not a whole model."),
        rank: int = typer.Option(16, min=1, help="lora: rank of the adapters."),
        schedule: str = typer.Option("cosine", help="constant, linear, cosine, step, exponential."),
        warmup: float = typer.Option(0.03, min=0.0, help="Below 1: part of the run; else steps."),
        decay: float = typer.Option(0.8, min=0.0, max=1.0, help="exponential: lr · decay^epoch; step: every --step-epochs."),
        step_epochs: int = typer.Option(1, min=1, help="step: epochs between two steps."),
        lr: float | None = typer.Option(None, min=0.0, help="Learning rate; else one that suits the model's size."),
        epochs: float | None = typer.Option(None, min=0.001, help="Else 10, more where the data are few."),
        minutes: float | None = typer.Option(None, min=0.01, help="At most so long, the schedule with it; embedded: 15."),
        batch_tokens: int = typer.Option(2048, min=16, help="Tokens computed together, padding included."),
        accumulate: int = typer.Option(1, min=1, help="Batches for one step."),
        checkpointing: bool = typer.Option(False, help="Compute activations twice and keep fewer: less memory."),
        patience: int = typer.Option(3, min=0, help="Stop after so many looks without a better validation loss; 0: never."),
        precision: str = typer.Option("auto", help="auto (bf16 where the hardware has it), bf16, fp32."),
        longest: int | None = typer.Option(None, min=8, help="Tokens of an example; longer ones are left out."),
        decoding: bool = typer.Option(True, help="Measure how replies are best decoded (needs rows to look at)."),
        seed: int = typer.Option(0, help="The same seed, data and epochs give the same model."),
        as_json: bool = Json,
    ) -> None:
        """Fine-tune a language model on conversations. Interrupted, the same command goes on where it stood."""
        from training.cli_llm_train import run

        run(locals())


def evaluate_commands(group: typer.Typer) -> None:
    """`shopclerk evaluate generation`."""

    @group.command("generation")
    def generation(
        model: str = typer.Option(..., "--model", help="Folder of a language model, or 'embedded'."),
        data: Path = typer.Option(..., "--data", help=f'{_ROWS}, with "references" or an assistant\'s last message.'),
        predictions: Path | None = typer.Option(None, "--predictions", help='Write {"text"} for each row here.'),
        group: str = typer.Option("none", help="References of: none (each row's own), prompt (rows with the same prompt), "
                                  "delexicalised (rows that differ in their values only)."),
        decode: str = typer.Option("stored", help="stored (as the artifact says), greedy, beam, consensus."),
        candidates: int = typer.Option(24, min=1, help="beam, consensus: of how many."),
        temperature: float = typer.Option(0.8, min=0.01, help="consensus: drawn at."),
        longest: int = typer.Option(256, min=1, help="Tokens of a reply, where the artifact does not say."),
        limit: int | None = typer.Option(None, min=1, help="The first rows only."),
        seed: int = typer.Option(0, help="For what is drawn."),
        as_json: bool = Json,
    ) -> None:
        """Measure a language model's replies: BLEU, chrF, ROUGE-L, slot error, groundedness, perplexity."""
        from knowledge.errors import BadInput
        from training.evaluate_generation import evaluate_generation
        from training.llm_data import read_rows
        from training.references import GROUPS
        from training.replies import METHODS, Way

        if group not in GROUPS:
            raise BadInput(f"--group {group}: not known (use {', '.join(GROUPS)})")
        if decode not in ("stored", *METHODS):
            raise BadInput(f"--decode {decode}: not known (use stored, {', '.join(METHODS)})")
        way = None if decode == "stored" else Way(decode, 1 if decode == "greedy" else candidates, temperature, longest)
        rows = read_rows(data, measured=True)[:limit]
        figures = evaluate_generation(model, rows, group=group, way=way, predictions=predictions, seed=seed)
        print(json.dumps(figures, ensure_ascii=False) if as_json else figures_text(figures))


def own_commands(app: typer.Typer) -> None:
    """`shopclerk quantise`."""

    @app.command("quantise")
    def quantise(
        model: Path = typer.Argument(..., help="Folder of a language model; DIR/ct2 is written."),
        kind: str = typer.Option("int8", help="int8, int8_float32, int8_float16, int16, float16, bfloat16, float32."),
        data: Path | None = typer.Option(None, "--data", help="Rows to compare speed and quality on, before and after."),
        limit: int = typer.Option(200, min=1, help="Compare on so many rows."),
        as_json: bool = Json,
    ) -> None:
        """Make the fast form of a language model (CTranslate2), and show what it costs and gains."""
        from training.quantise import quantise, table_text

        figures = quantise(model, kind, data, limit, report=to_stderr)
        print(json.dumps(figures, ensure_ascii=False) if as_json else table_text(figures))


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def figures_text(figures: dict[str, Any]) -> str:
    shown = {name: "–" if v is None else f"{v:.4f}" if isinstance(v, float) else v for name, v in figures.items()}
    return "\n".join(f"{name:26} {value}" for name, value in shown.items())
