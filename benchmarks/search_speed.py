"""Speed and memory of the vector index, of BM25 and of a whole query, at the size of a corpus.

Run: `python -m benchmarks.search_speed BEIR_FOLDER [COPIES]`. Vectors are those of the corpus (kept in the cache after
the first run); COPIES > 1 repeats it with a little noise to see larger sizes. One thread, p50 and p99 over 500 queries.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from knowledge.embedders import load_embedder
from knowledge.evaluate import Rig, read_beir
from knowledge.indexes.faiss_index import FaissIndex
from knowledge.lexical import LexicalIndex
from knowledge.lexicon import load_lexicon
from knowledge.question import QuestionReader
from knowledge.retriever import ShelfRanker
from knowledge.shelf import Shelf
from knowledge.spelling import Speller

QUERIES = 500


def megabytes() -> float:
    """Resident memory now, as Linux counts it; elsewhere the peak."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().split("VmRSS:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[Any], object], inputs: list[Any]) -> str:
    times = []
    for one in inputs:
        start = time.perf_counter()
        work(one)
        times.append((time.perf_counter() - start) * 1000)
    p50, p99 = np.percentile(times, [50, 99])
    return f"p50 {p50:7.3f} ms   p99 {p99:7.3f} ms"


def vector_index(ids: list[str], vectors: Any, queries: Any, hnsw_from: int) -> None:
    name = "flat" if hnsw_from > len(ids) else "HNSW"
    before, start = megabytes(), time.perf_counter()
    index = FaissIndex(vectors.shape[1], hnsw_from=hnsw_from)
    index.upsert(ids, vectors)
    built = time.perf_counter() - start
    print(f"{name}: built in {built:.1f} s ({len(ids) / built:,.0f}/s), +{megabytes() - before:.0f} MB; "
          f"search {timed(lambda q: index.search(q, 10), list(queries))}")
    some = ids[::10]
    print(f"  among every tenth: {timed(lambda q: index.search(q, 10, allowed=some), list(queries[:100]))}")
    if not index.exact:
        hits = sum(len({id for id, _ in index.search(q, 10)} & {ids[i] for i in np.argsort(-(vectors @ q))[:10]})
                   for q in queries[:100])
        print(f"  recall@10 {hits / 1000:.3f}")
    with tempfile.TemporaryDirectory() as folder:
        index.write(Path(folder) / "v.faiss")
        before, start = megabytes(), time.perf_counter()
        opened = FaissIndex.read(Path(folder) / "v.faiss", ids, hnsw_from=hnsw_from)
        took = (time.perf_counter() - start) * 1000
        print(f"  opened in {took:.0f} ms, +{megabytes() - before:.0f} MB before the first query")
        opened.search(queries[0], 10)


def main(folder: Path, copies: int) -> None:
    faiss.omp_set_num_threads(1)
    embedder = load_embedder()
    rig = Rig.build(read_beir(folder), embedder)
    base = rig.shelf.dense.vectors(rig.shelf.dense.ids)
    noise = np.random.default_rng(0)
    vectors = np.concatenate([base] + [base + noise.normal(0, 0.01, base.shape).astype(np.float32)
                                       for _ in range(copies - 1)]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{n}" for n in range(len(vectors))]
    print(f"{len(ids):,} vectors")
    queries = vectors[noise.integers(0, len(vectors), QUERIES)]
    for hnsw_from in (len(ids) + 1, 1):
        vector_index(ids, vectors, queries, hnsw_from)
    words(rig, ids, vectors, copies)


def words(rig: Rig, ids: list[str], vectors: Any, copies: int) -> None:
    lexicon = load_lexicon()
    analyzer = lexicon.analyzer()
    rows = [(e.title, e.text) for e in rig.data.documents.values()] * copies
    start = time.perf_counter()
    lexical = LexicalIndex.build(rows, analyzer)
    print(f"BM25: built in {time.perf_counter() - start:.1f} s", end="; ")
    texts = [f"{rows[n * 37 % len(rows)][0].split(',')[0][:40]}" for n in range(QUERIES)]
    print(f"search {timed(lambda text: lexical.search(analyzer.terms(text), 10), texts)}")
    dense = FaissIndex(vectors.shape[1], hnsw_from=20_000)
    dense.upsert(ids, vectors)
    shelf = Shelf(rig.shelf.kind, rig.shelf.store, dense, lexical, rig.shelf.facets, rig.shelf.prices)
    reader = QuestionReader(analyzer, lexicon, load_embedder(), [Speller(lexical.term_counts())])
    ranker = ShelfRanker()
    print(f"encode: {timed(lambda text: reader.read(text), texts)}")
    asked = [f"{text} please" for text in texts]
    print(f"whole query: {timed(lambda text: ranker.rank(shelf, reader.read(text), 100), asked)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
