"""The promises of durability on SQLite, shortened: the same code as `make soak`, with five kills instead of fifty."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.place import on_sqlite
from tests.soak.plan import IN_THE_SUITE, SHORT


@pytest.mark.parametrize("scenario", IN_THE_SUITE)
async def test_the_promises_are_kept(scenario: str, demo_folder: Path, tmp_path: Path) -> None:
    place = on_sqlite(demo_folder, tmp_path / "shop")
    outcome = await IN_THE_SUITE[scenario](place, tmp_path / "server.log", SHORT)
    assert not outcome.faults, outcome
