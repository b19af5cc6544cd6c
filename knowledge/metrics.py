"""Ranking metrics and a paired bootstrap. Lists of grades in, numbers out; no files, no models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], k: int = 10) -> float:
    """Gain 2^grade − 1, discount log2(rank + 1) (Burges et al. 2005). 0 where nothing is relevant."""
    ideal = _gain(sorted(grades.values(), reverse=True)[:k])
    return _gain([grades.get(item, 0) for item in ranked[:k]]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return float(sum((2.0 ** max(grade, 0) - 1) / np.log2(rank + 2) for rank, grade in enumerate(grades)))


def reciprocal_rank(ranked: Sequence[str], grades: Mapping[str, int], k: int = 10) -> float:
    """Of the first item with a grade above zero; 0 when the first k have none."""
    return next((1 / (rank + 1) for rank, item in enumerate(ranked[:k]) if grades.get(item, 0) > 0), 0.0)


def recall(ranked: Sequence[str], grades: Mapping[str, int], k: int = 100) -> float:
    relevant = {item for item, grade in grades.items() if grade > 0}
    return len(relevant & set(ranked[:k])) / len(relevant) if relevant else 0.0


def judged(ranked: Sequence[str], grades: Mapping[str, int], k: int = 10) -> float:
    """The share of the first k that anybody judged: how far an nDCG can be trusted."""
    top = ranked[:k]
    return sum(item in grades for item in top) / len(top) if top else 0.0


def average_precision(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    relevant = sum(grade > 0 for grade in grades.values())
    hits, total = 0, 0.0
    for rank, item in enumerate(ranked, start=1):
        if grades.get(item, 0) > 0:
            hits += 1
            total += hits / rank
    return total / relevant if relevant else 0.0


def paired_bootstrap(ours: Sequence[float], theirs: Sequence[float], *, rounds: int = 10_000, seed: int = 0,
                     level: float = 0.95) -> tuple[float, float, float]:
    """(mean difference, lower, upper), queries resampled together; percentile interval (Efron & Tibshirani 1993)."""
    difference = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    if not len(difference):
        return 0.0, 0.0, 0.0
    picks = np.random.default_rng(seed).integers(0, len(difference), size=(rounds, len(difference)))
    means = difference[picks].mean(axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(difference.mean()), float(low), float(high)
