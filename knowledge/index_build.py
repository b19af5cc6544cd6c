"""Opens the search index of a shop's folder for serving. `index_refresh` makes it.

It knows the folder through `indexes.folder`, and the database only as the catalogue that search reads live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from knowledge import db
from knowledge.analysis import Analyzer
from knowledge.catalogue import SqlCatalogue
from knowledge.config import INDEX_FOLDER, KnowledgeSettings
from knowledge.embedders import HashEmbedder, MiniLmEmbedder, load_embedder
from knowledge.errors import ConfigError
from knowledge.indexes.folder import current_generation, read_index_manifest
from knowledge.lexicon import Lexicon, load_lexicon
from knowledge.matching import Matcher
from knowledge.models import EvidenceKind
from knowledge.order_lines import IndexedOrderLines
from knowledge.ports import Catalogue, Embedder, OrderLineSearch
from knowledge.query import QueryParser
from knowledge.question import QuestionReader
from knowledge.rerankers import LateInteraction
from knowledge.retriever import PUBLIC_KINDS, HybridRetriever, ShelfRanker
from knowledge.shelf import Shelf
from knowledge.shelf_build import shelve
from knowledge.spelling import Speller
from knowledge.vocabulary import Vocabulary, WordCounter

VOCABULARY = "vocabulary.json"


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
    shelves, vocabulary = read_shelves(directory, analyzer, embedder)
    reranker = LateInteraction(embedder) if settings.index.rerank and isinstance(embedder, MiniLmEmbedder) else None
    ranker = ShelfRanker(dense=settings.index.dense, lexical=settings.index.lexical, reranker=reranker)
    matcher = make_matcher(lexicon, analyzer)
    parser = QueryParser(lexicon, vocabulary, analyzer)
    reader = make_reader(shelves, PUBLIC_KINDS, lexicon, analyzer, embedder, vocabulary)
    search = HybridRetriever(shelves, reader, catalogue, parser, analyzer, matcher, ranker=ranker)
    lines = shelves.get(EvidenceKind.ORDER_LINE) or shelve(EvidenceKind.ORDER_LINE, (), embedder, analyzer)
    line_reader = make_reader(shelves, (EvidenceKind.ORDER_LINE,), lexicon, analyzer, embedder, vocabulary)
    return SearchBundle(search, IndexedOrderLines(lines, line_reader, ranker), embedder, vocabulary, engine)


def make_reader(shelves: Mapping[EvidenceKind, Shelf], kinds: Sequence[EvidenceKind], lexicon: Lexicon,
                analyzer: Analyzer, embedder: Embedder, vocabulary: Vocabulary) -> QuestionReader:
    """Reads queries by the words of these shelves."""
    filled = [shelves[kind] for kind in kinds if kind in shelves and len(shelves[kind])]
    spellers = [Speller(shelf.lexical.terms, shelf.lexical.document_frequency) for shelf in filled]
    return QuestionReader(analyzer, lexicon, embedder, spellers, vocabulary.surfaces)


def make_matcher(lexicon: Lexicon, analyzer: Analyzer) -> Matcher:
    return Matcher(analyzer, before=lexicon.words("negation", "before"), after=lexicon.words("negation", "after"))


def read_shelves(directory: Path, analyzer: Analyzer,
                 embedder: Embedder) -> tuple[dict[EvidenceKind, Shelf], Vocabulary]:
    """The shelves in force and the shop's vocabulary; nothing when the index was made with another encoder."""
    generation = current_generation(directory / INDEX_FOLDER)
    if generation is None or read_index_manifest(generation).encoder != embedder.name:
        return {}, Vocabulary()
    counted = WordCounter.from_json((generation / VOCABULARY).read_text(encoding="utf-8"), analyzer)
    return open_shelves(generation), counted.vocabulary()


def open_shelves(generation: Path) -> dict[EvidenceKind, Shelf]:
    """Those of one generation, memory-mapped; kinds of which the shop has nothing have no shelf."""
    return {kind: Shelf.read(kind, generation / kind.value) for kind in EvidenceKind
            if (generation / kind.value).is_dir()}
