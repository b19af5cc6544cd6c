"""Trains the intent classifier: examples in, an artifact folder out.

It orders the steps (read, embed, calibrate on held-out messages, fit on all, write); the steps are in the modules it
imports. It knows no command line.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.nlu.classifier import ENCODER_FOLDER, OOS, WEIGHTS_FILE, IntentWeights, write_weights
from knowledge.artifact import Manifest, sha256_files, write_manifest
from knowledge.errors import DataError
from knowledge.ports import Embedder, Vectors
from training.intent_data import Example, data_files, read_examples
from training.intent_fit import GramTable
from training.intent_scope import LabelledRows, Learned, fit_rows, learn_from_folds
from training.out_folder import check_target, put_in_place

if TYPE_CHECKING:
    from training.encoder_tuning import TunedEncoder

ENCODERS = ("frozen", "tuned", "auto")
_TOO_CLOSE = 0.6          # cosine: a general out-of-scope message this near to an example may be in scope here
_PACKAGES = ("numpy", "scikit-learn", "scipy", "onnxruntime")
Report = Callable[[str], None]


@dataclass(frozen=True)
class IntentSettings:
    """`oos_share`: the part of messages expected to fit no intent in service. `minutes` bounds encoder tuning."""

    seed: int = 0
    encoder: str = "frozen"
    minutes: float = 5.0
    oos_share: float = 0.4
    negatives: Path | None = None     # messages out of scope for most shops, used where the data has no `oos`


def train_intent(data: Path, out: Path, embedder: Embedder, settings: IntentSettings, *, command: str = "",
                 report: Report = lambda line: None) -> Manifest:
    """Write `out` in one step. Raises DataError for unusable data, BadInput for a folder that holds something else."""
    check_target(out)
    examples = read_examples(data)
    check_examples(data, examples)
    started = time.perf_counter()
    report(f"{len(examples)} examples of {len({e.label for e in examples} - {OOS})} intents")
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        tuned = _tuned_encoder(examples, work / ENCODER_FOLDER, embedder, settings, report)
        weights, learned = fit_examples(examples, embedder, settings, tuned)
        write_weights(work / WEIGHTS_FILE, weights)
        seconds = time.perf_counter() - started
        manifest = Manifest(
            kind="intent", command=command, data_hash=sha256_files(data_files(data)), seed=settings.seed,
            versions={name: metadata.version(name) for name in _PACKAGES},
            metrics={**learned.metrics, "seconds": round(seconds, 1)},
            settings={"encoder": tuned.name if tuned else embedder.name, "encoder_tuned": tuned is not None,
                      "dimension": embedder.dimension, "oos_share": settings.oos_share, "labels": list(weights.labels),
                      "examples": len(examples), "mix": [round(float(m), 4) for m in weights.mix]})
        write_manifest(work, manifest)
        put_in_place(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def check_examples(path: Path, examples: Sequence[Example]) -> None:
    """Raises DataError where nothing can be learned: fewer than two intents, or one message for each."""
    counts = Counter(e.label for e in examples if e.label != OOS)
    if len(counts) < 2:
        only = f"only the label '{next(iter(counts))}'" if counts else "no label besides oos"
        raise DataError(str(path), f"holds {only}", field="label", remedy="give examples of at least two intents")
    if max(counts.values()) < 2:
        raise DataError(str(path), "every intent has one example", remedy="give at least two, better ten")


def fit_examples(examples: Sequence[Example], embedder: Embedder, settings: IntentSettings,
                 tuned: TunedEncoder | None = None) -> tuple[IntentWeights, Learned]:
    """The classifier's weights, and what the held-out folds said."""
    data = _labelled(examples, embedder, settings, tuned)
    learned = learn_from_folds(data, oos_share=settings.oos_share, seed=settings.seed)
    weights = fit_rows(data, np.arange(len(data.texts)), range(len(data.labels)), settings.seed)
    return replace(weights, mix=learned.mix, scope=learned.scope), learned


def _labelled(examples: Sequence[Example], shared: Embedder, settings: IntentSettings,
              tuned: TunedEncoder | None) -> LabelledRows:
    embedder = tuned.embedder if tuned else shared
    fresh = tuned.unseen if tuned else np.ones(len(examples), dtype=bool)
    labels = tuple(sorted({e.label for e in examples} - {OOS}))
    column = {label: place for place, label in enumerate(labels)} | {OOS: -1}
    texts = [e.text for e in examples]
    vectors = embedder.embed(texts)
    columns = [column[e.label] for e in examples]
    if settings.negatives and -1 not in columns:
        far, far_vectors = _far_negatives(settings.negatives, embedder, vectors)
        texts, columns = texts + far, columns + [-1] * len(far)
        vectors = np.concatenate([vectors, far_vectors])
        fresh = np.concatenate([fresh, np.ones(len(far), dtype=bool)])
    return LabelledRows(texts, vectors, np.array(columns, dtype=np.int32), labels, GramTable(texts), fresh)


def _far_negatives(path: Path, embedder: Embedder, known: Vectors) -> tuple[list[str], Vectors]:
    """General out-of-scope messages, without those that this very label space may well serve."""
    texts = [e.text for e in read_examples(path)]
    vectors = embedder.embed(texts)
    far = (vectors @ known.T).max(axis=1) < _TOO_CLOSE
    return [text for text, keep in zip(texts, far, strict=True) if keep], vectors[far]


def _tuned_encoder(examples: Sequence[Example], folder: Path, embedder: Embedder, settings: IntentSettings,
                   report: Report) -> TunedEncoder | None:
    if settings.encoder == "frozen":
        return None
    from training.encoder_tuning import tune_encoder

    return tune_encoder(examples, folder, settings.minutes, settings.seed, frozen=embedder,
                        only_if_better=settings.encoder == "auto", report=report)
