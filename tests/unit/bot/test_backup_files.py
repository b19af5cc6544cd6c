"""Files that are no good backup: each is refused in one line, and nothing is written."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.stores import archive
from bot.stores.backup import our_tables
from knowledge.errors import BadInput, NotFound
from tests.contracts.shops import back_up, make_shop, put_back
from tests.unit.bot.test_cli import one_line, shopclerk

Parts = dict[str, bytes]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good backup."""
    folder = tmp_path_factory.mktemp("whole")
    await back_up(await make_shop(folder / "shop", "", "one"), folder / "b.tar")
    return folder / "b.tar"


def parts_of(path: Path) -> tuple[dict[str, Any], Parts]:
    """The manifest, and the other members by name."""
    with tarfile.open(path, "r:") as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}      # type: ignore[union-attr]
    return json.loads(found.pop("manifest.json")), found


def forge(path: Path, manifest: dict[str, Any], parts: Parts, *more: tarfile.TarInfo) -> Path:
    """A file with this content, as somebody who wishes us ill would make it."""
    with tarfile.open(path, "w") as tar:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **parts}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for entry in more:
            tar.addfile(entry)
    return path


def described(data: bytes) -> dict[str, Any]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def with_rows(manifest: dict[str, Any], parts: Parts, lines: bytes, **said: int) -> None:
    """Other rows for the table of cases, rightly hashed."""
    packed = gzip.compress(lines)
    parts["tables/cases.jsonl.gz"] = packed
    manifest["tables"]["cases"] |= described(packed) | {"unpacked": len(lines), "rows": lines.count(b"\n")} | said


def with_file(manifest: dict[str, Any], parts: Parts, name: str) -> None:
    parts[f"files/{name}"] = b"x"
    manifest["files"][name] = described(b"x")


Change = Callable[[dict[str, Any], Parts], Any]
FORGED: dict[str, tuple[Change, str]] = {
    "another format": (lambda m, p: m.update(format="zip"), "not a shopclerk backup"),
    "a later version": (lambda m, p: m.update(version=2), "backup format 2, this shopclerk reads 1"),
    "no tables": (lambda m, p: m.pop("tables"), "manifest cannot be read"),
    "newer tables": (lambda m, p: m["revisions"].update(bot="0099"), "bot tables 0099, this one knows"),
    "a strange table": (lambda m, p: m["tables"].update(pg_authid=m["tables"].pop("cases")), "cut off|not name"),
    "a table of nobody": (lambda m, p: (m["tables"].update(pg_authid=m["tables"].pop("cases")), p.update(
        {"tables/pg_authid.jsonl.gz": p.pop("tables/cases.jsonl.gz")})), "'pg_authid', which this shopclerk"),
    "a table's name with more in it": (lambda m, p: m["tables"].update({"x; DROP": m["tables"]["cases"]}), "manifest"),
    "a column of nobody": (lambda m, p: m["tables"]["cases"].update(columns=["x"] * 10), "not as its revision has it"),
    "an altered part": (lambda m, p: p.update({"files/secret.key": b"?" * 32}), "altered or damaged"),
    "a missing part": (lambda m, p: p.pop("files/secret.key"), "cut off"),
    "a part too many": (lambda m, p: p.update({"files/more": b""}), "does not name"),
    "a way out": (lambda m, p: with_file(m, p, "assistant/../../x"), "no file of a shop's folder"),
    "a way out in a part": (lambda m, p: p.update({"../x": b""}), "does not name"),
    "an absolute path": (lambda m, p: with_file(m, p, "/tmp/x"), "no file of a shop's folder"),
    "a file of nobody": (lambda m, p: with_file(m, p, "bin/sh"), "no file of a shop's folder"),
    "a database as a file": (lambda m, p: with_file(m, p, "shop.db"), "no file of a shop's folder"),
    "rows that are not JSON": (lambda m, p: with_rows(m, p, b"[1\n"), "not JSON"),
    "rows of another width": (lambda m, p: with_rows(m, p, b"[1]\n"), "does not fit its columns"),
    "rows with lists": (lambda m, p: with_rows(m, p, b"[[],2,3,4,5,6,7,8,9,0]\n"), "does not fit its columns"),
    "fewer rows": (lambda m, p: with_rows(m, p, b"", rows=5), "holds 0 rows, not 5"),
    "a bomb": (lambda m, p: with_rows(m, p, b"[" + b" " * 80_000_000 + b"]\n"), "more than 64 MiB"),
    "a bomb of many rows": (lambda m, p: with_rows(m, p, b"[1,2,3,4,5,6,7,8,9,0]\n" * 9, unpacked=9), "more than"),
    "more than any disk holds": (lambda m, p: with_rows(m, p, b"", unpacked=2**52), "MB are free here"),
    "a number too large": (lambda m, p: with_rows(m, p, b"[" + b"9" * 5000 + b",2,3,4,5,6,7,8,9,0]\n"), "not JSON"),
    "packed twice over": (lambda m, p: p.update({"tables/cases.jsonl.gz": b"no gzip"}) or m["tables"]["cases"].update(
        described(b"no gzip")), "cannot be unpacked"),
    "a row twice": (lambda m, p: with_rows(m, p, b'["1","2","3","4","5","6","7",8,9,"0"]\n' * 2), "does not fit"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_file_is_refused_and_nothing_written(name: str, whole: Path, tmp_path: Path) -> None:
    change, complaint = FORGED[name]
    manifest, parts = parts_of(whole)
    change(manifest, parts)
    await refused(forge(tmp_path / "forged.tar", manifest, parts), tmp_path / "shop", complaint)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
async def test_a_link_or_device_is_no_part(kind: bytes, whole: Path, tmp_path: Path) -> None:
    manifest, parts = parts_of(whole)
    parts.pop("files/secret.key")
    entry = tarfile.TarInfo("files/secret.key")
    entry.type, entry.linkname = kind, "/etc/passwd"
    await refused(forge(tmp_path / "forged.tar", manifest, parts, entry), tmp_path / "shop", "does not name")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.3, 0.5, 0.7])
