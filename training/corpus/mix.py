"""The embedded model's whole corpus: its tasks in their proportions, as rows of conversation.

It knows where each task's examples come from, nothing of models.
"""

from __future__ import annotations

import importlib
import itertools
import json
import multiprocessing
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# task → part of the corpus. Understanding needs most examples: its replies are short and its prompts differ most.
TASKS = {"rephrase": 0.5, "understand": 0.34, "promote": 0.08, "summarise": 0.08}
LANGUAGES = {"en": 0.94, "zh": 0.06}
_FOLDER = Path(__file__).parent
_SHARD = 10_000  # rows that one seed draws


def sources() -> dict[tuple[str, str], float]:
    """(task, language) → part of the corpus, of those there are data for."""
    there = {
        (task, language): share * of_language
        for task, share in TASKS.items()
        for language, of_language in LANGUAGES.items()
        if any((_FOLDER / language / task).glob("*.yml"))
    }
    total = sum(there.values())
    return {source: share / total for source, share in there.items()}


def examples(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """(task, prompt, reply) without end, tags in prompt and reply."""
    shares = sources()
    streams = {
        (task, language): importlib.import_module(f"training.corpus.{task}").examples(
            random.Random(rng.getrandbits(64)), language
        )
        for task, language in shares
    }
    while True:
        source = rng.choices(list(shares), list(shares.values()))[0]
        prompt, reply = next(streams[source])
        yield source[0], prompt, reply


def write_rows(path: Path, count: int, seed: int, processes: int = 1) -> None:
    """`count` rows of `{"messages": […], "task": …}`; the same seed writes the same file, however many write it."""
    shards = [
        (path.with_suffix(f".{n}"), min(_SHARD, count - start), seed + n)
        for n, start in enumerate(range(0, count, _SHARD))
    ]
    if processes == 1:
        for shard in shards:
            _write_shard(shard)
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            pool.map(_write_shard, shards, chunksize=1)
    partly = path.with_suffix(".partly")
    with partly.open("wb") as whole:
        for part, _, _ in shards:
            whole.write(part.read_bytes())
            part.unlink()
    partly.replace(path)


def _write_shard(shard: tuple[Path, int, int]) -> None:
    path, count, seed = shard
    with path.open("w", encoding="utf-8") as file:
        for task, prompt, reply in itertools.islice(examples(random.Random(seed)), count):
            file.write(json.dumps(row(task, prompt, reply), ensure_ascii=False) + "\n")


def row(task: str, prompt: str, reply: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}]
    return {"messages": messages, "task": task}


def written_files() -> list[Path]:
    """The data and the code the corpus comes from, for its hash."""
    return sorted(p for p in _FOLDER.rglob("*") if p.suffix in (".yml", ".py"))
