"""Learning rates over a run: how the first rate rises and falls. It knows numbers only."""

from __future__ import annotations

import math
from dataclasses import dataclass

SCHEDULES = ("constant", "linear", "cosine", "step", "exponential")


@dataclass(frozen=True, slots=True)
class Schedule:
    """`lr` is the rate after warm-up; 0: one that suits the model is taken.

    `warmup`: below 1 the part of the run, else the number of steps, in which the rate rises from 0 to `lr`.
    `decay`: what the rate is multiplied with after each epoch (exponential: lr · decay^epoch) or every `every` epochs
    (step). Linear and cosine end at 0.
    """

    kind: str = "cosine"
    lr: float = 0.0
    warmup: float = 0.03
    decay: float = 0.8
    every: int = 1

    def rate(self, step: int, epoch: float, progress: float) -> float:
        """`step` counts from 0, `epoch` is a fraction too, `progress` runs from 0 to 1 over the whole run."""
        warm = self.warmup if self.warmup < 1 else 0.0
        if self.warmup >= 1 and step < self.warmup:
            rise = (step + 1) / (self.warmup + 1)
        elif progress < warm:
            rise = max(progress / warm, 1 / (step + 100))  # the first step is small and not nothing
        else:
            rise = 1.0
        after = min(max((progress - warm) / (1 - warm), 0.0), 1.0)
        return self.lr * rise * self._fall(epoch, after)

    def _fall(self, epoch: float, after: float) -> float:
        if self.kind == "linear":
            return 1 - after
        if self.kind == "cosine":
            return 0.5 * (1 + math.cos(math.pi * after))
        if self.kind == "step":
            return self.decay ** (int(epoch) // self.every)
        if self.kind == "exponential":
            return self.decay ** int(epoch)
        return 1.0
