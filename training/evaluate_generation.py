"""Measures a language model's replies on rows with references. It knows artifacts and figures, no command line."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.llm.spans import Rules
from knowledge.artifact import MANIFEST, read_manifest
from training.decoding import told, way_of
from training.generation_figures import overlap_figures, value_figures
from training.llm_base import base_folder, context_of, load_base, read_spans
from training.llm_data import Row
from training.llm_examples import batches, encode_rows
from training.references import references
from training.replies import TorchVoice, Way
from training.speaking import Speaker


def load_speaker(name: str) -> Speaker:
    """A folder's model with its rules of pointing. Raises BadInput."""
    base = load_base(name)
    rules = read_spans(base_folder(name)) or Rules()
    return Speaker(TorchVoice(base.model, base.tokenizer), base.tokenizer, rules)


def evaluate_generation(name: str, rows: Sequence[Row], *, group: str = "none", way: Way | None = None,
                        predictions: Path | None = None, seed: int = 0) -> dict[str, Any]:
    """Figures as in the interface, and how the replies were decoded (`way` None: as the artifact's manifest says).

    `predictions`: one {"text"} a row is written there.
    """
    speaker = load_speaker(name)
    way = way or stored_way(base_folder(name))
    started = time.monotonic()
    said = speaker.reply([row.context for row in rows], way, seed)
    seconds = time.monotonic() - started
    if predictions:
        lines = (json.dumps({"text": text}, ensure_ascii=False) for text in said)
        predictions.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    tokens = sum(map(len, speaker.tokenizer(said, add_special_tokens=False)["input_ids"]))
    return {
        "rows": len(rows), **reply_figures(rows, said, speaker.rules, group), "perplexity": perplexity(speaker, rows),
        "tokens_per_s": tokens / max(seconds, 1e-9), "decoding": told(way), "group": group,
    }


def reply_figures(rows: Sequence[Row], said: Sequence[str], rules: Rules, group: str) -> dict[str, Any]:
    """Of given replies. Values are those that the model's rules find, or rules learned from these rows."""
    rules = rules if rules.keys else Rules.learn((row.prompt, row.reply) for row in rows)
    prompts = [row.prompt for row in rows]
    return {**overlap_figures(said, references(rows, rules, group)), **value_figures(said, prompts, rules),
            "slot_error_of_references": value_figures([row.reply for row in rows], prompts, rules)["slot_error"]}


def stored_way(folder: Path) -> Way:
    """How the artifact's replies are decoded."""
    if not (folder / MANIFEST).is_file():
        return Way()
    return way_of(read_manifest(folder, kind="llm", verify=False).settings.get("generation", {}))


def perplexity(speaker: Speaker, rows: Sequence[Row]) -> float | None:
    """Of the first references, per token as the model writes them (a tag is one token)."""
    import torch

    from training.llm_examples import arrays
    from training.llm_step import LossOfTokens

    assert isinstance(speaker.voice, TorchVoice)
    model = speaker.voice.model
    examples, _ = encode_rows(rows, speaker.tokenizer, speaker.rules, context_of(model))
    learned = sum(int(e.learned[1:].sum()) for e in examples)
    loss, total = LossOfTokens(model).eval(), 0.0
    with torch.inference_mode():
        for batch in batches(examples, 8192, 0, 0) if examples else []:
            ids, labels = arrays([examples[i] for i in batch], speaker.tokenizer.pad_token_id)
            total += float(loss(torch.from_numpy(ids).to(model.device), torch.from_numpy(labels).to(model.device)))
    return math.exp(min(total / learned, 50.0)) if learned else None
