"""The loop of fine-tuning: steps, learning rate, validation, early stopping, checkpoints; on accelerate.

It knows token arrays and a model, neither files of rows nor artifacts. Everything random is drawn from the seed and
the position in the data, so that an interrupted training goes on exactly where it stood.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.checkpoints import Checkpoints
from training.llm_examples import Example, arrays, batches
from training.llm_step import LossOfTokens, optimiser_for, trainable
from training.schedules import Schedule

Report = Callable[[str], None]
_LEAST_STEPS, _EPOCHS, _MOST_EPOCHS = 600, 10, 60  # where nobody says how many epochs
_EVERY = 500  # steps between two looks at the validation rows, where an epoch is longer than that


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how fast. `epochs` None: ten, or more where the data are few; `minutes` ends a run that is not done
    by then, with the schedule at its end. `patience`: looks at the validation rows without a better loss, 0: no end."""

    schedule: Schedule = field(default_factory=Schedule)
    epochs: float | None = None
    minutes: float | None = None
    batch_tokens: int = 2048
    accumulate: int = 1
    patience: int = 3
    checkpointing: bool = False
    precision: str = "auto"
    seed: int = 0
    weight_decay: float = 0.05


@dataclass(slots=True)
class Standing:
    """Where a training stands: the next group of batches in an epoch, and what was seen so far."""

    epoch: int = 0
    group: int = 0
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    best: float = math.inf
    best_step: int = 0
    worse: int = 0
    stopped: str = ""
    train: list[list[float]] = field(default_factory=list)  # step, loss, rate
    validation: list[list[float]] = field(default_factory=list)  # step, loss

    def plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Fitting:
    """One training. `run` leaves the model with the weights that had the lowest validation loss."""

    def __init__(self, model: Any, pad: int, train: Sequence[Example],
                 validation: Sequence[Example], pace: Pace, checkpoints: Checkpoints, report: Report) -> None:
        from accelerate import Accelerator

        self.model, self.pad, self.pace = model, pad, pace
        self.train, self.validation = train, validation
        self.checkpoints, self.report = checkpoints, report
        self.accelerator = Accelerator(mixed_precision=_precision(pace.precision))
        self.loss, self.optimiser = self.accelerator.prepare(
            LossOfTokens(model, pace.checkpointing), optimiser_for(model, pace.weight_decay)
        )
        self.at = Standing()
        self.best: dict[str, Any] | None = None
        self._saved = time.monotonic()

    def run(self, show: Callable[[Standing, float], None] = lambda at, progress: None) -> Standing:
        """Train to the end, from the last checkpoint where there is one. `show` is called after every step."""
        self._resume()
        epochs = self.pace.epochs or _default_epochs(len(self._groups(0)))
        while self.at.epoch < epochs and not self.at.stopped:
            groups = self._groups(self.at.epoch)
            while self.at.group < len(groups) and not self.at.stopped:
                self._one(groups, epochs)
                show(self.at, self._progress(len(groups), epochs))
            if not self.at.stopped:
                self.at.epoch, self.at.group = self.at.epoch + 1, 0
        self.at.stopped = self.at.stopped or "all epochs done"
        if self.best is not None:
            self._put(self.best)
        return self.at

    def _one(self, groups: Sequence[list[list[int]]], epochs: float) -> None:
        """A step, and what is due after it."""
        started = time.monotonic()
        at, progress = self.at, self._progress(len(groups), epochs)
        rate = self.pace.schedule.rate(at.step, at.epoch + at.group / len(groups), progress)
        loss, tokens = self._learn(groups[at.group], rate)
        at.group, at.step, at.tokens = at.group + 1, at.step + 1, at.tokens + tokens
        at.train.append([at.step, round(loss, 5), round(rate, 9)])
        done = at.epoch + at.group / len(groups) >= epochs
        due = done or at.group == len(groups) or at.step % _EVERY == 0
        late = self.pace.minutes is not None and self._agreed(at.seconds) >= self.pace.minutes * 60
        if (due or late) and self.validation:
            self._look()
        at.seconds += time.monotonic() - started
        if not at.stopped and (done or late):
            at.stopped = "all epochs done" if done else f"{self.pace.minutes:g} minutes are over"
        if due or at.stopped or time.monotonic() - self._saved > self.checkpoints.every_s:
            self._save()

    def _learn(self, group: list[list[int]], rate: float) -> tuple[float, int]:
        """One step of the optimiser over several batches; their tokens weigh the same whichever batch they are in."""
        for parameters in self.optimiser.param_groups:
            parameters["lr"] = rate
        n, mine = self.accelerator.num_processes, self.accelerator.process_index
        learned = sum(int(self.train[i].learned[1:].sum()) for batch in group for i in batch)
        own = [batch for place, batch in enumerate(group) if place % n == mine]
        total = 0.0
        for number, batch in enumerate(own):
            last = number == len(own) - 1
            with _noop() if last else self.accelerator.no_sync(self.loss):
                loss = self.loss(*self._tensors(batch)) * (n / max(learned, 1))
                self.accelerator.backward(loss)
            total += float(loss.detach())
        self.accelerator.clip_grad_norm_(self.loss.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return total, sum(len(self.train[i].ids) for batch in group for i in batch)

    def _look(self) -> None:
        """The loss on validation rows; a better one is kept, too many worse ones end the training."""
        import torch

        self.loss.eval()
        total, learned = 0.0, 0
        with torch.inference_mode():
            for batch in batches(self.validation, self.pace.batch_tokens * 2, 0, 0):
                total += float(self.loss(*self._tensors(batch, self.validation)))
                learned += sum(int(self.validation[i].learned[1:].sum()) for i in batch)
        self.loss.train()
        at, loss = self.at, total / max(learned, 1)
        at.validation.append([at.step, round(loss, 5)])
        if loss < at.best:
            at.best, at.best_step, at.worse = loss, at.step, 0
            self.best = {name: p.detach().to("cpu", copy=True) for name, p in trainable(self.model)}
        else:
            at.worse += 1
            if self.pace.patience and at.worse >= self.pace.patience:
                at.stopped = f"validation loss has not fallen for {at.worse} looks"
        if self.accelerator.is_main_process:
            recent = np.mean([row[1] for row in at.train[-50:]])
            self.report(f"step {at.step}, epoch {at.epoch + 1}: loss {recent:.4f}, on validation rows {loss:.4f}"
                        f"{' (best)' if at.best_step == at.step else ''}, {at.seconds / 60:.1f} min")

    def _tensors(self, batch: Sequence[int], rows: Sequence[Example] | None = None) -> tuple[Any, Any]:
        import torch

        chosen = self.train if rows is None else rows
        ids, labels = arrays([chosen[i] for i in batch], self.pad)
        device = self.accelerator.device
        return torch.from_numpy(ids).to(device), torch.from_numpy(labels).to(device)

    def _groups(self, epoch: int) -> list[list[list[int]]]:
        """The batches of an epoch, as many together as make one step; each process has the same number of them."""
        n = self.accelerator.num_processes
        made, size = batches(self.train, self.pace.batch_tokens, self.pace.seed, epoch), self.pace.accumulate * n
        groups = [made[i : i + size] for i in range(0, len(made), size)]
        whole = [group[: len(group) - len(group) % n] for group in groups]
        return [group for group in whole if group] or [[made[0]] * n]

    def _progress(self, groups: int, epochs: float) -> float:
        done = (self.at.epoch + self.at.group / groups) / epochs
        timed = self._agreed(self.at.seconds) / (self.pace.minutes * 60) if self.pace.minutes else 0.0
        return min(1.0, max(done, timed))

    def _agreed(self, seconds: float) -> float:
        """Every process goes by the clock of the first."""
        if self.accelerator.num_processes == 1:
            return seconds
        from accelerate.utils import broadcast_object_list

        return float(broadcast_object_list([seconds])[0])

    def _save(self) -> None:
        import torch

        if self.accelerator.is_main_process:
            self.checkpoints.save({
                "at": self.at.plain(), "model": {name: p.detach() for name, p in trainable(self.model)},
                "optimiser": self.optimiser.state_dict(), "best": self.best, "random": torch.get_rng_state(),
            })
        self._saved = time.monotonic()

    def _resume(self) -> None:
        import torch

        state = self.checkpoints.load()
        if state is None:
            torch.manual_seed(self.pace.seed)
            return
        self.at, self.best = Standing(**state["at"]), state["best"]
        self._put(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        if self.accelerator.is_main_process:
            self.report(f"goes on after step {self.at.step}, epoch {self.at.epoch + 1}")

    def _put(self, weights: dict[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for name, parameter in trainable(self.model):
                parameter.copy_(weights[name])


def _default_epochs(steps: int) -> int:
    return min(_MOST_EPOCHS, max(_EPOCHS, math.ceil(_LEAST_STEPS / steps)))


def _precision(asked: str) -> str:
    """bf16 where the hardware computes in it; a processor that only emulates it is slower with it than without."""
    import torch

    if asked == "auto":
        fast = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else _cpu_has_bf16()
        return "bf16" if fast else "no"
    return "bf16" if asked == "bf16" else "no"


def _cpu_has_bf16() -> bool:
    import torch

    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def _noop() -> Any:
    from contextlib import nullcontext

    return nullcontext()
