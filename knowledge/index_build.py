"""Brings the search index of a shop's folder up to what its database holds, and opens it for serving.

Only rows whose text changed are embedded, rows that are gone disappear, and the old index serves until the new one is
whole. It knows the database through `open_knowledge` and the folder through `indexes.folder`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db
from knowledge.analysis import Analyzer
from knowledge.catalogue import SqlCatalogue
from knowledge.config import INDEX_FOLDER, KnowledgeSettings
from knowledge.embedders import HashEmbedder, MiniLmEmbedder, load_embedder
from knowledge.entries import chunk_entry, kind_of, line_entry, product_entry, review_entry
from knowledge.errors import ConfigError, DataError
from knowledge.indexes.folder import IndexManifest, current_generation, read_index_manifest, write_generation
from knowledge.lexicon import Lexicon, load_lexicon
from knowledge.matching import Matcher
from knowledge.models import EvidenceKind, Product
from knowledge.order_lines import IndexedOrderLines
from knowledge.ports import Catalogue, Embedder, OrderLineSearch
from knowledge.query import QueryParser
from knowledge.question import QuestionReader
from knowledge.rerankers import LateInteraction
from knowledge.retriever import PUBLIC_KINDS, HybridRetriever, ShelfRanker
from knowledge.shelf import Entry, Shelf
from knowledge.spelling import Speller
from knowledge.store import Knowledge, open_knowledge
from knowledge.vocabulary import Vocabulary

Progress = Callable[[str, int, int], None]
_VOCABULARY = "vocabulary.json"


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """Rows per kind now; in total, how many texts were embedded, how many rows are new or changed, how many gone."""

    counts: Mapping[str, int]
    embedded: int
    changed: int
    removed: int
    written: bool                     # False: the index was up to date already


@dataclass(frozen=True, slots=True)
class SearchBundle:
    """What serving needs. `order_lines` is for the order service alone."""

    search: HybridRetriever
    order_lines: OrderLineSearch
    embedder: Embedder
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    engine: AsyncEngine | None = None

    async def close(self) -> None:
        """Close the database if it was opened here."""
        if self.engine:
            await self.engine.dispose()


async def refresh(directory: Path, settings: KnowledgeSettings, *, progress: Progress | None = None,
                  embedder: Embedder | None = None) -> RefreshReport:
    """Index again what changed. `progress(kind, done, total)` is called while embedding."""
    knowledge = await open_knowledge(directory, settings)
    try:
        lexicon = load_lexicon()
        entries, vocabulary = await _gather(knowledge, lexicon, lexicon.analyzer())
    finally:
        await knowledge.close()
    return await asyncio.to_thread(_rebuild, directory, settings, entries, vocabulary, lexicon, embedder, progress)


def make_embedder(directory: Path, settings: KnowledgeSettings, *, threads: int = 1) -> Embedder:
    """The encoder that the settings name. Raises ConfigError for an unknown one."""
    if settings.embedder == "hash":
        return HashEmbedder()
    if settings.embedder == "minilm":
        return load_embedder(directory, threads=threads)
    raise ConfigError(f"setting 'embedder': '{settings.embedder}' is not known (use minilm or hash)")


def load_search(directory: Path, settings: KnowledgeSettings, catalogue: Catalogue | None = None, *,
                embedder: Embedder | None = None) -> SearchBundle:
    """Open the index in force, memory-mapped; an empty one when nothing was indexed yet. Blocking.

    Without a `catalogue` the shop's database is opened for it; `SearchBundle.close` closes it again.
    """
    embedder = embedder or make_embedder(directory, settings)
    engine = None
    if catalogue is None:
        engine = db.open_engine(db.database_url(directory, settings))
        catalogue = SqlCatalogue(engine)
    lexicon = load_lexicon()
    analyzer = lexicon.analyzer()
    shelves, vocabulary = read_shelves(directory, settings, embedder)
    reranker = LateInteraction(embedder) if settings.index.rerank and isinstance(embedder, MiniLmEmbedder) else None
    ranker = ShelfRanker(dense=settings.index.dense, lexical=settings.index.lexical, reranker=reranker)
    matcher = make_matcher(lexicon, analyzer)
    parser = QueryParser(lexicon, vocabulary, analyzer)
    reader = make_reader(shelves, PUBLIC_KINDS, lexicon, analyzer, embedder, vocabulary)
    search = HybridRetriever(shelves, reader, catalogue, parser, analyzer, matcher, ranker=ranker)
    lines = shelves.get(EvidenceKind.ORDER_LINE) or empty_shelf(EvidenceKind.ORDER_LINE, embedder, analyzer)
    line_reader = make_reader(shelves, (EvidenceKind.ORDER_LINE,), lexicon, analyzer, embedder, vocabulary)
    return SearchBundle(search, IndexedOrderLines(lines, line_reader, ranker), embedder, vocabulary, engine)


def make_reader(shelves: Mapping[EvidenceKind, Shelf], kinds: Sequence[EvidenceKind], lexicon: Lexicon,
                analyzer: Analyzer, embedder: Embedder, vocabulary: Vocabulary) -> QuestionReader:
    """Reads queries by the words of these shelves."""
    filled = [shelves[kind] for kind in kinds if kind in shelves and len(shelves[kind])]
    spellers = [Speller(shelf.lexical.term_counts()) for shelf in filled]
    return QuestionReader(analyzer, lexicon, embedder, spellers, vocabulary.surfaces)


def make_matcher(lexicon: Lexicon, analyzer: Analyzer) -> Matcher:
    return Matcher(analyzer, before=lexicon.words("negation", "before"), after=lexicon.words("negation", "after"))


def read_shelves(directory: Path, settings: KnowledgeSettings,
                 embedder: Embedder) -> tuple[dict[EvidenceKind, Shelf], Vocabulary]:
    """The shelves in force and the shop's vocabulary; nothing when the index was made with another encoder."""
    generation = current_generation(directory / INDEX_FOLDER)
    if generation is None or read_index_manifest(generation).encoder != embedder.name:
        return {}, Vocabulary()
    hnsw_from = settings.index.flat_limit
    shelves = {kind: Shelf.read(kind, generation / kind.value, hnsw_from=hnsw_from) for kind in EvidenceKind}
    return shelves, Vocabulary.from_json((generation / _VOCABULARY).read_text(encoding="utf-8"))


