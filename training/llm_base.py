"""The model a training starts from: `embedded`, or a folder with any causal language model, an adapter's too.

It loads models and tells where they come from; it trains nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.llm.spans import MOST, tag
from knowledge.artifact import sha256_files
from knowledge.errors import BadInput

EMBEDDED = "embedded"
SPANS_FILE = "spans.json"
PLAIN_TEMPLATE = (  # for models that have none of their own
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@dataclass(frozen=True, slots=True)
class Base:
    """A loaded model, its tokenizer, and the hash of its weights."""

    name: str
    model: Any
    tokenizer: Any
    hash: str


def base_folder(name: str) -> Path:
    """Where the weights are. Raises BadInput where there are none."""
    if name == EMBEDDED:
        import bot.llm

        folder = Path(bot.llm.__file__).parent / "weights"
        if not (folder / "config.json").is_file():
            raise BadInput("--base embedded: its weights are not there (make them with 'make model', or name a folder)")
        return folder
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise BadInput(f"--base {name}: no such folder (use 'embedded' or a folder in Hugging Face's format)")
    if not any((folder / file).is_file() for file in ("config.json", "adapter_config.json")):
        raise BadInput(f"{name}: no config.json here, so it is no model (name a folder in Hugging Face's format)")
    return folder


def load_base(name: str) -> Base:
    """Model and tokenizer, an adapter merged into its own base. Raises BadInput for what cannot be loaded."""
    folder = base_folder(name)
    quiet_transformers()
    from safetensors import SafetensorError
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = _load_model(folder)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise BadInput(f"{name}: cannot be loaded as a language model: {reason}") from error
    if not getattr(tokenizer, "is_fast", False):
        raise BadInput(f"{name}: its tokenizer has no tokenizer.json (convert it with transformers first)")
    if tokenizer.chat_template is None:
        tokenizer.chat_template = PLAIN_TEMPLATE
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    weights = sorted(p for pattern in ("*.safetensors", "*.bin") for p in folder.glob(pattern))
    return Base(name, model, tokenizer, sha256_files(weights))


def _load_model(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    if not (folder / "adapter_config.json").is_file():
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    from peft import AutoPeftModelForCausalLM

    from training.lora import quiet_peft

    with quiet_peft():
        adapted: Any = AutoPeftModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return adapted.merge_and_unload()


def quiet_transformers() -> None:
    """Progress and warnings are this command's to give."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def tag_ids(tokenizer: Any) -> list[int]:
    """The tokens of the tags <v0> …; empty where the tokenizer does not have them all."""
    ids = [tokenizer.convert_tokens_to_ids(tag(n)) for n in range(MOST)]
    return [] if any(i is None or i == tokenizer.unk_token_id for i in ids) else ids


def context_of(model: Any) -> int:
    """How many tokens it reads."""
    return int(getattr(model.config, "max_position_embeddings", 0) or getattr(model.config, "n_positions", 0) or 4096)


def read_spans(folder: Path) -> Any:
    """The rules kept with an artifact, or None."""
    from bot.llm.spans import Rules

    path = folder / SPANS_FILE
    return Rules.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
