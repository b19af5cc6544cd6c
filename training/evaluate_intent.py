"""Measures an intent classifier on labelled messages. It knows the classifier and the figures, no command line."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.nlu.classifier import OOS, IntentClassifier
from training.intent_data import Example

_TIMED = 300              # messages classified one by one for the latency


def evaluate_intent(classifier: IntentClassifier, examples: Sequence[Example],
                    predictions: Path | None = None) -> dict[str, Any]:
    """Figures as in the interface; a rate over no rows at all is None.

    `predictions`: one JSON line per row is written there.
    """
    texts, truth = [e.text for e in examples], [e.label for e in examples]
    best = [ranking[0] for ranking in classifier.classify(texts)]
    if predictions:
        lines = (json.dumps({"text": t, "label": label, "confidence": round(p, 6)}, ensure_ascii=False)
                 for t, (label, p) in zip(texts, best, strict=True))
        predictions.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return figures(truth, [label for label, _ in best]) | {"latency_ms_p50": _latency(classifier, texts)}


def figures(truth: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro F1 over the labels in truth or answers, Matthews' coefficient (Gorodkin 2004), and scope."""
    from sklearn.metrics import f1_score, matthews_corrcoef, precision_recall_fscore_support

    labels = sorted(set(truth))
    right = np.array([t == s for t, s in zip(truth, said, strict=True)])
    outside, said_outside = np.array(truth) == OOS, np.array(said) == OOS
    precision, recall, f1, support = precision_recall_fscore_support(truth, said, labels=labels, zero_division=0)
    return {
        "rows": len(truth),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1_score(truth, said, average="macro", zero_division=0)),
        "mcc": float(matthews_corrcoef(truth, said)),
        "in_scope_accuracy": _mean(right[~outside]),
        "oos_recall": _mean(right[outside]),
        "oos_precision": _mean(outside[said_outside]),
        "per_label": {label: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
                      for label, p, r, f, n in zip(labels, precision, recall, f1, support, strict=True)},
    }


def _mean(values: Any) -> float | None:
    return float(values.mean()) if len(values) else None


def _latency(classifier: IntentClassifier, texts: Sequence[str]) -> float:
    """Median milliseconds for one message, embedding included; a trailing space keeps remembered vectors out."""
    seconds = []
    for text in texts[:_TIMED]:
        started = time.perf_counter()
        classifier.classify([f"{text} "])
        seconds.append(time.perf_counter() - started)
    return round(float(np.median(seconds)) * 1000, 3)
