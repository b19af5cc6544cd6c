"""Fine-tunes a causal language model on conversations: rows and a base in, an artifact folder out.

It orders the steps (read, find the values to point at, encode, train, choose how replies are decoded, write); the
steps are in the modules it imports. It knows no command line. Interrupted, the same call goes on from its checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.llm.spans import Rules
from knowledge.artifact import Manifest, sha256_files, write_manifest
from knowledge.errors import BadInput, DataError
from training.checkpoints import Checkpoints
from training.llm_base import SPANS_FILE, Base, context_of, load_base, tag_ids
from training.llm_data import Row, read_rows
from training.llm_examples import Example, encode_rows
from training.lora import Lora, merged, with_adapter
from training.out_folder import check_target, put_in_place

if TYPE_CHECKING:
    from training.llm_loop import Pace, Standing

METHODS = ("full", "lora")
_PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "peft", "numpy")
_HELD_OUT, _MOST_HELD_OUT, _FEW = 0.03, 300, 60  # without validation rows: a part of the training rows, where enough
_LOOKED_AT = 500  # validation rows whose loss is followed
_RATES = ((20e6, 2e-3), (1e9, 1e-4), (math.inf, 2e-5))  # parameters → learning rate, where none is given
_LORA_RATE = 10  # adapters learn with so many times the rate
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """`keep_adapter`: LoRA's adapter is written as it is, and not merged into its base. `decoding`: measure on the
    validation rows how replies are best decoded, and keep that in the artifact."""

    pace: Pace
    base: str = "embedded"
    method: str = "full"
    keep_adapter: bool = False
    lora: Lora = field(default_factory=Lora)
    longest: int | None = None
    decoding: bool = True


def train_llm(data: Path, validation: Path | None, out: Path, settings: LlmSettings, *, command: str = "",
              report: Report = lambda line: None, show: Callable[[Standing, float], None] = lambda at, part: None) -> Manifest:
    """Write `out` in one step. Raises DataError for unusable data, BadInput for an unusable base or folder."""
    check_target(out)
    rows, held_out = _rows(data, validation, settings.pace.seed)
    base = load_base(settings.base)
    settings = _with_rate(settings, base)
    work = out.absolute().with_name(f".{out.name}.training")
    data_hash = sha256_files([data, *([validation] if validation else [])])
    rules = _rules(rows, base)
    train, seen = _encoded(data, rows, held_out, base, rules, settings, report)
    fitting = _fitting(base, settings, train, seen, Checkpoints(work, _fingerprint(settings, data_hash, base)), report)
    learned = sum(p.numel() for p in fitting.model.parameters() if p.requires_grad)
    at = fitting.run(show)
    if not fitting.accelerator.is_main_process:
        return Manifest("llm", command, data_hash, settings.pace.seed, {}, {})
    model = fitting.accelerator.unwrap_model(fitting.loss).model.to("cpu").eval()
    artifact = work / "artifact"
    shutil.rmtree(artifact, ignore_errors=True)
    _write_model(artifact, model, base, settings, rules, at)
    generation = _generation(artifact, held_out, settings, report)
    manifest = Manifest(
        kind="llm", command=command, data_hash=data_hash, seed=settings.pace.seed,
        versions={name: metadata.version(name) for name in _PACKAGES}, parent=base.hash,
        metrics=_metrics(at, rows, held_out, learned) | generation.pop("metrics", {}),
        settings={"base": settings.base, "method": settings.method, "training": asdict(settings.pace),
                  "pointed_at": sorted(rules.keys), "generation": generation},
    )
    write_manifest(artifact, manifest)
    put_in_place(artifact, out.absolute())
    shutil.rmtree(work, ignore_errors=True)
    return manifest


def _rows(data: Path, validation: Path | None, seed: int) -> tuple[list[Row], list[Row]]:
    """Rows to learn from, and rows to look at."""
    rows = read_rows(data)
    if validation is not None:
        return rows, read_rows(validation, measured=True)
    if len(rows) < _FEW:
        return rows, []
    random.Random(seed).shuffle(rows)
    held = min(_MOST_HELD_OUT, max(1, int(len(rows) * _HELD_OUT)))
    return rows[held:], rows[:held]


def _rules(rows: Sequence[Row], base: Base) -> Rules:
    """What replies copy from prompts, for a base that has tags to point with."""
    return Rules.learn((row.prompt, row.reply) for row in rows) if tag_ids(base.tokenizer) else Rules()


def _encoded(data: Path, rows: Sequence[Row], held_out: Sequence[Row], base: Base, rules: Rules, settings: LlmSettings,
             report: Report) -> tuple[list[Example], list[Example]]:
    longest = min(settings.longest or context_of(base.model), context_of(base.model))
    train, left_out = encode_rows(rows, base.tokenizer, rules, longest)
    if not train:
        raise DataError(str(data), f"every example is longer than the {longest} tokens that are read",
                        remedy="shorten them, or take a base that reads more")
    looked_at = random.Random(settings.pace.seed).sample(list(held_out), min(_LOOKED_AT, len(held_out)))
    seen, _ = encode_rows(looked_at, base.tokenizer, rules, longest)
    tokens = sum(len(e.ids) for e in train)
    report(f"{len(train)} examples, {tokens} tokens" + (f"; {left_out} longer than {longest} left out" if left_out else "")
           + f"; {len(held_out)} rows to look at")
    if rules.keys:
        report(f"replies point at {', '.join(sorted(rules.keys))}")
    return train, seen


def _fitting(base: Base, settings: LlmSettings, train: Sequence[Example], seen: Sequence[Example],
             checkpoints: Checkpoints, report: Report) -> Any:
    from training.llm_loop import Fitting

    model = base.model
    if settings.method == "lora":
        import torch

        torch.manual_seed(settings.pace.seed)
        model = with_adapter(model, settings.lora)
    try:
        return Fitting(model, base.tokenizer.pad_token_id, train, seen, settings.pace,
                       checkpoints, report)
    except ValueError as error:
        raise BadInput(f"{base.name}: cannot be trained this way: {str(error).splitlines()[0]}") from error


def _with_rate(settings: LlmSettings, base: Base) -> LlmSettings:
    """The settings with a learning rate, where none was given."""
    schedule = settings.pace.schedule
    if schedule.lr:
        return settings
    parameters = sum(p.numel() for p in base.model.parameters())
    rated = replace(schedule, lr=default_rate(parameters, settings.method))
    return replace(settings, pace=replace(settings.pace, schedule=rated))


def default_rate(parameters: int, method: str) -> float:
    """A learning rate that suits most models of this size."""
    rate = next(rate for size, rate in _RATES if parameters < size)
    return rate if method == "full" else min(rate * _LORA_RATE, 2e-3)


def _write_model(folder: Path, model: Any, base: Base, settings: LlmSettings, rules: Rules, at: Standing) -> None:
    from training.llm_curve import curve_svg

    folder.mkdir(parents=True)
    if settings.method == "lora" and not settings.keep_adapter:
        model = merged(model)
    model.save_pretrained(folder)
    base.tokenizer.save_pretrained(folder)
    if rules.keys:
        (folder / SPANS_FILE).write_text(json.dumps(rules.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    losses = {"train": at.train, "validation": at.validation}
    (folder / "loss.json").write_text(json.dumps(losses) + "\n", encoding="utf-8")
    (folder / "loss.svg").write_text(curve_svg(at.train, at.validation), encoding="utf-8")


def _generation(artifact: Path, held_out: Sequence[Row], settings: LlmSettings, report: Report) -> dict[str, Any]:
    from training.decoding import choose_decoding

    if not (settings.decoding and held_out):
        return {}
    return choose_decoding(artifact, held_out, settings.pace.seed, report)


def _metrics(at: Standing, rows: Sequence[Row], held_out: Sequence[Row], learned: int) -> dict[str, Any]:
    looked = {"validation_loss": at.best, "perplexity": math.exp(min(at.best, 50)), "best_step": at.best_step}
    return {
        "examples": len(rows), "validation_rows": len(held_out), "steps": at.step, "epochs": at.epoch + (at.group > 0),
        "tokens": at.tokens, "train_loss": sum(row[1] for row in at.train[-50:]) / max(1, len(at.train[-50:])),
        **(looked if at.validation else {}), "seconds": round(at.seconds, 1),
        "tokens_per_s": round(at.tokens / max(at.seconds, 1e-9)), "stopped": at.stopped,
        "trained_parameters": learned,
    }


def _fingerprint(settings: LlmSettings, data_hash: str, base: Base) -> str:
    """Of all that decides what comes out."""
    told = json.dumps([asdict(settings), data_hash, base.hash], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()
