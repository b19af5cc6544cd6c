"""The demo shop's folder, made once for all tests."""

from tests.scenarios.conftest import demo_folder

__all__ = ["demo_folder"]
