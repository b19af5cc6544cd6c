"""Words and letter groups of a text as hashed, weighted features: what a sentence vector misses (names, typos, slang).

Used alike by training and serving, so both see the same numbers. It knows no labels and no weights.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+(?:'\w+)?|[^\w\s]")
_LETTERS = (2, 3, 4)
BUCKETS = 1 << 24         # 38,000 different n-grams (10,000 messages) then share a bucket about once in 900


def words_of(text: str) -> list[str]:
    """Lower-case words and single punctuation marks; digits become 0, so that numbers of one length are alike."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _WORD.findall(re.sub(r"\d", "0", folded))


def _bucket(kind: str, gram: str) -> int:
    return crc32(f"{kind}{gram}".encode()) % BUCKETS


@lru_cache(maxsize=20_000)
def _letters_of(word: str) -> tuple[int, ...]:
    padded = f" {word} "
    return tuple(_bucket("c", padded[i:i + n]) for n in _LETTERS for i in range(len(padded) - n + 1))


def word_buckets(text: str) -> Counter[int]:
    """Single words and pairs of neighbours."""
    words = words_of(text)
    return Counter([_bucket("w", word) for word in words] + [_bucket("w", f"{a} {b}") for a, b in pairwise(words)])


def letter_buckets(text: str) -> Counter[int]:
    """Groups of two to four letters within words."""
    return Counter(bucket for word in words_of(text) for bucket in _letters_of(word))


def weigh(counts: Counter[int], known: NDArray[np.int64],
          idf: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of `known` (sorted buckets) present in `counts`, and their (1 + log count) · idf weights at unit length."""
    buckets = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
    rows = np.searchsorted(known, buckets)
    rows[rows == len(known)] = 0
    found = known[rows] == buckets if len(known) else np.zeros(len(rows), dtype=bool)
    rows = rows[found]
    values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts))[found])) * idf[rows]
    length = float(np.linalg.norm(values))
    return rows, (values / length if length else values).astype(np.float32)
