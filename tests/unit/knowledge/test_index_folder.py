"""An index folder changes all at once or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knowledge.errors import DataError
from knowledge.indexes.folder import CURRENT, IndexManifest, current_generation, read_index_manifest, write_generation

MANIFEST = IndexManifest(encoder="hash", dimension=4, counts={"product": 1})


def write(index: Path, text: str) -> Path:
    def fill(folder: Path) -> None:
        (folder / "product").mkdir()
        (folder / "product" / "rows.jsonl").write_text(text, encoding="utf-8")

    return write_generation(index, MANIFEST, fill)


def rows(index: Path) -> str:
    generation = current_generation(index)
    assert generation is not None
    return (generation / "product" / "rows.jsonl").read_text(encoding="utf-8")


def test_nothing_was_indexed_yet(tmp_path: Path) -> None:
    assert current_generation(tmp_path / "index") is None


def test_the_newest_generation_is_in_force_and_one_older_is_kept(tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        write(tmp_path, text)
    assert rows(tmp_path) == "three"
    assert sorted(p.name for p in tmp_path.iterdir()) == [CURRENT, "generation-000002", "generation-000003"]


def test_a_failure_while_writing_leaves_the_older_one(tmp_path: Path) -> None:
    write(tmp_path, "one")

    def fill(folder: Path) -> None:
        (folder / "half").write_text("half", encoding="utf-8")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_generation(tmp_path, MANIFEST, fill)
    assert rows(tmp_path) == "one"
    assert not list(tmp_path.glob(".writing-*"))


@pytest.mark.parametrize("step", ["_seal", "_point_to"])
def test_a_crash_at_any_step_leaves_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A kill leaves whatever was written so far: simulated by stopping at the step, without cleaning up after it."""
    write(tmp_path, "one")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"knowledge.indexes.folder.{step}", killed)
        patch.setattr("knowledge.indexes.folder.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            write(tmp_path, "two")
    assert rows(tmp_path) == "one"
    write(tmp_path, "three")
    assert rows(tmp_path) == "three"


def test_damage_is_noticed(tmp_path: Path) -> None:
    generation = write(tmp_path, "one")
    assert read_index_manifest(generation, verify=True).counts == {"product": 1}
    (generation / "product" / "rows.jsonl").write_text("0ne", encoding="utf-8")
    read_index_manifest(generation)
    with pytest.raises(DataError, match=r"rows\.jsonl"):
        read_index_manifest(generation, verify=True)
    (generation / "product" / "rows.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="does not match"):
        read_index_manifest(generation)


def test_a_pointer_outside_the_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "one")
    (tmp_path / CURRENT).write_text("../elsewhere\n", encoding="utf-8")
    with pytest.raises(DataError, match="elsewhere"):
        current_generation(tmp_path)


def test_another_format_asks_to_index_again(tmp_path: Path) -> None:
    generation = write(tmp_path, "one")
    path = generation / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}), encoding="utf-8")
    with pytest.raises(DataError, match="format 99"):
        read_index_manifest(generation)
