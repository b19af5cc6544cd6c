"""Measures retrieval on a BEIR folder: corpus.jsonl, queries.jsonl, qrels/test.tsv (Thakur et al. 2021).

The pieces that are measured are the ones that serve: encoder, shelf, question reader, ranker. Vectors of a corpus are
kept in the user's cache, so that a second measurement takes seconds. It knows no shop.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from knowledge import metrics
from knowledge.embedders import load_embedder, user_cache
from knowledge.entries import brief
from knowledge.errors import DataError
from knowledge.fusion import FusionSettings
from knowledge.lexical import Bm25Settings
from knowledge.lexical_build import build_lexical
from knowledge.lexicon import load_lexicon
from knowledge.models import EvidenceKind
from knowledge.ports import Embedder, Vectors
from knowledge.question import Question, QuestionReader
from knowledge.retriever import DEPTH, ShelfRanker
from knowledge.shelf import Entry, Shelf
from knowledge.shelf_build import shelve
from knowledge.spelling import Speller

Grades = dict[str, dict[str, int]]
Progress = Callable[[int, int], None]
PLAIN_BM25 = Bm25Settings(k1=1.5, b=0.75, title_weight=1.0)
RANKED = 100              # documents per query that are scored and written


@dataclass(frozen=True, slots=True)
class Beir:
    """`documents` and `queries` by id; `grades`: query → document → grade. Only queries that are judged are kept."""

    documents: Mapping[str, Entry]
    queries: Mapping[str, str]
    grades: Grades


@dataclass(frozen=True, slots=True)
class Measured:
    """`values` has the contract's keys; `rankings` the ids per query; `per_query` one number per query and metric."""

    values: Mapping[str, Any]
    rankings: Mapping[str, list[str]]
    per_query: Mapping[str, list[float]] = field(default_factory=dict)


def read_beir(folder: Path) -> Beir:
    """Raises DataError that names file, line and field."""
    grades = _read_grades(folder / "qrels" / "test.tsv")
    queries = {row_id: row["text"] for row_id, row in _rows(folder / "queries.jsonl", ("text",)) if row_id in grades}
    documents = {row_id: _entry(row_id, row.get("title") or "", row["text"])
                 for row_id, row in _rows(folder / "corpus.jsonl", ("text",))}
    if not queries:
        raise DataError(str(folder / "queries.jsonl"), "no query here is in qrels/test.tsv", remedy="check the ids")
    return Beir(documents, queries, grades)


def _entry(row_id: str, title: str, text: str) -> Entry:
    """Read for meaning as a product is."""
    return Entry(id=row_id, title=title, text=text, meaning=brief(f"{title}. {text}"))


