"""The intent trainer on labelled messages it was not built on: accuracy, few examples, out of scope, time.

Run: `python -m benchmarks.intents TRAIN TEST [--foreign FILE] [--quick]` with CSV or nlu.yml files. Three seeds where
rows or intents are drawn; every line is the mean of its runs; times include
embedding all messages once. `--foreign` names messages of another business, all
of which are out of scope (default: the shop assistant's own training data).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import bot
from bot.nlu.classifier import OOS, IntentClassifier
from knowledge.embedders import load_embedder
from knowledge.ports import Embedder
from training.evaluate_intent import evaluate_intent
from training.intent import IntentSettings, fit_examples
from training.intent_data import Example, read_examples

NLU = Path(bot.__file__).parent / "assistant" / "en" / "nlu"
COLUMNS = ("accuracy", "macro_f1", "mcc", "in_scope_accuracy", "oos_recall", "oos_precision")
SETTINGS = IntentSettings(negatives=NLU / "out_of_scope.yml")
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Trial:
    name: str
    train: Sequence[Example]
    test: Sequence[Example]


def some_of_each(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """`count` examples of every label."""
    by_label = defaultdict(list)
    for example in examples:
        by_label[example.label].append(example)
    random = np.random.default_rng(seed)
    return [group[i] for _, group in sorted(by_label.items()) for i in random.permutation(len(group))[:count]]


def without_labels(train: Sequence[Example], test: Sequence[Example], share: float,
                   seed: int) -> tuple[list[Example], list[Example]]:
    """A share of the intents is not taught; their test messages are out of scope."""
    labels = sorted({e.label for e in train})
    gone = set(np.random.default_rng(seed).permutation(labels)[:round(share * len(labels))].tolist())
    return ([e for e in train if e.label not in gone],
            [replace(e, label=OOS) if e.label in gone else e for e in test])


def trials(train: Sequence[Example], test: Sequence[Example], foreign: Sequence[Example], seed: int,
           quick: bool) -> Iterator[Trial]:
    few = some_of_each(train, 10, seed)
    outside = [replace(e, label=OOS) for e in foreign]
    yield Trial("10 examples an intent", few, test)
    yield Trial("10 examples, and foreign messages", few, [*test, *outside])
    yield Trial("10 examples, a quarter of the intents untaught", *without_labels(few, test, 0.25, seed))
    if quick or seed:
        return
    yield Trial("all examples", train, test)
    yield Trial("all examples, and foreign messages", train, [*test, *outside])
    yield Trial("all examples, a quarter of the intents untaught", *without_labels(train, test, 0.25, seed))


def run(trial: Trial, embedder: Embedder, seed: int) -> dict[str, float | None]:
    wall, cpu = time.perf_counter(), time.process_time()
    weights, _ = fit_examples(trial.train, embedder, replace(SETTINGS, seed=seed))
    spent = {"train_s": time.perf_counter() - wall, "train_cpu_s": time.process_time() - cpu}
    found = evaluate_intent(IntentClassifier(weights, embedder), trial.test)
    return {name: found[name] for name in COLUMNS} | spent


def table(results: dict[str, list[dict[str, float | None]]]) -> str:
    names = [*COLUMNS, "train_s", "train_cpu_s"]
    lines = ["| data | runs | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for trial, rows in results.items():
        cells = []
        for name in names:
            values = [value for row in rows if (value := row[name]) is not None]
            digits = 1 if name.endswith("_s") else 4
            cells.append(f"{statistics.mean(values):.{digits}f}" if values else "–")
        lines.append(f"| {trial} | {len(rows)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--foreign", type=Path)
    parser.add_argument("--quick", action="store_true", help="only with ten examples an intent")
    args = parser.parse_args()
    train, test = read_examples(args.train), read_examples(args.test)
    sources = [args.foreign] if args.foreign else sorted(p for p in NLU.glob("*.yml") if p.name != "out_of_scope.yml")
    foreign = [example for source in sources for example in read_examples(source)]
    results: dict[str, list[dict[str, float | None]]] = defaultdict(list)
    embedder = load_embedder()
    for seed in SEEDS:
        for trial in trials(train, test, foreign, seed, args.quick):
            results[trial.name].append(run(trial, embedder, seed))
    print(table(results))


if __name__ == "__main__":
    main()
