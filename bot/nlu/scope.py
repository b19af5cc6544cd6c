"""Signs that a message fits none of the intents, and the logistic head that weighs them.

Combines maximum probability (Hendrycks & Gimpel 2017), energy (Liu et al. 2020), distance to the nearest training
examples (Sun et al. 2022) and how much of the wording was ever seen. It knows numbers, not texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SIGNS = ("confidence", "margin", "energy", "nearest", "own_nearest", "known_words", "length", "background",
         "negative")
_NEIGHBOURS = 3


def scope_signs(inside: Floats, logits: Floats, background: Floats | None, vectors: Floats,
                examples: Floats, example_labels: NDArray[np.int32], negatives: Floats,
                known: Floats, lengths: Floats) -> Floats:
    """Shape (n, len(SIGNS)). `inside` and `logits` are per intent, `known` the share of known words."""
    ordered = np.sort(inside, axis=1)
    best = inside.argmax(axis=1)
    first = np.clip(ordered[:, -1], 1e-6, 1 - 1e-6)
    second = ordered[:, -2] if inside.shape[1] > 1 else np.zeros_like(first)
    energy = np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)) + logits.max(axis=1)
    cosines = vectors @ examples.T
    nearest = np.partition(cosines, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS:].mean(axis=1)
    own = np.where(example_labels[None, :] == best[:, None], cosines, -1).max(axis=1)
    if len(negatives):
        negative = (vectors @ negatives.T).max(axis=1) - cosines.max(axis=1)
    else:
        negative = np.zeros_like(first)
    beside = np.zeros_like(first) if background is None else np.clip(background - energy, -12, 12)
    signs = (np.log(first / (1 - first)), first - second, energy, nearest, own, known, np.log1p(lengths), beside,
             negative)
    return np.stack(signs, axis=1).astype(np.float32)


@dataclass(frozen=True)
class ScopeHead:
    """P(out of scope) = sigmoid(weights · (signs − mean) / scale + bias)."""

    weights: Floats
    bias: float
    mean: Floats
    scale: Floats

    def probability(self, signs: Floats) -> Floats:
        """Shape (n,)."""
        score = ((signs - self.mean) / self.scale) @ self.weights + self.bias
        return np.asarray(1 / (1 + np.exp(-np.clip(score, -30, 30))), dtype=np.float32)

    def arrays(self) -> dict[str, Floats]:
        return {"weights": self.weights, "bias": np.array([self.bias], dtype=np.float32), "mean": self.mean,
                "scale": self.scale}

    @classmethod
    def of(cls, arrays: dict[str, Floats]) -> ScopeHead:
        return cls(arrays["weights"], float(arrays["bias"][0]), arrays["mean"], arrays["scale"])