def empty_shelf(kind: EvidenceKind, embedder: Embedder, analyzer: Analyzer) -> Shelf:
    return Shelf.build(kind, [], embedder, analyzer)[0]


async def _gather(knowledge: Knowledge, lexicon: Lexicon,
                  analyzer: Analyzer) -> tuple[dict[EvidenceKind, list[Entry]], Vocabulary]:
    """Every searchable row of the database as an entry."""
    entries: dict[EvidenceKind, list[Entry]] = {kind: [] for kind in EvidenceKind}
    vocabulary, products = Vocabulary(), {}
    async for product in knowledge.catalogue.all_products():
        vocabulary.learn([product], analyzer)
        entries[EvidenceKind.PRODUCT].append(product_entry(product, analyzer))
        products[product.id] = product
    await _gather_texts(knowledge, entries, products)
    async for order in knowledge.orderbook.all_orders():
        lines = (line_entry(order, line, products.get(line.product_id), lexicon) for line in order.lines)
        entries[EvidenceKind.ORDER_LINE].extend(lines)
    return entries, vocabulary


async def _gather_texts(knowledge: Knowledge, entries: dict[EvidenceKind, list[Entry]],
                        products: Mapping[str, Product]) -> None:
    documents = [document async for document in knowledge.catalogue.all_documents()]
    for document in documents:
        chunks = await knowledge.catalogue.chunks_of(document.id)
        entries[kind_of(document)] += [chunk_entry(chunk, document) for chunk in chunks]
    async for review in knowledge.catalogue.all_reviews():
        product = products.get(review.product_id)
        entries[EvidenceKind.REVIEW].append(review_entry(review, product.title if product else ""))


def _rebuild(directory: Path, settings: KnowledgeSettings, entries: Mapping[EvidenceKind, list[Entry]],
             vocabulary: Vocabulary, lexicon: Lexicon, embedder: Embedder | None,
             progress: Progress | None) -> RefreshReport:
    embedder = embedder or make_embedder(directory, settings)
    older, older_vocabulary = _older(directory, settings, embedder)
    changed, removed = _difference(entries, older)
    counts = {kind.value: len({entry.id for entry in found}) for kind, found in entries.items()}
    if older and not changed and not removed and vocabulary == older_vocabulary:
        return RefreshReport(counts, 0, 0, 0, written=False)
    shelves, embedded, analyzer = {}, 0, lexicon.analyzer()
    for kind, found in entries.items():
        shelves[kind], fresh = Shelf.build(kind, found, embedder, analyzer, older=older.get(kind),
                                           hnsw_from=settings.index.flat_limit, progress=_named(progress, kind.value))
        embedded += fresh

    def fill(folder: Path) -> None:
        for kind, shelf in shelves.items():
            shelf.write(folder / kind.value)
        (folder / _VOCABULARY).write_text(vocabulary.to_json(), encoding="utf-8")

    manifest = IndexManifest(encoder=embedder.name, dimension=embedder.dimension, counts=counts,
                             settings={"flat_limit": settings.index.flat_limit, "language": lexicon.language})
    write_generation(directory / INDEX_FOLDER, manifest, fill)
    return RefreshReport(counts, embedded, changed, removed, written=True)


def _older(directory: Path, settings: KnowledgeSettings,
           embedder: Embedder) -> tuple[dict[EvidenceKind, Shelf], Vocabulary]:
    """What can be reused; nothing of an index that is damaged or of another format, which is built anew."""
    try:
        return read_shelves(directory, settings, embedder)
    except DataError:
        return {}, Vocabulary()


def _difference(entries: Mapping[EvidenceKind, list[Entry]], older: Mapping[EvidenceKind, Shelf]) -> tuple[int, int]:
    """How many rows are new or changed, and how many are gone."""
    changed = removed = 0
    for kind, found in entries.items():
        shelf = older.get(kind)
        prints = {shelf.entry(row)["id"]: shelf.entry(row)["print"] for row in range(len(shelf))} if shelf else {}
        now = {entry.id: entry for entry in found}
        changed += sum(prints.get(entry.id) != entry.fingerprint for entry in now.values())
        removed += len(prints.keys() - now.keys())
    return changed, removed


def _named(progress: Progress | None, kind: str) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(kind, done, total)) if progress else None
