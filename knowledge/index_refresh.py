"""Brings the search index of a shop's folder up to what its database holds.

Units (a product, an order, a document, a review) are compared by the hash that the database has of them, so what did not
change is not even read; kinds of which nothing changed keep their files. The old index serves until the new one is
whole. It knows the database through `index_source` and the folder through `indexes.folder`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.config import INDEX_FOLDER, KnowledgeSettings
from knowledge.errors import DataError
from knowledge.index_build import VOCABULARY, make_embedder, open_shelves
from knowledge.index_source import PAGE, IndexSource, hangs_on
from knowledge.indexes.folder import Draft, IndexManifest, current_generation, link_files, read_index_manifest, writing
from knowledge.lexicon import Lexicon, load_lexicon
from knowledge.models import EvidenceKind
from knowledge.ports import Embedder
from knowledge.sentence_vectors import learn_documents, load_known
from knowledge.shelf import Entry, Rows, Shelf, Unit
from knowledge.shelf_build import ShelfBuilder
from knowledge.store import Knowledge, open_knowledge
from knowledge.vocabulary import WordCounter

Progress = Callable[[str, int, int], None]
_MOST_THREADS = 4
# What an entry's texts and words depend on besides the data: when one of these changed, rows are made anew.
_RECIPE = ("analysis.py", "entries.py", "facets.py", "filters.py", "lexical_build.py", "shelf.py", "vocabulary.py",
           "lexicon")


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """Rows per kind now; in total, how many texts were embedded, how many rows are new or changed, how many gone."""

    counts: Mapping[str, int]
    embedded: int
    changed: int
    removed: int
    written: bool                     # False: the index was up to date already


@dataclass(frozen=True, slots=True)
class _Older:
    """The index in force. `usable`: its rows may be kept; otherwise only its vectors."""

    shelves: Mapping[EvidenceKind, Shelf] = field(default_factory=dict)
    usable: bool = False
    vocabulary: str = ""
    manifest: IndexManifest | None = None
    folder: Path | None = None


@dataclass(slots=True)
class _Plan:
    """What has to be done for one kind. `versions`: (id, hash) of its units as they shall stand."""

    versions: list[tuple[str, str]]
    older: Mapping[str, tuple[Unit, int]] = field(default_factory=dict)      # id → unit and its first row
    stale: frozenset[str] = frozenset()                                      # made of something else that changed
    same: bool = False

    def kept(self, id: str, digest: str) -> tuple[Unit, int] | None:
        known = self.older.get(id)
        return known if known and known[0].hash == digest and id not in self.stale else None

    @property
    def changed(self) -> list[str]:
        """Ids of units that are new or have another version."""
        return [id for id, digest in self.versions if id not in self.older or self.older[id][0].hash != digest]

    @property
    def removed(self) -> list[str]:
        now = {id for id, _ in self.versions}
        return [id for id in self.older if id not in now]


async def refresh(directory: Path, settings: KnowledgeSettings, *, progress: Progress | None = None,
                  embedder: Embedder | None = None) -> RefreshReport:
    """Index again what changed. `progress(kind, done, total)` is called while embedding."""
    knowledge = await open_knowledge(directory, settings)
    try:
        work = _Refresh(knowledge, embedder, progress)
        report = await work.run()
        await learn_documents(load_known(directory, work.embedder), knowledge.catalogue)
        return report
    finally:
        await knowledge.close()


class _Refresh:
    def __init__(self, knowledge: Knowledge, embedder: Embedder | None, progress: Progress | None) -> None:
        self._index, self._settings = knowledge.directory / INDEX_FOLDER, knowledge.settings
        self._lexicon = load_lexicon()
        self._analyzer = self._lexicon.analyzer()
        self._source = IndexSource(knowledge.engine, self._lexicon, self._analyzer)
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
        self.embedder = embedder or make_embedder(knowledge.directory, knowledge.settings, threads=threads)
        self._progress = progress
        self._recipe = {"recipe": recipe(self._lexicon), "flat_limit": self._settings.index.flat_limit,
                        "language": self._lexicon.language}

    async def run(self) -> RefreshReport:
        older = self._older()
        plans: dict[EvidenceKind, _Plan] = {}
        for kind in EvidenceKind:
            plans[kind] = await self._plan(kind, older, plans.get(EvidenceKind.PRODUCT))
        changed, removed = _sums(plans)
        if older.usable and all(plan.same for plan in plans.values()):
            return RefreshReport(_counts(older.shelves), 0, 0, 0, False)
        embedded = 0
        made: dict[EvidenceKind, Shelf] = {}
        with writing(self._index) as draft:
            words = WordCounter(self._analyzer)
            if older.usable:
                words = WordCounter.from_json(older.vocabulary, self._analyzer)
            for kind, plan in plans.items():
                if not plan.versions:
                    await asyncio.to_thread(self._forgotten, kind, plan, older, words)
                    continue
                lender = made.get(EvidenceKind.PRODUCT)
                made[kind], encoded = await self._make(draft, kind, plan, older, words, [lender] if lender else [])
                embedded += encoded
            (draft.folder / VOCABULARY).write_text(words.to_json(), encoding="utf-8")
            counts = _counts(made)
            manifest = IndexManifest(encoder=self.embedder.name, dimension=self.embedder.dimension, counts=counts,
                                     settings=self._recipe)
            await asyncio.to_thread(draft.publish, manifest)
        return RefreshReport(counts, embedded, changed, removed, written=True)

    def _older(self) -> _Older:
        """What can be reused; nothing of an index that is damaged or of another format or encoder."""
        try:
            folder = current_generation(self._index)
            if folder is None:
                return _Older()
            manifest = read_index_manifest(folder)
            if manifest.encoder != self.embedder.name:
                return _Older()
            text = (folder / VOCABULARY).read_text(encoding="utf-8")
            return _Older(open_shelves(folder), manifest.settings == self._recipe, text, manifest, folder)
        except (DataError, OSError, ValueError):
            return _Older()

    async def _plan(self, kind: EvidenceKind, older: _Older, products: _Plan | None) -> _Plan:
        versions = await self._source.versions(kind)
        shelf = older.shelves.get(kind)
        if shelf is None or not older.usable:
            return _Plan(versions, same=older.usable and not versions)
        units = shelf.units()
        starts = np.concatenate([[0], np.cumsum([unit.rows for unit in units])]).astype(np.int64)
        stale = _stale(kind, shelf, units, starts, products)
        plan = _Plan(versions, {unit.id: (unit, start) for unit, start in zip(units, starts.tolist(), strict=False)},
                     stale)
        plan.same = not stale and [(unit.id, unit.hash) for unit in units] == versions
        return plan

    async def _make(self, draft: Draft, kind: EvidenceKind, plan: _Plan, older: _Older,
                    words: WordCounter, lenders: Sequence[Shelf]) -> tuple[Shelf, int]:
        """The shelf of one kind in the draft, and how many texts were encoded for it."""
        shelf = older.shelves.get(kind)
        if plan.same and shelf is not None and older.folder and older.manifest:
            draft.keep(link_files(older.folder, draft.folder, kind.value, older.manifest))
            return shelf, 0
        builder = ShelfBuilder(
            kind, self.embedder, self._analyzer, folder=draft.folder / kind.value,
            older=shelf if older.usable else None, vectors_from=shelf, lenders=lenders,
            lists_from=self._settings.index.flat_limit,
            progress=partial(self._progress, kind.value) if self._progress else None)
        try:
            await asyncio.to_thread(self._forgotten, kind, plan, older, words)
            for start in range(0, len(plan.versions), PAGE):
                page = plan.versions[start:start + PAGE]
                needed = [id for id, digest in page if plan.kept(id, digest) is None]
                entries = await self._source.entries(kind, needed) if needed else {}
                await asyncio.to_thread(_add_page, builder, plan, page, entries,
                                        words if kind is EvidenceKind.PRODUCT else None)
            made = await asyncio.to_thread(builder.finish)
        finally:
            builder.close()
        return made, builder.embedded

    @staticmethod
    def _forgotten(kind: EvidenceKind, plan: _Plan, older: _Older, words: WordCounter) -> None:
        """The words of products that are gone or have another version."""
        shelf = older.shelves.get(kind) if older.usable and kind is EvidenceKind.PRODUCT else None
        if shelf is None:
            return
        for id in [*plan.changed, *plan.removed]:
            if known := plan.older.get(id):
                unit, start = known
                for row in range(start, start + unit.rows):
                    _teach(words, shelf.entry(row), by=-1)


def _counts(shelves: Mapping[EvidenceKind, Shelf]) -> dict[str, int]:
    return {kind.value: len(shelves[kind]) if kind in shelves else 0 for kind in EvidenceKind}


def _stale(kind: EvidenceKind, shelf: Shelf, units: Sequence[Unit], starts: Rows,
           products: _Plan | None) -> frozenset[str]:
    """Units whose texts hold words of a product that is new, changed or gone."""
    found: set[str] = set()
    for id in [*products.changed, *products.removed] if products else ():
        facet = hangs_on(kind, id)
        rows = shelf.facets.rows(facet) if facet else ()
        if len(rows):
            found.update(units[place].id for place in np.searchsorted(starts, rows, side="right") - 1)
    return frozenset(found)


def _add_page(builder: ShelfBuilder, plan: _Plan, page: Iterable[tuple[str, str]],
              entries: Mapping[str, Sequence[Entry]], words: WordCounter | None) -> None:
    for id, digest in page:
        if known := plan.kept(id, digest):
            builder.keep(*known)
        elif (made := entries.get(id)) is not None:
            builder.add(id, digest, made)
            if words is not None:
                for entry in made:
                    _teach(words, entry.stored, by=1)


def _teach(words: WordCounter, row: Mapping[str, Any], *, by: int) -> None:
    """What the vocabulary learns of a product's row, or forgets."""
    options = tuple((name, value) for name, value in row.get("options", ()))
    words.learn(row["title"], row["data"]["brand"], row["data"]["category"], options, by=by)


def _sums(plans: Mapping[EvidenceKind, _Plan]) -> tuple[int, int]:
    """(units new or changed, units gone)."""
    return sum(len(plan.changed) for plan in plans.values()), sum(len(plan.removed) for plan in plans.values())


def recipe(lexicon: Lexicon) -> str:
    """A hash of the code and words that make an entry of a unit."""
    digest = blake2b(lexicon.language.encode(), digest_size=8)
    here = Path(__file__).parent
    for name in _RECIPE:
        path = here / name
        for file in sorted(path.glob("*.yml")) if path.is_dir() else [path]:
            digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()
