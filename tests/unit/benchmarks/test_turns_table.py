"""The one table: what is met, what is not, and what makes the difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.long_conversations import SIZES, growth
from benchmarks.served import Tally, figures
from benchmarks.turns import Shop, rows_of_long, rows_of_shop, rows_of_sockets

SHOP = Shop("a shop", Path("store"), Path("source"), 180.0, 1, 1)


def part(**other: Any) -> dict[str, Any]:
    return {"conversations": 10, "turns": 20, "turns_per_s": 200.0, "mean_ms": 12.0, "p50_ms": 10.0, "p95_ms": 20.0,
            "p99_ms": 70.0, "slowest": ["search"], "unserved": [], "errors": [], "failed": 0, "server_cpu_ms": 5.0,
            "client_cpu_ms": 1.0, "stages_ms": {"act": 6.0, "commit": 3.0, "guard": 0.01}} | other


def measured(**other: Any) -> dict[str, Any]:
    parts = {f"{door}_{count}": part() for door in ("socket", "rest") for count in (1, 50)}
    return parts | {"peak_mb": 300.0, "own_mb": 200.0, "opened_mb": 210.0, "ready_s": 2.0, "ready_cpu_s": 1.8,
                    "first_turn_ms": 90.0} | other


def test_a_shop_within_its_targets_meets_all_of_them() -> None:
    assert [row.met for row in rows_of_shop(SHOP, measured())] == [True] * 6


@pytest.mark.parametrize(("broken", "place"), [
    ({"rest_1": part(p50_ms=12.1)}, 0), ({"socket_1": part(p99_ms=81.0)}, 1), ({"rest_50": part(turns_per_s=179.0)}, 2),
    ({"peak_mb": 501.0}, 3), ({"ready_s": 4.1}, 4), ({"socket_50": part(failed=1, errors=["search: 503"])}, 5)])
def test_one_door_that_misses_a_target_is_enough_to_miss_it(broken: dict[str, Any], place: int) -> None:
    rows = list(rows_of_shop(SHOP, measured(**broken)))
    assert [row.met for row in rows] == [number != place for number in range(6)]


def test_the_dearest_stage_is_named_first_and_the_rest_is_shown() -> None:
    row = next(rows_of_shop(SHOP, measured()))
    assert row.dominates == "of 12.0 ms: act 6.0, commit 3.0, door and client 3.0"


def test_a_lost_connection_misses_the_sockets_target() -> None:
    talk = {"p50_ms": 5.0, "p99_ms": 20.0}
    found = {"idle": 15_000, "active": 200, "resident_kib": 21.0, "opened_per_s": 500.0, "idle_cpu_share": 0.01,
             "lost": 0, "alone": talk, "among": talk}
    assert next(rows_of_sockets(found)).met is True
    assert next(rows_of_sockets(found | {"lost": 1})).met is False
    assert next(rows_of_sockets(found | {"resident_kib": 40.1})).met is False


@pytest.mark.parametrize(("longest_ms", "met"), [(10.5, True), (20.0, False)])
def test_flat_means_the_longest_conversation_is_about_as_quick_as_the_shortest(longest_ms: float, met: bool) -> None:
    rows = [{"events": size, "p50_ms": longest_ms if size == max(SIZES) else 10.0, "cpu_ms": 5.0, "mean_ms": 10.0}
            for size in SIZES for _ in range(4)]
    assert next(rows_of_long(rows)).met is met
    assert growth(rows) == pytest.approx(longest_ms / 10)


def test_the_kinds_of_the_slowest_turns_are_named() -> None:
    tally = Tally([(float(n), "quick") for n in range(98)] + [(500.0, "search"), (400.0, "cancel")], conversations=40)
    found = figures(tally, 10.0)
    assert found["slowest"] == ["search", "cancel"]
    assert found["turns_per_s"] == 10.0 and found["p50_ms"] == 49.5
