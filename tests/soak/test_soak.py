"""The promises of durability, shortened: the same code as `make soak`, with five kills instead of fifty."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.conftest import demo_folder  # noqa: F401 - a fixture
from tests.soak.place import Place, on_postgresql, on_sqlite
from tests.soak.plan import SCENARIOS, SHORT


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, demo_folder: Path, tmp_path: Path) -> Place:  # noqa: F811
    """The demo shop on one of the databases."""
    if request.param == "sqlite":
        return on_sqlite(demo_folder, tmp_path / "shop")
    return await on_postgresql(demo_folder, tmp_path / "shop", request.getfixturevalue("empty_postgres"))


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_promise_is_kept(scenario: str, place: Place, tmp_path: Path) -> None:
    outcome = await SCENARIOS[scenario](place, tmp_path / "server.log", SHORT)
    assert not outcome.faults, outcome
