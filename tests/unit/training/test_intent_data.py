"""Labelled messages are read as they are meant, and a fault is named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import DataError
from training.intent_data import Example, read_examples


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_csv_with_quotes_line_breaks_extra_columns_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", '\ufeffid,text,label\n1,"hi, ""you""\nthere", greet \n\n2,où est-il,track\n')
    assert read_examples(path) == [Example('hi, "you"\nthere', "greet"), Example("où est-il", "track")]


def test_rasa_examples_lose_their_annotations_and_keep_everything_else(tmp_path: Path) -> None:
    path = written(tmp_path, "nlu.yml", """
version: "3.1"
nlu:
- intent: track
  examples: |
    - where is [my parcel](product)
    - order [12]{"entity": "number", "role": "id"} - late?
- synonym: nyc
  examples: |
    - new york
- intent: faq/returns
  examples:
  - text: can I return [shoes]
""")
    assert read_examples(path) == [Example("where is my parcel", "track"), Example("order 12 - late?", "track"),
                                   Example("can I return [shoes]", "faq/returns")]


def test_a_folder_is_all_its_files_by_name(tmp_path: Path) -> None:
    written(tmp_path, "b.csv", "text,label\nbye,goodbye\n")
    written(tmp_path, "a.yml", "nlu:\n- intent: greet\n  examples: |\n    - hello\n")
    written(tmp_path, "notes.md", "not data")
    assert [e.label for e in read_examples(tmp_path)] == ["greet", "goodbye"]


@pytest.mark.parametrize(("name", "content", "place"), [
    ("a.csv", "", "a.csv:1"),
    ("a.csv", "text;label\nhi;greet\n", "a.csv:1: field 'text'"),
    ("a.csv", "text,intent\nhi,greet\n", "a.csv:1: field 'label'"),
    ("a.csv", "text,label\nhi,greet\n  ,greet\n", "a.csv:3: field 'text'"),
    ("a.csv", 'text,label\n"two\nlines",greet\nhi,\n', "a.csv:4: field 'label'"),
    ("a.csv", "text,label\nhi,there,greet\n", "a.csv:2: 3 columns"),
    ("a.csv", 'text,label\nhi,greet\n"open,greet\n', "a.csv:3: not valid CSV"),
    ("a.csv", b"text,label\nhi,greet\ncaf\xe9,greet\n", "a.csv:3: is not UTF-8"),
    ("a.csv", "text,label\n", "a.csv: holds no examples"),
    ("a.yml", "nlu:\n- intent: greet\n  examples: |\n    - hi\n    -\n", "a.yml:2: field 'examples'"),
    ("a.yml", "nlu:\n- intent: greet\n", "a.yml:2: field 'examples'"),
    ("a.yml", "nlu: [\n", "a.yml:2: not valid YAML"),
    ("a.yml", "rules: []\n", "a.yml:1: field 'nlu'"),
])
def test_a_fault_is_named_with_its_line(tmp_path: Path, name: str, content: str | bytes, place: str) -> None:
    with pytest.raises(DataError) as fault:
        read_examples(written(tmp_path, name, content))
    assert place in str(fault.value)


def test_a_missing_file_and_an_empty_folder_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_examples(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"no \.csv or \.yml"):
        read_examples(tmp_path)
