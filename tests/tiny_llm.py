"""A language model of our own form with random weights, small enough to be made in a test: folder, manifest, ct2/."""

from __future__ import annotations

import json
from pathlib import Path

from knowledge.artifact import Manifest, write_manifest
from training.llm_new import TINY, Size, new_model

TEXTS = (
    "order number refund delivery parcel jacket boots return exchange cancel please thanks hello where is my order",
    "I've cancelled order <v1> for you and <v2> is on its way back to your card.",
    "returnitems trackorder cancelorder wait hello thanks payment address product price stock size colour",
) * 6


def tiny_llm(folder: Path, size: Size = TINY, seed: int = 0, texts: tuple[str, ...] = TEXTS) -> Path:
    """`folder`, filled."""
    from ctranslate2.converters import TransformersConverter

    new_model(folder, texts, size, seed)
    _talkative(folder)
    TransformersConverter(str(folder)).convert(str(folder / "ct2"), quantization="int8")
    config = folder / "ct2" / "config.json"  # CTranslate2 wants names where the model has none
    named = json.loads(config.read_text()) | {"bos_token": "<|end|>", "unk_token": "<|end|>"}
    config.write_text(json.dumps(named))
    write_manifest(folder / "ct2", Manifest("llm-ct2", "test", "", seed, {}, {}))
    write_manifest(folder, Manifest("llm", "test", "", seed, {}, {}))
    return folder


def _talkative(folder: Path) -> None:
    """Random weights of the usual size repeat the last token of the prompt, and a control token ends the text: here the
    layers say more than the embeddings, and control tokens hardly anything."""
    import torch
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "proj" in name:
                weights *= 12
        model.get_input_embeddings().weight[:5] *= 0.05
    model.save_pretrained(folder)
