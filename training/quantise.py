"""The fast form of a language model: CTranslate2 with small weights, in DIR/ct2, and what it costs and gains.

It converts and compares; it does not train, and the folder's own weights stay as they are.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bot.llm.spans import Rules
from knowledge.artifact import Manifest, sha256_files, write_manifest
from knowledge.errors import BadInput
from training.evaluate_generation import reply_figures
from training.llm_base import Base, context_of, load_base, read_spans
from training.llm_data import Row, read_rows
from training.out_folder import put_in_place
from training.replies import TorchVoice, Voice, Way, as_text
from training.speaking import Speaker

FOLDER = "ct2"
KINDS = ("int8", "int8_float32", "int8_float16", "int16", "float16", "bfloat16", "float32")
_WEIGHTS = ("*.safetensors", "*.bin")
Report = Callable[[str], None]


class FastVoice:
    """A converted model on the processor; prompts are read and replies written in batches."""

    def __init__(self, folder: Path, tokenizer: Any, context: int, threads: int = 1) -> None:
        import ctranslate2

        self._generator: Any = ctranslate2.Generator(str(folder), device="cpu", intra_threads=threads)
        self._tokenizer, self._context = tokenizer, context

    def say(self, prompts: Sequence[list[int]], way: Way, seed: int = 0) -> list[list[str]]:
        import ctranslate2

        ctranslate2.set_random_seed(seed)
        room = min(way.longest, self._context - max(map(len, prompts), default=0))
        drawn = way.method == "consensus"
        found = self._generator.generate_batch(
            [self._tokenizer.convert_ids_to_tokens(p) for p in prompts], max_length=max(room, 1), max_batch_size=2048,
            batch_type="tokens", include_prompt_in_result=False, end_token=self._tokenizer.eos_token,
            beam_size=way.candidates if way.method == "beam" else 1, num_hypotheses=way.candidates,
            sampling_topk=0 if drawn else 1, sampling_temperature=way.temperature if drawn else 1.0,
        )
        return [[as_text(ids, self._tokenizer) for ids in one.sequences_ids] for one in found]


def quantise(folder: Path, kind: str = "int8", data: Path | None = None, limit: int = 200, *,
             report: Report = lambda line: None) -> dict[str, Any]:
    """Write DIR/ct2 and tell sizes, with data speed and quality too. Raises BadInput for what cannot be converted."""
    if kind not in KINDS:
        raise BadInput(f"--kind {kind}: not known (use {', '.join(KINDS)})")
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder (name one with a language model)")
    rows = read_rows(data, measured=True)[:limit] if data else []
    base = load_base(str(folder))
    convert(folder, base, kind)
    before = {"form": "transformers float32", "mb": _mb(folder, *_WEIGHTS)}
    after = {"form": f"CTranslate2 {kind}", "mb": _mb(folder / FOLDER, "model.bin")}
    if rows:
        rules = read_spans(folder) or Rules()
        fast = FastVoice(folder / FOLDER, base.tokenizer, context_of(base.model))
        for form, voice in ((before, TorchVoice(base.model, base.tokenizer)), (after, fast)):
            report(f"{form['form']}: replies to {len(rows)} rows")
            form.update(_measured(voice, base.tokenizer, rules, rows))
    return {"out": str(folder / FOLDER), "rows": len(rows), "forms": [before, after]}


def convert(folder: Path, base: Base, kind: str) -> None:
    """Put `ct2/` into the folder in one step; its manifest names the weights it was made from."""
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory(prefix=".ct2-", dir=folder) as work:
        plain, made = Path(work, "plain"), Path(work, "made")
        base.model.save_pretrained(plain)  # an adapter's folder holds no whole model
        base.tokenizer.save_pretrained(plain)
        try:
            TransformersConverter(str(plain)).convert(str(made), quantization=kind)
        except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BadInput(f"{folder}: CTranslate2 cannot convert it: {reason}") from error
        _name_tokens(made / "config.json", base)
        versions = {name: metadata.version(name) for name in ("ctranslate2", "transformers")}
        write_manifest(made, Manifest("llm-ct2", f"shopclerk quantise --kind {kind}", "", 0, versions, {},
                                      parent=base.hash, settings={"kind": kind}))
        put_in_place(made, folder / FOLDER)
        shutil.rmtree(plain)


def _name_tokens(config: Path, base: Base) -> None:
    """CTranslate2 writes null for a token that a tokenizer does not have, and cannot read that again. Prompts come with
    all their tokens, so none is ever put before them."""
    told = json.loads(config.read_text(encoding="utf-8"))
    told |= {name: base.tokenizer.eos_token for name in ("bos_token", "unk_token") if not told.get(name)}
    config.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def is_of(folder: Path) -> bool:
    """Whether the fast form was made from the weights that stand beside it."""
    from knowledge.artifact import read_manifest

    weights = sorted(p for pattern in _WEIGHTS for p in folder.glob(pattern))
    return read_manifest(folder / FOLDER, kind="llm-ct2").parent == sha256_files(weights)


def table_text(figures: dict[str, Any]) -> str:
    """Before and after, side by side."""
    first, second = figures["forms"]
    lines = [f"wrote {figures['out']}"]
    for name in first:
        shown = [f"{form[name]:.4g}" if isinstance(form[name], float) else str(form[name]) for form in (first, second)]
        lines.append(f"{name:18} {shown[0]:>22} {shown[1]:>22}")
    return "\n".join(lines)


def _measured(voice: Voice, tokenizer: Any, rules: Rules, rows: Sequence[Row]) -> dict[str, Any]:
    """Quality of the most probable replies; speed of one after the other, as a chat needs them, and of all at once."""
    import torch

    way, contexts = Way("greedy"), [row.context for row in rows]
    speaker = Speaker(voice, tokenizer, rules)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        started = time.perf_counter()
        said = speaker.reply(contexts, way)
        together = time.perf_counter() - started
        started = time.perf_counter()
        alone = [speaker.reply([context], way)[0] for context in contexts[:32]]
        apart = time.perf_counter() - started
    finally:
        torch.set_num_threads(threads)
    figures = reply_figures(rows, said, rules, "none")
    return {
        "ms_per_reply": 1000 * apart / len(alone), "tokens_per_s_alone": _tokens(alone, tokenizer) / apart,
        "tokens_per_s_together": _tokens(said, tokenizer) / together,
        **{name: figures[name] for name in ("bleu", "rouge_l", "chrf", "slot_error", "groundedness")},
    }


def _tokens(texts: Sequence[str], tokenizer: Any) -> int:
    return sum(map(len, tokenizer(list(texts), add_special_tokens=False)["input_ids"]))


def _mb(folder: Path, *patterns: str) -> float:
    return sum(p.stat().st_size for pattern in patterns for p in folder.glob(pattern)) / (1 << 20)
