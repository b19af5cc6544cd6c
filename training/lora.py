"""Low-rank adapters (Hu et al. 2021) through peft: put on before a training, merged or kept after it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Lora:
    """`rank` of the adapters; `alpha` / `rank` scales them."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05


@contextmanager
def quiet_peft() -> Iterator[None]:
    """peft asks transformers for an attribute by its former name, and transformers says so each time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def with_adapter(model: Any, lora: Lora) -> Any:
    """The model with trainable adapters on its linear layers; its own weights are frozen."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules="all-linear",
                        task_type="CAUSAL_LM")
    with quiet_peft():
        return get_peft_model(model, config)


def merged(model: Any) -> Any:
    """The plain model, the adapters added to its weights."""
    return model.merge_and_unload()
