"""The commands as a shop's staff call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from shop_files import CUSTOMER, ORDER, PRODUCT, write_rows
from typer.testing import CliRunner, Result

from knowledge import cli
from knowledge.errors import BadInput, DataError, NotFound


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store whose search needs no encoder."""
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "shopclerk.toml").write_text('embedder = "hash"\n', encoding="utf-8")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for kind, row in (("products", PRODUCT), ("customers", CUSTOMER), ("orders", ORDER)):
        write_rows(tmp_path / "data" / f"{kind}.jsonl", row)
    return tmp_path / "data"


def call(store: Path, *words: str) -> Result:
    app = typer.Typer()
    cli.commands(app, None)
    return CliRunner().invoke(app, [*words, "--dir", str(store)])


def test_ingest_show_and_export(store: Path, data: Path, tmp_path: Path) -> None:
    done = call(store, "ingest", str(data))
    assert done.exit_code == 0, done.exception
    assert "orders: 1 added, 0 changed, 0 removed, 0 unchanged" in done.output
    shown = json.loads(call(store, "order", "show", "w1", "--json").stdout)
    assert (shown["id"], shown["status"], shown["items_changed"]) == ("O1", "pending", False)
    assert "#W1  pending  customer C1" in call(store, "order", "show", "#W1").output
    assert "#W1" in call(store, "order", "show", "O1").output
    written = json.loads(call(store, "export", str(tmp_path / "out"), "--json").stdout)
    assert written["orders.jsonl"] == 1
    assert json.loads((tmp_path / "out" / "orders.jsonl").read_text(encoding="utf-8")) == shown


def test_ingest_tells_what_it_did_as_one_document(store: Path, data: Path) -> None:
    write_rows(data / "notes.md", "# Notes")
    done = call(store, "ingest", str(data), "--json")
    report = json.loads(done.stdout)
    assert [one["changes"][0]["added"] for one in report["files"]] == [1, 1, 1]
    assert len(report["warnings"]) == 1 and "warning: " in done.stderr


def test_a_wrong_file_ends_in_one_line_and_exit_code_2(store: Path, data: Path) -> None:
    write_rows(data / "orders.jsonl", {**ORDER, "status": "lost"})
    error = call(store, "ingest", str(data)).exception
    assert isinstance(error, DataError) and error.exit_code == 2
    assert f"{data / 'orders.jsonl'}:1: field 'status': 'lost' is unknown (one of pending" in str(error)


@pytest.mark.parametrize(("words", "kind", "said"), [
    (["ingest", "nowhere"], BadInput, "no such file"),
    (["ingest", "nowhere", "--format", "excel"], BadInput, "one of auto, native"),
    (["order", "show", "W1"], NotFound, "no shop here yet"), (["export", "out"], NotFound, "no shop here yet")])
def test_what_cannot_be_done_is_told(store: Path, words: list[str], kind: type[Exception], said: str) -> None:
    error = call(store, *words).exception
    assert isinstance(error, kind) and said in str(error)


def test_an_unknown_order_is_told(store: Path, data: Path) -> None:
    call(store, "ingest", str(data))
    error = call(store, "order", "show", "W999").exception
    assert isinstance(error, NotFound) and "no order 'W999'" in str(error)
