"""Small native files for the tests of the store."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

PRODUCT: dict[str, Any] = {"id": "P1", "title": "Lamp", "variants": [{"id": "V1", "sku": "LP-1", "price": "12.50"}]}
CUSTOMER: dict[str, Any] = {"id": "C1", "first_name": "Ana", "last_name": "Ruiz", "email": "ana@example.com"}
ORDER: dict[str, Any] = {
    "id": "O1", "number": "#W1", "customer_id": "C1", "status": "pending",
    "lines": [{"id": "L1", "product_id": "P1", "variant_id": "V1", "title": "Lamp", "unit_price": "12.50"}]}


def write_rows(path: Path, *rows: Any) -> Path:
    """One JSON row per line; text is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def age(path: Path, seconds: float) -> Path:
    """Make a file look as if it had been written so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path
