"""The bot's own tables. JSON is kept as ASCII text, so that any character a shopper sends survives any database."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, text

from knowledge import json_text

VERSION_TABLE = "bot_alembic_version"

metadata = MetaData()

conversations = Table(
    "conversations", metadata,
    Column("id", String(255), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("mode_since", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Column("snapshot", Text, nullable=False),
    Index("conversations_by_mode", "mode", "mode_since"),
)

events = Table(
    "conversation_events", metadata,
    Column("conversation_id", String(255), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float(53), nullable=False),
    Column("body", Text, nullable=False),
)

inbox = Table(
    "inbox", metadata,
    Column("channel", String(64), primary_key=True),
    Column("message_id", String(512), primary_key=True),
    Column("conversation_id", String(255), nullable=False),
    Column("reply", Text, nullable=False),               # "": accepted, not answered yet
    Column("body", Text, nullable=False, server_default=""),  # the message itself, until it is answered
    Column("at", Float(53), nullable=False, index=True),
    Index("inbox_pending", "at", sqlite_where=text("reply = ''"), postgresql_where=text("reply = ''")),
)

api_keys = Table(
    "api_keys", metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("revoked_at", Float(53)),
)

webhook_outbox = Table(
    "webhook_outbox", metadata,
    Column("id", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Float(53), nullable=False, index=True),
    Column("state", String(16), nullable=False),         # waiting | delivered | given_up
    Column("last_error", Text, nullable=False),
)

cases = Table(
    "cases", metadata,
    Column("number", String(16), primary_key=True),
    Column("conversation_id", String(255), nullable=False),
    Column("customer_id", String(255), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("facts", Text, nullable=False),
    Column("remedy", String(255), nullable=False),
    Column("order_number", String(255), nullable=False),
    Column("opened_at", Float(53), nullable=False),
    Column("due_at", Float(53), nullable=False),
    Column("status", String(32), nullable=False),
)

webhook_cursors = Table(
    "webhook_cursors", metadata,
    Column("feed", String(64), primary_key=True),
    Column("position", Float(53), nullable=False),       # up to where the feed was announced
)


def dump(value: Any) -> str:
    text = json_text.dump(value)
    return text if text.isascii() else json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def load(text: str) -> Any:
    return json_text.load(text)
