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
    """The share of words in the score, by kind of query; a side that is switched off gets none.

    Keywords are names of things, so their words weigh more; in a sentence most words carry no name. `given`: when the
    candidates are given and all are about the matter, the words of the query are in most of them and meaning decides.
    """

    keywords: float = 0.6
    sentence: float = 0.25
    given: float = 0.1

    def share(self, *, natural: bool, given: bool = False) -> float:
        return self.given if given else self.sentence if natural else self.keywords


def fuse(words: Vectors, cosine: Vectors, share: float) -> Vectors:
    """One score per candidate, between 0 and 1: `words` is BM25 as a share of its best possible, both (candidates,)."""
    return np.asarray(share * words + (1.0 - share) * np.maximum(cosine, 0.0), dtype=np.float32)