async def test_a_file_that_was_cut_off_is_refused(share: float, whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()                                                 # noqa: ASYNC240
    (tmp_path / "cut.tar").write_bytes(data[:int(len(data) * share)])
    await refused(tmp_path / "cut.tar", tmp_path / "shop", "not a shopclerk backup|cut off|altered")


@pytest.mark.parametrize("content", [b"hello\n" * 500, gzip.compress(b"x" * 5000), os.urandom(20_000), b"\0" * 10240],
                         ids=["text", "gzip", "noise", "zeros"])
async def test_some_other_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(content)
    await refused(tmp_path / "other", tmp_path / "shop", "not a shopclerk backup")
    await refused(tmp_path / "none", tmp_path / "shop", "No such file")
    await refused(tmp_path, tmp_path / "shop", "Is a directory")


async def refused(file: Path, directory: Path, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as caught:
        await put_back(file, directory)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)
    assert not directory.exists()                                             # noqa: ASYNC240


async def test_another_file_is_not_overwritten_by_a_backup(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(BadInput, match="exists and is no backup"):
        await back_up(whole.parent / "shop", tmp_path / "letter.txt")
    assert (tmp_path / "letter.txt").read_text(encoding="utf-8") == "dear"
    with pytest.raises(BadInput, match="no such folder"):
        await back_up(whole.parent / "shop", tmp_path / "no" / "b.tar")


async def test_no_shop_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no shop in"):
        await back_up(tmp_path / "none", tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists() and not (tmp_path / "none").exists()


async def test_every_table_of_a_shop_is_in_its_backup(whole: Path) -> None:
    with archive.reading(whole) as backup:
        assert set(backup.manifest.tables) == our_tables()
        assert all(part.rows == 3 for part in backup.manifest.tables.values())


def test_the_commands_say_what_they_did(whole: Path, tmp_path: Path) -> None:
    shop = whole.parent / "shop"
    made = shopclerk("backup", str(tmp_path / "b.tar"), "--dir", str(shop))
    assert made.returncode == 0 and f"rows of {len(our_tables())} tables" in made.stdout, made.stderr
    again = shopclerk("restore", str(tmp_path / "b.tar"), "--dir", str(shop))
    assert again.returncode == 2 and "--replace" in one_line(again.stderr)
