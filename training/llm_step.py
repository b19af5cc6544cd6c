"""What a step of fine-tuning computes: the loss of the assistant's tokens, and the optimiser that follows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from training.llm_examples import IGNORED

# Their logits are the output matrix times the last hidden state and nothing more, so those of prompts can be left out:
# a quarter of the work of a small model with a large vocabulary.
_PLAIN_HEAD = ("llama", "mistral", "qwen2", "qwen3")


class LossOfTokens(nn.Module):
    """The summed cross-entropy of every labelled token after those before it."""

    def __init__(self, model: Any, checkpointing: bool = False) -> None:
        super().__init__()
        self.model = model
        if checkpointing:
            model.config.use_cache = False
            model.activation_checkpointing_enable({"use_reentrant": False})
            model.enable_input_require_grads()
        model.train()

    def forward(self, ids: Any, labels: Any) -> Any:
        targets = labels[:, 1:]
        learned = targets != IGNORED
        # Padding stands on the right, where no token that counts can see it: no mask is needed.
        logits = self._logits(ids[:, :-1], learned)
        return nn.functional.cross_entropy(logits.float(), targets[learned], reduction="sum")

    def _logits(self, ids: Any, wanted: Any) -> Any:
        plain = self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model
        if plain.config.model_type in _PLAIN_HEAD:
            hidden = plain.base_model(input_ids=ids, use_cache=False).last_hidden_state
            return plain.get_output_embeddings()(hidden[wanted])
        return self.model(input_ids=ids, use_cache=False).logits[wanted]


def trainable(model: Any) -> Iterator[tuple[str, Any]]:
    """The parameters that are learned, by name."""
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)


def optimiser_for(model: Any, weight_decay: float) -> Any:
    """AdamW (Loshchilov and Hutter 2019); vectors (norms, biases) do not decay."""
    matrices = [p for _, p in trainable(model) if p.ndim > 1]
    vectors = [p for _, p in trainable(model) if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=0.0, betas=(0.9, 0.98))
