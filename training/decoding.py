"""Chooses by measurement how an artifact's replies are decoded: on validation rows, by BLEU and slot error.

The choice stands in the manifest under `settings.generation` and is taken by `shopclerk evaluate generation`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.generation_figures import overlap_figures, value_figures
from training.llm_data import Row
from training.references import references
from training.replies import METHODS, Way
from training.speaking import Speaker

TRIED = (
    Way("greedy"),
    Way("beam", 5),
    Way("consensus", 24, 0.5),
    Way("consensus", 24, 0.3),
    Way("consensus", 24, 0.7),
)
_ROWS = 250
_PATIENCE_S = 120.0  # no further way is tried after that
_WEIGHT = 5  # of slot error against BLEU: a reply without a price is worse than one in other words
Report = Callable[[str], None]


def choose_decoding(folder: Path, rows: Sequence[Row], seed: int, report: Report) -> dict[str, Any]:
    """The settings of the best way, and what each gave."""
    from training.evaluate_generation import load_speaker

    speaker = load_speaker(str(folder))
    chosen = random.Random(seed).sample(list(rows), min(_ROWS, len(rows)))
    wanted = references(list(rows), speaker.rules, "delexicalised")
    by_row = {id(row): texts for row, texts in zip(rows, wanted, strict=True)}
    longest = _longest(rows, speaker)
    tried: list[tuple[Way, dict[str, Any]]] = []
    started = time.monotonic()
    for way in TRIED:
        if tried and time.monotonic() - started > _PATIENCE_S:
            break
        way = Way(way.method, way.candidates, way.temperature, longest)
        figures = _measured(speaker, chosen, [by_row[id(row)] for row in chosen], way, seed)
        tried.append((way, figures))
        report(f"decoding {told(way)}: BLEU {figures['bleu']:.4f}"
               + (f", slot error {figures['slot_error']:.4f}" if figures["slot_error"] is not None else "")
               + f", {figures['seconds']:.0f} s")
    best, figures = _best(tried)
    report(f"replies are decoded by {told(best)}")
    kept = {name: figures[name] for name in ("bleu", "rouge_l", "chrf", "slot_error", "groundedness")}
    measured = [{"way": told(way), **figures} for way, figures in tried]
    return {**asdict(best), "tried": measured, "metrics": {f"validation_{name}": value for name, value in kept.items()}}


def way_of(settings: dict[str, Any]) -> Way:
    """The way an artifact's settings name; greedy where they name none."""
    if settings.get("method") not in METHODS:
        return Way()
    return Way(settings["method"], int(settings["candidates"]), float(settings["temperature"]), int(settings["longest"]))


def told(way: Way) -> str:
    if way.method == "greedy":
        return "the most probable token"
    if way.method == "beam":
        return f"a beam of {way.candidates}"
    return f"the consensus of {way.candidates} drawn at {way.temperature:g}"


def _measured(speaker: Speaker, rows: Sequence[Row], wanted: Sequence[Sequence[str]], way: Way, seed: int) -> dict[str, Any]:
    started = time.monotonic()
    said = speaker.reply([row.context for row in rows], way, seed)
    seconds = time.monotonic() - started
    return {**overlap_figures(said, wanted), **value_figures(said, [r.prompt for r in rows], speaker.rules),
            "seconds": round(seconds, 1)}


def _best(tried: Sequence[tuple[Way, dict[str, Any]]]) -> tuple[Way, dict[str, Any]]:
    return max(tried, key=lambda t: t[1]["bleu"] - _WEIGHT * (t[1]["slot_error"] or 0.0))


def _longest(rows: Sequence[Row], speaker: Speaker) -> int:
    """Half as long again as the longest reply that is expected."""
    lengths = map(len, speaker.tokenizer([row.reply for row in rows], add_special_tokens=False)["input_ids"])
    return int(1.5 * max(lengths)) + 8
