"""`shopclerk backup` and `shopclerk restore`: progress while they run, and a line about what was done."""

from __future__ import annotations

from pathlib import Path

from bot.stores.archive import Manifest
from bot.stores.backup import write_backup
from bot.stores.restore import restore_backup
from knowledge.config import KnowledgeSettings
from knowledge.ingest_progress import IngestProgress


async def backup(directory: Path, file: Path) -> str:
    with IngestProgress() as bar:
        manifest = await write_backup(directory, file, bar.update)
    return f"{file}: {_contents(manifest)}, as of {manifest.made_at}"


async def restore(file: Path, directory: Path, replace: bool) -> str:
    with IngestProgress() as bar:
        async def make_index(folder: Path, settings: KnowledgeSettings) -> None:
            from knowledge.index_refresh import refresh

            await refresh(folder, settings, progress=bar.update)

        manifest = await restore_backup(file, directory, replace=replace, progress=bar.update, make_index=make_index)
    return f"{directory}: {_contents(manifest)}, as of {manifest.made_at}"


def _contents(manifest: Manifest) -> str:
    rows = sum(part.rows for part in manifest.tables.values())
    return f"{rows} rows of {len(manifest.tables)} tables, {len(manifest.files)} files"
