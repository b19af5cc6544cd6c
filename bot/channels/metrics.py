"""Counters and histograms in Prometheus' text format. It knows nothing of what is counted."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)     # seconds
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """A small registry; label values must come from closed sets (routes, statuses), never from a caller's text."""

    def __init__(self) -> None:
        self._help: dict[str, str] = {}
        self._counters: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))
        self._histograms: dict[str, dict[Labels, tuple[list[int], float]]] = defaultdict(dict)

    def describe(self, name: str, text: str) -> None:
        self._help[name] = text

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        self._counters[name][tuple(sorted(labels.items()))] += by

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        key = tuple(sorted(labels.items()))
        buckets, total = self._histograms[name].get(key, ([0] * (len(BOUNDS) + 1), 0.0))
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._histograms[name][key] = (buckets, total + seconds)

    def text(self) -> str:
        lines: list[str] = []
        for name, series in sorted(self._counters.items()):
            lines += self._head(name, "counter")
            lines += [f"{name}{_braces(labels)} {value:g}" for labels, value in sorted(series.items())]
        for name, histograms in sorted(self._histograms.items()):
            lines += self._head(name, "histogram")
            for labels, (buckets, total) in sorted(histograms.items()):
                lines += _histogram(name, labels, buckets, total)
        return "\n".join(lines) + "\n"

    def _head(self, name: str, kind: str) -> list[str]:
        return [f"# HELP {name} {self._help.get(name, name)}", f"# TYPE {name} {kind}"]


def _histogram(name: str, labels: Labels, buckets: list[int], total: float) -> list[str]:
    lines, seen = [], 0
    for bound, amount in zip([*map(str, BOUNDS), "+Inf"], buckets, strict=True):
        seen += amount
        lines.append(f"{name}_bucket{_braces((*labels, ('le', bound)))} {seen}")
    return [*lines, f"{name}_sum{_braces(labels)} {total:.6f}", f"{name}_count{_braces(labels)} {seen}"]


def _braces(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escape(value)}"' for name, value in labels)
    return f"{{{pairs}}}" if pairs else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
