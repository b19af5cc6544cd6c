"""Fits the two linear models of the intent classifier: over sentence vectors and over words and letters.

It knows rows, columns and scikit-learn; folds, calibration and files are others' business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.nlu.classifier import Grams, IntentWeights
from bot.nlu.ngrams import letter_buckets, weigh, word_buckets
from bot.nlu.scope import SIGNS, ScopeHead
from knowledge.ports import Vectors

Columns = NDArray[np.int32]
_DENSE_C = 20.0           # on unit vectors; 5 costs 0.5 points on banking77
_GRAM_C = 1.0
_EXAMPLES_PER_LABEL = 60  # neighbours kept for the scope signs: enough to cover an intent, small enough for 1 ms


class GramTable:
    """The n-gram counts of a set of texts, counted once and used for every fold."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.words = [word_buckets(text) for text in texts]
        self.letters = [letter_buckets(text) for text in texts]


def fit_weights(table: GramTable, rows: NDArray[np.int64], vectors: Vectors, columns: Columns, labels: Sequence[str],
                *, has_background: bool, seed: int) -> IntentWeights:
    """Train on `rows` of the table. `vectors` and `columns` belong to those rows; background is the last column.

    Mix and scope head are neutral: they are learned from held-out rows afterwards.
    """
    count = len(labels) + has_background
    dense, dense_bias = _fit_dense(vectors, columns, count, seed)
    words, letters, gram_bias = _fit_grams(table, rows, columns, count, seed)
    inside = columns < len(labels)
    kept = _some_of_each(columns, inside, seed)
    neutral = ScopeHead(np.zeros(len(SIGNS), np.float32), -30.0, np.zeros(len(SIGNS), np.float32),
                        np.ones(len(SIGNS), np.float32))
    return IntentWeights(tuple(labels), has_background, dense, dense_bias, words, letters, gram_bias,
                         np.array([1, 2], dtype=np.float32), vectors[kept], columns[kept], vectors[~inside], neutral)


def _fit_dense(vectors: Vectors, columns: Columns, count: int,
               seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_DENSE_C, max_iter=400, random_state=seed).fit(vectors, columns)
    return _per_column(model.coef_.T, model.intercept_, count)


def _fit_grams(table: GramTable, rows: NDArray[np.int64], columns: Columns, count: int,
               seed: int) -> tuple[Grams, Grams, NDArray[np.float32]]:
    """A linear support vector machine per column, as in Wang & Manning 2012 but over plain tf-idf."""
    from scipy.sparse import hstack
    from sklearn.svm import LinearSVC

    words, word_idf, word_matrix = _matrix([table.words[i] for i in rows])
    letters, letter_idf, letter_matrix = _matrix([table.letters[i] for i in rows])
    model = LinearSVC(C=_GRAM_C, random_state=seed).fit(hstack([word_matrix, letter_matrix]).tocsr(), columns)
    weights, bias = _per_column(model.coef_.T, model.intercept_, count)
    half = weights.astype(np.float16)
    return Grams(words, word_idf, half[:len(words)]), Grams(letters, letter_idf, half[len(words):]), bias


def _per_column(weights: NDArray[np.float64], bias: NDArray[np.float64],
                count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two columns are fitted as one; give each its own."""
    if count == 2 and weights.shape[1] == 1:
        weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
    return np.ascontiguousarray(weights, dtype=np.float32), bias.astype(np.float32)


def _matrix(counts: Sequence[Counter[int]]) -> tuple[NDArray[np.int64], NDArray[np.float32], object]:
    """Sorted buckets, idf = ln((1 + n) / (1 + df)) + 1, and the weighted rows as a sparse matrix."""
    from scipy.sparse import csr_matrix

    seen = Counter(bucket for row in counts for bucket in row)
    buckets = np.array(sorted(seen), dtype=np.int64)
    idf = np.array([np.log((1 + len(counts)) / (1 + seen[int(b)])) + 1 for b in buckets], dtype=np.float32)
    rows = [weigh(row, buckets, idf) for row in counts]
    ends = np.cumsum([0] + [len(found) for found, _ in rows])
    data = np.concatenate([values for _, values in rows])
    columns = np.concatenate([found for found, _ in rows])
    return buckets, idf, csr_matrix((data, columns, ends), shape=(len(counts), len(buckets)))


def _some_of_each(columns: Columns, inside: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """At most `_EXAMPLES_PER_LABEL` rows of every intent, in row order."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(inside))
    taken: Counter[int] = Counter()
    kept = []
    for row in order:
        column = int(columns[row])
        if taken[column] < _EXAMPLES_PER_LABEL:
            taken[column] += 1
            kept.append(row)
    return np.sort(np.array(kept, dtype=np.int64))
