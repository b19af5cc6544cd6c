"""Rows of conversations: what is read, and what is said of rows that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knowledge.errors import DataError
from training.llm_data import read_rows

GOOD = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), encoding="utf-8")
    return path


def test_rows_keep_their_context_and_references(tmp_path: Path) -> None:
    asked = {"messages": GOOD["messages"][:1], "references": ["hello", "good day"]}
    rows = read_rows(write(tmp_path / "rows.jsonl", GOOD, "", asked), measured=True)
    assert [(r.prompt, r.reply, r.wanted) for r in rows] == [
        ("hi", "hello", ("hello",)), ("hi", "hello", ("hello", "good day"))]


@pytest.mark.parametrize(("line", "told"), [
    ("{", "rows.jsonl:2: not valid JSON"),
    ("[1]", "rows.jsonl:2: is no JSON object"),
    ({"text": "hi"}, "rows.jsonl:2: field 'messages': is missing"),
    ({"messages": GOOD["messages"][:1]}, "rows.jsonl:2: field 'messages': the last message is not the assistant's"),
    ({"messages": GOOD["messages"][1:]}, "rows.jsonl:2: field 'messages': nothing comes before"),
    ({"messages": [{"role": "user"}]}, "rows.jsonl:2: field 'content': is missing"),
    ({"messages": [{"role": "bot", "content": "x"}]}, "rows.jsonl:2: field 'role': 'bot' is not known"),
    ({"messages": [*GOOD["messages"][:1], {"role": "assistant", "content": " "}]}, "assistant's message is empty"),
])
def test_a_bad_row_is_named(tmp_path: Path, line: object, told: str) -> None:
    with pytest.raises(DataError) as error:
        read_rows(write(tmp_path / "rows.jsonl", GOOD, line))
    assert told in str(error.value)
    assert "\n" not in str(error.value) and str(error.value).endswith(")")


def test_no_file_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="is empty"):
        read_rows(write(tmp_path / "empty.jsonl", ""))


def test_rows_to_be_measured_need_something_to_be_measured_by(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='references'):
        read_rows(write(tmp_path / "rows.jsonl", {"messages": GOOD["messages"][:1]}), measured=True)
