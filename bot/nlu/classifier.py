"""Which intent a message has, how sure that is, and whether it fits anything at all.

A linear model over the sentence vector and one over words and letters are added up with weights learned on held-out
data (so the probabilities are calibrated, Guo et al. 2017); a logistic head over `bot.nlu.scope`'s signs tells what
is out of scope. NumPy only: it knows artifact folders and vectors, nothing of training, flows or conversations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.nlu.ngrams import letter_buckets, weigh, word_buckets, words_of
from bot.nlu.scope import ScopeHead, scope_signs
from knowledge.artifact import Manifest, read_manifest
from knowledge.errors import DataError
from knowledge.handles import for_meaning
from knowledge.ports import Embedder, Vectors

OOS = "oos"
WEIGHTS_FILE = "intent.npz"
ENCODER_FOLDER = "encoder"        # beside it when the encoder was fine-tuned for these intents
Ranking = list[tuple[str, float]]
_BATCH = 1024             # rows compared with every example at once: bounds memory


@dataclass(frozen=True)
class Grams:
    """One family of n-grams: sorted buckets (B,), their idf (B,), and a weight per bucket and column (B, columns)."""

    buckets: NDArray[np.int64]
    idf: NDArray[np.float32]
    weights: NDArray[np.float16]

    def score(self, counts: Any) -> tuple[NDArray[np.float32], int]:
        """Scores per column, and how many distinct n-grams of the message are known."""
        rows, values = weigh(counts, self.buckets, self.idf)
        return values @ self.weights[rows].astype(np.float32), len(rows)


@dataclass(frozen=True)
class IntentWeights:
    """Everything learned. A column is an intent; one more, the last, is "none of them" where `has_background`."""

    labels: tuple[str, ...]
    has_background: bool
    dense: NDArray[np.float32]            # (dimension, columns)
    dense_bias: NDArray[np.float32]       # (columns,)
    words: Grams
    letters: Grams
    gram_bias: NDArray[np.float32]        # (columns,)
    mix: NDArray[np.float32]              # (2,) weight of the dense and of the n-gram scores
    examples: NDArray[np.float32]         # (n, dimension) unit rows
    example_labels: NDArray[np.int32]     # (n,)
    negatives: NDArray[np.float32]        # (m, dimension) messages known to be out of scope
    scope: ScopeHead

    def logits(self, texts: Sequence[str], vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores (n, columns), softmax of which is calibrated, and the share of each text's words known (n,)."""
        dense = vectors @ self.dense + self.dense_bias
        grams = np.empty_like(dense)
        known = np.zeros(len(texts), dtype=np.float32)
        for row, text in enumerate(texts):
            counts = word_buckets(text)
            words, found = self.words.score(counts)
            letters, _ = self.letters.score(letter_buckets(text))
            grams[row] = words + letters + self.gram_bias
            known[row] = found / max(len(counts), 1)
        return self.mix[0] * dense + self.mix[1] * grams, known


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row-wise."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def read_scope(weights: IntentWeights, texts: Sequence[str],
               vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities of the intents if it is one (n, labels), and the signs the scope head reads (n, signs)."""
    logits, known = weights.logits(texts, vectors)
    count = len(weights.labels)
    inside = softmax(logits[:, :count])
    background = logits[:, count] if weights.has_background else None
    lengths = np.array([len(words_of(text)) for text in texts], dtype=np.float32)
    return inside, scope_signs(inside, logits[:, :count], background, vectors, weights.examples, weights.example_labels,
                               weights.negatives, known, lengths)


class IntentClassifier:
    """Serves one trained artifact. Thread-safe, blocking."""

    def __init__(self, weights: IntentWeights, embedder: Embedder | None, manifest: Manifest | None = None) -> None:
        self.weights, self.manifest = weights, manifest
        self._embedder = embedder

    @property
    def labels(self) -> tuple[str, ...]:
        return self.weights.labels

    @property
    def encoder(self) -> str:
        """Name of the encoder whose vectors `classify` needs."""
        return str(self.manifest.settings.get("encoder", "")) if self.manifest else ""

    @property
    def encoder_is_shared(self) -> bool:
        """True when the shop's own sentence vectors may be handed to `classify`; False when it brings its encoder."""
        return bool(self.manifest is None or not self.manifest.settings.get("encoder_tuned", False))

    @classmethod
    def load(cls, folder: Path, embedder: Embedder | None = None) -> IntentClassifier:
        """From a folder written by `shopclerk train intent`. Raises DataError for a damaged or foreign one.

        `embedder` is the shared encoder; a folder that holds its own encoder uses that instead. Without either,
        `classify` needs `vectors`.
        """
        manifest = read_manifest(folder, kind="intent")
        weights = _read_weights(folder / WEIGHTS_FILE)
        if (folder / ENCODER_FOLDER).is_dir():
            from knowledge.embedders import MiniLmEmbedder

            embedder = MiniLmEmbedder(folder / ENCODER_FOLDER, verify=True)
        return cls(weights, embedder, manifest)

    def classify(self, texts: Sequence[str], vectors: Vectors | None = None) -> list[Ranking]:
        """Per text every intent and `oos` with its probability, best first; they add up to one.

        `vectors`: unit rows, shape (len(texts), dimension), from the encoder named by `encoder`.
        """
        if not texts:
            return []
        if vectors is None or not self.encoder_is_shared:
            vectors = self._embed(texts)
        rankings: list[Ranking] = []
        for start in range(0, len(texts), _BATCH):
            inside, signs = read_scope(self.weights, texts[start:start + _BATCH], vectors[start:start + _BATCH])
            outside = self.weights.scope.probability(signs)
            rankings += [_ranked(self.labels, row * (1 - out), float(out))
                         for row, out in zip(inside, outside, strict=True)]
        return rankings

    def _embed(self, texts: Sequence[str]) -> Vectors:
        if self._embedder is None:
            raise DataError("intent classifier", f"needs vectors of the encoder '{self.encoder}'",
                            remedy="pass vectors or load it with an embedder")
        return self._embedder.embed([for_meaning(text) for text in texts])


