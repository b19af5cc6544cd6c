"""Makes `benchmarks` importable (it is no part of the distribution) and finds the retail store beside the checkout."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def retail() -> Path:
    """The retail store's folder. Absent on a plain checkout; in CI it stands beside it, so absence fails there."""
    folder = ROOT.parent / "shared" / "stores" / "retail"
    if not (folder / "orders.jsonl").exists() and not os.environ.get("CI"):
        pytest.skip(f"no retail store at {folder}")
    return folder
