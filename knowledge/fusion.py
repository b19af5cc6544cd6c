"""Mixes what words say (BM25) with what meaning says (cosine) into one score per candidate.

A convex combination of scores on absolute scales (Bruch et al. 2023, "An Analysis of Fusion Functions for Hybrid
Retrieval"): BM25 as the share of the best score the query could reach, cosine as it is. Scores of different shelves
can so be compared. It knows numbers only, neither texts nor rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from knowledge.ports import Vectors


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """`lexical` is the share of words in the score; a side switched off gets none."""

    lexical: float = 0.5


def fuse(lexical: Vectors, cosine: Vectors, best_possible: float, share: float) -> Vectors:
    """One score per candidate, between 0 and 1. Both inputs have one entry per candidate."""
    words = lexical / best_possible if best_possible > 0 else np.zeros_like(lexical)
    return np.asarray(share * words + (1.0 - share) * np.maximum(cosine, 0.0), dtype=np.float32)
