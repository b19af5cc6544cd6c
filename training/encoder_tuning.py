"""Fine-tunes the sentence encoder for one set of intents and exports it as ONNX int8.

Cross-entropy against a cosine head that starts at the intents' mean vectors (Kumar et al. 2022: a head that fits before
the encoder moves distorts less), word embeddings frozen. It knows texts and labels, nothing of the classifier.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.nlu.classifier import OOS
from knowledge.embedders import MiniLmEmbedder
from knowledge.encoder_export import export, source_folder
from knowledge.errors import BadInput
from knowledge.ports import Embedder, Vectors
from training.intent_data import Example

TUNED_NAME = "all-MiniLM-L6-v2-tuned"
_BATCH, _MAX_TOKENS, _MAX_EPOCHS = 32, 64, 6
_ROWS_PER_SECOND = 35     # measured on two cores; a budget in rows, not in time, keeps training repeatable
_RATE, _HEAD_RATE, _SCALE, _WARM_UP = 2e-4, 2e-3, 20.0, 0.1
_HELD_OUT = 7             # one row in seven stays unseen: it calibrates the classifier and judges the tuning
_FEWEST_UNSEEN = 20
_CLEARLY_BETTER = 0.003


@dataclass(frozen=True)
class TunedEncoder:
    """`unseen` marks the examples that the encoder was not tuned on."""

    embedder: Embedder
    unseen: NDArray[np.bool_]
    name: str = TUNED_NAME


def tune_encoder(examples: Sequence[Example], folder: Path, minutes: float, seed: int, *, frozen: Embedder,
                 only_if_better: bool, report: Callable[[str], None]) -> TunedEncoder | None:
    """Write the encoder to `folder` and load it; None, and nothing written, when it must be better and is not.

    Raises BadInput when there are too few examples to judge it. Stops after twice `minutes` whatever the machine.
    """
    texts, labels = [e.text for e in examples], np.array([e.label for e in examples])
    unseen = _hold_out(labels, seed)
    if unseen.sum() < _FEWEST_UNSEEN:
        if only_if_better:
            report("too few examples to judge a tuned encoder: the shared one is used")
            return None
        raise BadInput(f"--encoder tuned: too few examples (give {_HELD_OUT} or more per intent)")
    inside = (labels != OOS) & ~unseen
    vectors = frozen.embed(texts)
    model, tokenizer = _load()
    _train(model, tokenizer, [texts[i] for i in np.flatnonzero(inside)], labels[inside], vectors[inside], minutes, seed,
           report)
    embedder = _export(model, tokenizer, folder)
    if only_if_better:
        before = _unseen_accuracy(vectors, labels, unseen)
        after = _unseen_accuracy(embedder.embed(texts), labels, unseen)
        report(f"held-out accuracy {before:.4f} with the shared encoder, {after:.4f} with the tuned one")
        if after < before + _CLEARLY_BETTER:
            shutil.rmtree(folder)
            return None
    return TunedEncoder(embedder, unseen)


def _hold_out(labels: NDArray[np.str_], seed: int) -> NDArray[np.bool_]:
    """One in `_HELD_OUT` of every intent that has at least that many examples."""
    random = np.random.default_rng(seed)
    unseen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        unseen[rows[:len(rows) // _HELD_OUT]] = True
    return unseen


def _load() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    source = str(source_folder())
    return AutoModel.from_pretrained(source), AutoTokenizer.from_pretrained(source)


def _train(model: Any, tokenizer: Any, texts: Sequence[str], labels: NDArray[np.str_], vectors: Vectors, minutes: float,
           seed: int, report: Callable[[str], None]) -> None:
    import torch

    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    names, targets = np.unique(labels, return_inverse=True)
    means = np.stack([vectors[targets == k].mean(axis=0) for k in range(len(names))])
    head = torch.nn.Parameter(torch.tensor(means))
    for parameter in model.embeddings.parameters():
        parameter.requires_grad = False
    moving = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW([{"params": moving, "lr": _RATE}, {"params": [head], "lr": _HEAD_RATE}],
                                  weight_decay=0.01)
    rows = min(int(minutes * 60 * _ROWS_PER_SECOND), _MAX_EPOCHS * len(texts))
    steps = max(rows // _BATCH, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (_WARM_UP * steps), max(0.0, 1 - step / steps)))
    report(f"tuning the encoder: {steps} steps of {_BATCH} messages")
    deadline = time.monotonic() + 2 * 60 * minutes
    order: list[int] = []
    model.train()
    for _ in range(steps):
        if time.monotonic() > deadline:
            report("out of time: tuning stopped early")
            break
        if len(order) < _BATCH:
            order = [*order, *random.permutation(len(texts)).tolist()]
        batch, order = order[:_BATCH], order[_BATCH:]
        unit = _sentences(model, tokenizer([texts[i] for i in batch], padding=True, truncation=True,
                                           max_length=_MAX_TOKENS, return_tensors="pt"))
        scores = _SCALE * unit @ torch.nn.functional.normalize(head, dim=-1).T
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor(targets[batch]), label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


def _sentences(model: Any, batch: Any) -> Any:
    """Mean of the token vectors at unit length, as the encoder is served."""
    import torch

    mask = batch["attention_mask"][..., None].float()
    tokens = model(**batch).last_hidden_state
    return torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1), dim=-1)


def _export(model: Any, tokenizer: Any, folder: Path) -> MiniLmEmbedder:
    """Exported as the shared encoder is."""
    with tempfile.TemporaryDirectory() as place:
        model.save_pretrained(place)
        tokenizer.save_pretrained(place)
        export(folder, Path(place), name=TUNED_NAME)
    return MiniLmEmbedder(folder)


def _unseen_accuracy(vectors: Vectors, labels: NDArray[np.str_], unseen: NDArray[np.bool_]) -> float:
    from sklearn.linear_model import LogisticRegression

    known, judged = ~unseen & (labels != OOS), unseen & (labels != OOS)
    model = LogisticRegression(C=20, max_iter=400).fit(vectors[known], labels[known])
    return float(model.score(vectors[judged], labels[judged])) if judged.any() else 0.0
