"""Labelled messages from files: CSV with the header `text,label`, Rasa's nlu.yml, or a folder of either.

It knows the two formats and what makes a row unusable, nothing of models.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from knowledge.errors import DataError

OOS = "oos"
_SUFFIXES = (".csv", ".yml", ".yaml")
_ANNOTATED = re.compile(r"\[([^\]\[]+)\](?:\([^)]*\)|\{[^}]*\})")
_HEADER_REMEDY = "the first line must be: text,label"


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    label: str


class _LinedLoader(yaml.SafeLoader):
    """Gives every mapping the line it starts on, so that an error can name it."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        return {**super().construct_mapping(node, deep=deep), "__line__": node.start_mark.line + 1}


def read_examples(path: Path) -> list[Example]:
    """Every example in a file or folder, in file order. Raises DataError naming file and line."""
    examples = [example for file in data_files(path) for example in _read_file(file)]
    if not examples:
        raise DataError(str(path), "holds no examples", remedy="add rows of text and label")
    return examples


def data_files(path: Path) -> list[Path]:
    """The file itself, or the CSV and YAML files of a folder by name."""
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
        if not files:
            raise DataError(str(path), "no .csv or .yml file in this folder", remedy="name a file or another folder")
        return files
    if not path.is_file():
        raise DataError(str(path), "no such file", remedy="check the path given with --data")
    return [path]


def _read_file(path: Path) -> Iterator[Example]:
    text = _decode(path)
    if not text.strip():
        raise DataError(str(path), "is empty", line=1, remedy=_HEADER_REMEDY)
    if path.suffix.lower() in (".yml", ".yaml"):
        return _from_rasa(path, text)
    return _from_csv(path, text)


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(str(path), "is not UTF-8", line=line, remedy="save the file as UTF-8") from error


def _from_csv(path: Path, text: str) -> Iterator[Example]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader)]
        missing = [name for name in ("text", "label") if name not in header]
        if missing:
            raise DataError(str(path), "missing in the header", line=1, field=missing[0], remedy=_HEADER_REMEDY)
        start = reader.line_num + 1
        for row in reader:
            if row:
                yield _row(path, start, header, row)
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(str(path), f"not valid CSV: {error}", line=reader.line_num,
                        remedy='quote texts that hold quotes or commas: "a ""b"", c"') from error


def _row(path: Path, line: int, header: list[str], row: list[str]) -> Example:
    if len(row) != len(header):
        raise DataError(str(path), f"{len(row)} columns, the header has {len(header)}", line=line,
                        remedy="quote texts that hold commas")
    values = dict(zip(header, row, strict=True))
    for name in ("text", "label"):
        if not values[name].strip():
            raise DataError(str(path), "is empty", line=line, field=name, remedy="fill it or remove the row")
    return Example(values["text"].strip(), values["label"].strip())


def _from_rasa(path: Path, text: str) -> Iterator[Example]:
    """Retrieval intents keep their full name; entity annotations are reduced to what the customer wrote."""
    try:
        document = yaml.load(text, Loader=_LinedLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise DataError(str(path), "not valid YAML", line=mark.line + 1 if mark else None,
                        remedy="compare it with Rasa's nlu.yml format") from error
    entries = document.get("nlu") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise DataError(str(path), "has no list 'nlu'", line=1, field="nlu", remedy="write Rasa's nlu.yml format")
    for entry in entries:
        if isinstance(entry, dict) and "intent" in entry:
            yield from _intent_examples(path, entry)


def _intent_examples(path: Path, entry: dict[str, Any]) -> Iterator[Example]:
    label, line = str(entry["intent"] or "").strip(), int(entry["__line__"])
    if not label:
        raise DataError(str(path), "is empty", line=line, field="intent", remedy="name the intent")
    examples = entry.get("examples")
    if isinstance(examples, str):
        texts = [item.strip()[1:].strip() for item in examples.splitlines() if item.strip().startswith("-")]
    elif isinstance(examples, list):
        texts = [str(item.get("text", "") if isinstance(item, dict) else item).strip() for item in examples]
    else:
        texts = []
    if not texts or not all(texts):
        problem = f"intent '{label}' has {'an empty example' if texts else 'no examples'}"
        raise DataError(str(path), problem, line=line, field="examples", remedy="write one message per line after '- '")
    for text in texts:
        yield Example(_ANNOTATED.sub(r"\1", text), label)
