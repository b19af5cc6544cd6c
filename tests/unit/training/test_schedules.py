"""Learning rates rise through warm-up and fall as their schedule says."""

from __future__ import annotations

import pytest

from training.schedules import SCHEDULES, Schedule


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_first_rate_is_reached_after_warm_up(kind: str) -> None:
    schedule = Schedule(kind, 0.01, warmup=0.1)
    rates = [schedule.rate(step, step / 1000, step / 1000) for step in range(101)]
    assert 0 < rates[0] < 0.001
    assert rates == sorted(rates)
    assert rates[100] == pytest.approx(0.01)


def test_warm_up_may_be_counted_in_steps() -> None:
    schedule = Schedule("constant", 0.01, warmup=4)
    assert [schedule.rate(step, 0, step / 100) for step in range(6)] == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01, 0.01])


def test_exponential_is_the_first_rate_times_decay_to_the_epoch() -> None:
    schedule = Schedule("exponential", 0.01, warmup=0, decay=0.5)
    assert [schedule.rate(1, epoch, epoch / 4) for epoch in (0, 0.9, 1, 2, 3)] == pytest.approx(
        [0.01, 0.01, 0.005, 0.0025, 0.00125])


def test_step_falls_every_so_many_epochs() -> None:
    schedule = Schedule("step", 0.01, warmup=0, decay=0.1, every=2)
    assert [schedule.rate(1, epoch, 0) for epoch in range(5)] == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001])


@pytest.mark.parametrize(("kind", "middle"), [("linear", 0.005), ("cosine", 0.005), ("constant", 0.01)])
def test_linear_and_cosine_end_at_nothing(kind: str, middle: float) -> None:
    schedule = Schedule(kind, 0.01, warmup=0)
    assert schedule.rate(5, 1, 0.5) == pytest.approx(middle)
    assert schedule.rate(9, 2, 1.0) == pytest.approx(0.01 if kind == "constant" else 0.0)
