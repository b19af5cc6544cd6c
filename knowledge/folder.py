"""Where a shop lives unless told otherwise. It imports nothing heavy, so that every command line module may use it."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_DIR = Path(os.environ.get("SHOPCLERK_DIR", "var/shop"))
