"""Conversations from JSON Lines, one `{"messages": [...]}` a line, with `references` where replies are to be measured.

It knows the format and what makes a row unusable, nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import DataError

ROLES = ("system", "user", "assistant")
_EXAMPLE = 'write {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """What was said before (`context`), the reply, and other replies that would do as well."""

    context: tuple[Message, ...]
    reply: str
    references: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The last message that is not the assistant's."""
        return next((m["content"] for m in reversed(self.context) if m["role"] != "assistant"), "")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The replies that would do."""
        return self.references or (self.reply,)


def read_rows(path: Path, *, measured: bool = False) -> list[Row]:
    """Every row of a file. `measured`: a row may have references instead of an assistant's last message.

    Raises DataError naming file, line and field.
    """
    if not path.is_file():
        raise DataError(str(path), "no such file", remedy="check the path")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(str(path), "is not UTF-8", remedy="save the file as UTF-8") from error
    rows = [
        _row(str(path), number, _parsed(str(path), number, line), measured)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    if not rows:
        raise DataError(str(path), "is empty", remedy=_EXAMPLE)
    return rows


def write_rows(path: Path, rows: Iterator[Row] | Sequence[Row]) -> None:
    """The same format again."""
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            messages = [*row.context, {"role": "assistant", "content": row.reply}]
            stream.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def _parsed(file: str, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(file, f"not valid JSON: {error.msg}", line=number, remedy="write one JSON object a line") from error
    if not isinstance(row, dict):
        raise DataError(file, "is no JSON object", line=number, remedy=_EXAMPLE)
    return row


def _row(file: str, number: int, row: dict[str, Any], measured: bool) -> Row:
    messages = _messages(file, number, row.get("messages"))
    references = _references(file, number, row.get("references", []))
    answered = messages[-1]["role"] == "assistant"
    if not answered and not (measured and references):
        remedy = _EXAMPLE if not measured else 'add an assistant message or "references": ["…"]'
        raise DataError(file, "the last message is not the assistant's", line=number, field="messages", remedy=remedy)
    context, reply = (messages[:-1], messages[-1]["content"]) if answered else (messages, references[0])
    if not context:
        raise DataError(file, "nothing comes before the assistant's message", line=number, field="messages", remedy=_EXAMPLE)
    if not reply.strip():
        raise DataError(file, "the assistant's message is empty", line=number, field="content",
                        remedy="fill it or remove the row")
    return Row(tuple(context), reply, tuple(references) if measured else ())


def _messages(file: str, number: int, found: Any) -> list[Message]:
    if not isinstance(found, list) or not found:
        raise DataError(file, "is missing or no list", line=number, field="messages", remedy=_EXAMPLE)
    messages: list[Message] = []
    for message in found:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise DataError(file, "is missing or no text", line=number, field="content", remedy=_EXAMPLE)
        if message.get("role") not in ROLES:
            raise DataError(file, f"{message.get('role')!r} is not known", line=number, field="role",
                            remedy=f"use {', '.join(ROLES)}")
        messages.append({"role": message["role"], "content": message["content"]})
    return messages


def _references(file: str, number: int, found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(text, str) and text.strip() for text in found):
        raise DataError(file, "is no list of texts", line=number, field="references", remedy='write ["…", "…"]')
    return found