def _ranked(labels: tuple[str, ...], inside: NDArray[np.float32], outside: float) -> Ranking:
    pairs = [*zip(labels, map(float, inside), strict=True), (OOS, outside)]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def write_weights(path: Path, weights: IntentWeights) -> None:
    """One .npz without pickle."""
    arrays: dict[str, Any] = {
        "labels": np.array(weights.labels), "has_background": np.array(weights.has_background), "dense": weights.dense,
        "dense_bias": weights.dense_bias, "gram_bias": weights.gram_bias, "mix": weights.mix,
        "examples": weights.examples.astype(np.float16), "example_labels": weights.example_labels,
        "negatives": weights.negatives.astype(np.float16),
        **{f"scope_{name}": value for name, value in weights.scope.arrays().items()},
    }
    for name, grams in (("words", weights.words), ("letters", weights.letters)):
        arrays |= {f"{name}_buckets": grams.buckets, f"{name}_idf": grams.idf, f"{name}_weights": grams.weights}
    np.savez_compressed(path, **arrays)


def _read_weights(path: Path) -> IntentWeights:
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        grams = {name: Grams(arrays[f"{name}_buckets"], arrays[f"{name}_idf"], arrays[f"{name}_weights"])
                 for name in ("words", "letters")}
        scope = ScopeHead.of({name.removeprefix("scope_"): arrays[name] for name in arrays if name[:6] == "scope_"})
        return IntentWeights(tuple(map(str, arrays["labels"])), bool(arrays["has_background"]), arrays["dense"],
                             arrays["dense_bias"], grams["words"], grams["letters"], arrays["gram_bias"], arrays["mix"],
                             arrays["examples"].astype(np.float32), arrays["example_labels"],
                             arrays["negatives"].astype(np.float32), scope)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(str(path), f"not an intent model: {error}", remedy="train it again") from error
