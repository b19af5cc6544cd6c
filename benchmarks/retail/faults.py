"""Where the source of the retail tasks is at fault, what is judged instead, and why."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.retail.store import Record, Task


@dataclass(frozen=True)
class Fault:
    """`ignores_writes`: the gold calls break the shop's rules, so nothing may change. `ignores_words`: not judged."""

    reason: str
    ignores_writes: bool = False
    ignores_words: bool = False


FAULTS: dict[str, Fault] = {
    "105": Fault("the exchange costs 21.10 more and the only method is a gift card with 17.00: nothing may change",
                 ignores_writes=True),
    "67": Fault("asks for the most recent of orders without dates; only the state is judged", ignores_words=True),
}

CHECKED: dict[str, str] = {
    "20": "named as faulty, but agrees with this store: all four variants are the dearest in stock, due 71.96 of 86.00",
    "21": "named as faulty, but agrees with this store: due 41.92, and 86.00 - 41.92 = 44.08",
    "37": "named as faulty, but agrees with this store: dearest item 481.50, 1166.98 - 36.13 = 1130.85",
}


def expected_calls(task: Task) -> tuple[Record, ...]:
    fault = FAULTS.get(task.id)
    return () if fault and fault.ignores_writes else task.actions


def expected_words(task: Task) -> tuple[str, ...]:
    fault = FAULTS.get(task.id)
    return () if fault and fault.ignores_words else task.must_say
