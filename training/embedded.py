"""Makes the model that shopclerk ships: corpus, tokenizer, training from nothing, int8 for serving.

    python -m training.embedded [--minutes 100] [--out bot/llm/weights] [--work var/model]

Each step is left out where its result is there already, and training goes on from its last checkpoint, so an
interrupted run is started again with the same command. It orders the steps; they are in the modules it imports.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bot.llm
from bot.llm.phrasers import fingerprint
from bot.llm.places import FILE as PLACES
from bot.llm.places import Places
from bot.llm.spans import TAG
from knowledge.artifact import MANIFEST, Manifest, read_manifest, sha256_files, write_manifest
from training.corpus.mix import sources, write_rows, written_files
from training.corpus.written import read_written
from training.llm_new import Size, new_model

SIZE = Size(vocabulary=4096, hidden=192, layers=6, heads=4, inner=512, context=1024)
WEIGHTS = Path(bot.llm.__file__).parent / "weights"
_HELD_OUT_SEED = 1_000_003  # added to the seed: the rows looked at are drawn apart
_TOKENIZER_ROWS = 30_000


@dataclass(frozen=True, slots=True)
class Making:
    """`rows` are seen `epochs` times. `minutes` ends the training earlier, with its learning rate at its end by then."""

    out: Path = WEIGHTS
    work: Path = Path("var/model")
    rows: int = 300_000
    epochs: float = 1
    held_out: int = 1_000
    minutes: float = 100.0
    seed: int = 7
    rate: float = 2.5e-3
    batch_tokens: int = 2048
    size: Size = SIZE


def make(making: Making) -> Manifest:
    """Write `out`. The same settings and corpus give the same rows and the same start."""
    corpus = sha256_files(written_files())
    work = making.work / corpus[:12]
    work.mkdir(parents=True, exist_ok=True)
    rows, held_out, base = work / "rows.jsonl", work / "held_out.jsonl", work / "base"
    if not rows.is_file():
        _say(f"writing {making.rows} rows: " + ", ".join(f"{t} {n} {s:.0%}" for (t, n), s in sources().items()))
        write_rows(held_out, making.held_out, making.seed + _HELD_OUT_SEED)
        write_rows(rows, making.rows, making.seed, os.cpu_count() or 1)
    if not (base / "config.json").is_file():
        _say("making the tokenizer")
        new_model(base, _texts(rows), making.size, making.seed)
    trained = work / "trained"
    if not (trained / MANIFEST).is_file():
        _train(making, rows, held_out, base, trained)
    return _release(making, trained, rows, corpus)


def _train(making: Making, rows: Path, held_out: Path, base: Path, trained: Path) -> None:
    from training.llm import LlmSettings, train_llm
    from training.llm_loop import Pace
    from training.schedules import Schedule

    pace = Pace(
        Schedule("cosine", making.rate, 0.02),
        epochs=making.epochs,
        minutes=making.minutes,
        batch_tokens=making.batch_tokens,
        patience=0,
        seed=making.seed,
    )
    train_llm(rows, held_out, trained, LlmSettings(pace, str(base), decoding=False), command="make model", report=_say)


def _release(making: Making, trained: Path, rows: Path, corpus: str) -> Manifest:
    """Half-precision weights to train on from, int8 to serve; with the fingerprints of what it learned to say."""
    from training.quantise import quantise

    release = trained.with_name("release")
    shutil.rmtree(release, ignore_errors=True)
    shutil.copytree(trained, release)
    _halve(release)
    Places.learn(_placed(rows)).write(release / PLACES)
    quantise(release)
    manifest = read_manifest(trained, kind="llm")
    manifest = Manifest(
        kind="llm",
        command="make model",
        data_hash=corpus,
        seed=making.seed,
        versions=manifest.versions,
        metrics=manifest.metrics,
        settings={**manifest.settings, "base": "new", "responses": known_responses(), "tasks": sorted({t for t, _ in sources()})},
    )
    write_manifest(release, manifest)
    shutil.rmtree(making.out, ignore_errors=True)
    shutil.copytree(release, making.out)
    return manifest


def known_responses() -> dict[str, str]:
    """language/response → fingerprint of the texts it learned to say in its own words."""
    known = {}
    for task, language in sources():
        if task == "rephrase":
            written = read_written(language)
            for name in written.entries:
                known[f"{language}/utter_{name}"] = fingerprint(written.templates[name].texts)
    return known


def _placed(rows: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(response, reply, tag → fact) of every row of rephrase, read back from its prompt's lines."""
    with rows.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["task"] != "rephrase":
                continue
            prompt, reply = (message["content"] for message in row["messages"])
            fields = [part.partition(": ") for part in prompt.split("\n")[1:]]
            names = {value.split(" ", 1)[0]: name for name, _, value in fields if TAG.match(value)}
            response = next(value for name, _, value in fields if name == "act")
            yield response, reply, names


def _halve(folder: Path) -> None:
    """Weights in bfloat16: half the size, and as good to start a training from."""
    import torch
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, local_files_only=True).save_pretrained(folder)


def _texts(rows: Path) -> Iterator[str]:
    """Prompts and replies of the first rows: enough for the tokenizer."""
    with rows.open(encoding="utf-8") as file:
        for line in itertools.islice(file, _TOKENIZER_ROWS):
            yield from (message["content"] for message in json.loads(line)["messages"])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Making()
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--work", type=Path, default=usual.work)
    parser.add_argument("--rows", type=int, default=usual.rows)
    parser.add_argument("--epochs", type=float, default=usual.epochs)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--rate", type=float, default=usual.rate)
    a = parser.parse_args()
    made = make(Making(a.out, a.work, a.rows, a.epochs, minutes=a.minutes, seed=a.seed, rate=a.rate))
    print(json.dumps(made.metrics, indent=1))


if __name__ == "__main__":
    main()
