"""A second, closer look at the best candidates: the port, and late interaction over the encoder's token vectors.

It costs about 2 ms per candidate, since their tokens are encoded for each query, so it is off unless the shop asks for
it (`index.rerank`); benchmarks/retrieval.py prints what it gains. It knows texts and scores, no shelves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from knowledge.ports import Vectors


class Reranker(Protocol):
    """Scores candidates anew; higher is better."""

    depth: int                        # how many candidates it looks at

    def rerank(self, query: str, texts: Sequence[str], scores: Vectors) -> Vectors:
        """One score per text, shape (len(texts),); `scores` are the first ranking's. Blocking, thread-safe."""
        ...


class TokenEncoder(Protocol):
    """What MiniLmEmbedder also does: unit vectors of single tokens."""

    def embed_tokens(self, texts: Sequence[str]) -> list[Vectors]: ...


class LateInteraction:
    """Each token of the query meets its best partner in the text; the mean of these is added to the first score.

    MaxSim of Khattab & Zaharia 2020 ("ColBERT"), on an encoder that was not trained for it.
    """

    def __init__(self, encoder: TokenEncoder, *, depth: int = 20, weight: float = 0.4) -> None:
        self._encoder, self.depth, self._weight = encoder, depth, weight

    def rerank(self, query: str, texts: Sequence[str], scores: Vectors) -> Vectors:
        (asked, *candidates) = self._encoder.embed_tokens([query, *texts])
        near = [float((asked @ tokens.T).max(axis=1).mean()) if len(asked) and len(tokens) else 0.0
                for tokens in candidates]
        return np.asarray(scores + self._weight * np.asarray(near), dtype=np.float32)
