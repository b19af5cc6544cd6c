"""The commands of a shop whose database is named by a URL, one after another as its keeper gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.bot.test_cli import one_line, shopclerk

DATA = Path(__file__).parents[1] / "data" / "second_shop"
FILES = [str(DATA / name) for name in ("products.jsonl", "customers.jsonl", "orders.jsonl")]


def test_a_shop_on_postgresql_is_kept_with_the_same_commands(tmp_path: Path, empty_postgres: str,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    shop, again, other = (str(tmp_path / name) for name in ("shop", "again", "other"))
    monkeypatch.setenv("SHOPCLERK__DATABASE_URL", empty_postgres)
    monkeypatch.setenv("SHOPCLERK__EMBEDDER", "hash")

    def run(*arguments: str) -> str:
        done = shopclerk(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    run("ingest", *FILES, "--dir", shop)
    assert run("key", "create", "--scope", "orders", "--dir", shop).startswith("sck_")
    assert run("key", "list", "--dir", shop).count("in force") == 1
    report = json.loads(run("doctor", "--json", "--dir", shop))
    store = next(finding for finding in report["findings"] if finding["what"] == "store")
    assert store["state"] == "ok" and "postgresql" in store["detail"]
    assert "up to date" in run("migrate", "--dir", shop)
    run("export", str(tmp_path / "before"), "--dir", shop)
    run("backup", str(tmp_path / "b.tar"), "--dir", shop)
    assert not (tmp_path / "shop" / "shop.db").exists()

    refused = shopclerk("restore", str(tmp_path / "b.tar"), "--dir", again)
    assert refused.returncode == 2 and "--replace" in one_line(refused.stderr)
    run("restore", str(tmp_path / "b.tar"), "--dir", again, "--replace")
    monkeypatch.setenv("SHOPCLERK__DATABASE_URL", "")
    run("restore", str(tmp_path / "b.tar"), "--dir", other)
    run("export", str(tmp_path / "on-sqlite"), "--dir", other)
    assert run("key", "list", "--dir", other).count("in force") == 1
    for name in ("products.jsonl", "customers.jsonl", "orders.jsonl"):
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "on-sqlite" / name).read_bytes()
    assert (tmp_path / "again" / "index" / "CURRENT").is_file() and (tmp_path / "other" / "index" / "CURRENT").is_file()