def _rows(path: Path, required: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                raise DataError(str(path), "is not JSON", line=number, remedy="one object per line") from None
            for name in ("_id", *required):
                if not isinstance(row, dict) or not isinstance(row.get(name), str):
                    raise DataError(str(path), "is missing or no text", line=number, field=name, remedy="BEIR's format")
            yield row["_id"], row


def _read_grades(path: Path) -> Grades:
    grades: Grades = {}
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            cells = line.rstrip("\n").split("\t")
            if not line.strip() or (number == 1 and cells[-1].strip() == "score"):
                continue
            try:
                query, document, grade = cells
                grades.setdefault(query, {})[document] = int(grade)
            except ValueError:
                raise DataError(str(path), "is not query, document and whole grade, separated by tabs", line=number,
                                remedy="BEIR's qrels format") from None
    return grades


def _open(path: Path) -> Any:
    if not path.is_file():
        raise DataError(str(path), "is not there", remedy="BEIR has corpus.jsonl, queries.jsonl, qrels/test.tsv")
    return path.open(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Rig:
    """A corpus made searchable, with what reads queries."""

    data: Beir
    shelf: Shelf
    reader: QuestionReader
    ids: Sequence[str]                # per row
    judged_rows: Mapping[str, Any]

    @classmethod
    def build(cls, data: Beir, embedder: Embedder, *, judged_only: bool = False,
              progress: Progress | None = None) -> Rig:
        """With `judged_only` the corpus is what anybody judged: the rest cannot come back and needs no vectors."""
        needed = {document for grades in data.grades.values() for document in grades}
        entries = [entry for entry in data.documents.values() if not judged_only or entry.id in needed]
        lexicon = load_lexicon()
        analyzer = lexicon.analyzer()
        cached = _CachedVectors(embedder, entries, progress)
        shelf = shelve(EvidenceKind.PRODUCT, entries, cached, analyzer)
        speller = Speller(shelf.lexical.terms, shelf.lexical.document_frequency)
        reader = QuestionReader(analyzer, lexicon, embedder, [speller])
        ids = [entry.id for entry in entries]
        row_of = {id: row for row, id in enumerate(ids)}
        return cls(data, shelf, reader, ids, {query: _rows_of(row_of, grades) for query, grades in data.grades.items()})

    def with_plain_words(self) -> Rig:
        """The baseline's rig: stemmed BM25 with textbook settings over title and text as one field, as typed."""
        lexicon = load_lexicon()
        analyzer = lexicon.analyzer()
        first = np.unique(self.shelf.texts.numbers, return_index=True)[1]      # one row per distinct text
        rows = (self.data.documents[self.ids[row]] for row in first)
        plain = build_lexical((("", f"{e.title} {e.text}") for e in rows), analyzer, PLAIN_BM25)
        shelf = self.shelf.with_words(plain)
        return Rig(self.data, shelf, QuestionReader(analyzer, lexicon, None), self.ids, self.judged_rows)

    def rank(self, ranker: ShelfRanker, *, judged_only: bool) -> tuple[dict[str, list[str]], list[float]]:
        """Document ids per query, best first, and the seconds each query took, reading and encoding it included."""
        rankings, seconds = {}, []
        for query, text in self.data.queries.items():
            start = time.perf_counter()
            question = self.reader.read(text)
            rows = self._rank(ranker, question, query, judged_only)
            seconds.append(time.perf_counter() - start)
            rankings[query] = [self.ids[row] for row in rows.tolist()]
        return rankings, seconds

    def _rank(self, ranker: ShelfRanker, question: Question, query: str, judged_only: bool) -> Any:
        if judged_only:
            return ranker.rank_given(self.shelf, question, self.judged_rows[query])[0]
        return ranker.rank(self.shelf, question, max(DEPTH, RANKED))[0][:RANKED]


def _rows_of(row_of: Mapping[str, int], documents: Iterable[str]) -> Any:
    """Ascending rows of those documents that the corpus has."""
    rows = sorted(row_of[document] for document in documents if document in row_of)
    return np.asarray(rows, dtype=np.int64)


def measure(rig: Rig, ranker: ShelfRanker, *, judged_only: bool = False) -> Measured:
    """All metrics over the judged queries."""
    rankings, seconds = rig.rank(ranker, judged_only=judged_only)
    grades = rig.data.grades
    scores: dict[str, Callable[[Sequence[str], Mapping[str, int]], float]]
    if judged_only:
        scores = {"map": metrics.average_precision, "ndcg@10": metrics.ndcg}
    else:
        scores = {"ndcg@10": metrics.ndcg, "mrr@10": metrics.reciprocal_rank, "recall@100": metrics.recall,
                  "judged@10": metrics.judged}
    per_query = {name: [score(rankings[q], grades[q]) for q in rankings] for name, score in scores.items()}
    values: dict[str, Any] = {name: round(float(np.mean(found)), 4) for name, found in per_query.items()}
    values["latency_ms_p50"] = round(float(np.median(seconds)) * 1000, 2)
    return Measured(values, rankings, per_query)


def evaluate(folder: Path, *, judged_only: bool = False, predictions: Path | None = None,
             embedder: Embedder | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """The contract's keys; under `bm25` a plain stemmed BM25 and the paired 95 % interval of our difference to it."""
    data = read_beir(folder)
    embedder = embedder or load_embedder(threads=min(4, os.cpu_count() or 1))
    rig = Rig.build(data, embedder, judged_only=judged_only, progress=progress)
    ours = measure(rig, ShelfRanker(FusionSettings()), judged_only=judged_only)
    words = measure(rig.with_plain_words(), ShelfRanker(dense=False), judged_only=judged_only)
    if predictions:
        _write_predictions(predictions, ours.rankings)
    metric = "map" if judged_only else "ndcg@10"
    difference, low, high = metrics.paired_bootstrap(ours.per_query[metric], words.per_query[metric])
    against = {metric: words.values[metric], "difference": round(difference, 4),
               "low": round(low, 4), "high": round(high, 4)}
    return {**ours.values, "queries": len(data.queries), "documents": len(rig.shelf), "bm25": against}


def _write_predictions(path: Path, rankings: Mapping[str, list[str]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for query, items in rankings.items():
            stream.write(json.dumps({"id": query, "items": items}, ensure_ascii=False) + "\n")


class _CachedVectors:
    """An Embedder for one corpus whose vectors are kept between runs, under a hash of encoder and texts."""

    def __init__(self, embedder: Embedder, entries: Sequence[Entry], progress: Progress | None) -> None:
        self.name, self.dimension = embedder.name, embedder.dimension
        texts = list(dict.fromkeys(entry.to_embed for entry in entries))
        self._row = {text: row for row, text in enumerate(texts)}
        self._vectors = self._load(embedder, texts, progress)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.asarray(self._vectors[[self._row[text] for text in texts]], dtype=np.float32)

    @staticmethod
    def _load(embedder: Embedder, texts: Sequence[str], progress: Progress | None) -> Vectors:
        digest = sha256("\x00".join([embedder.name, *texts]).encode()).hexdigest()[:24]
        path = user_cache() / "evaluation" / f"{digest}.npy"
        if path.is_file():
            kept: Vectors = np.load(path, allow_pickle=False)
            if kept.shape == (len(texts), embedder.dimension):
                return kept
        parts = []
        for start in range(0, len(texts), 512):
            parts.append(embedder.embed(texts[start:start + 512]))
            if progress:
                progress(min(start + 512, len(texts)), len(texts))
        vectors = np.concatenate(parts) if parts else np.empty((0, embedder.dimension), dtype=np.float32)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.tmp.npy")
        np.save(fresh, vectors, allow_pickle=False)
        fresh.replace(path)
        return vectors
