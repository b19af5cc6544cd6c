"""Confirmed operations and what came of them, order events to be sent, and the audit of foreign access."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.String(512)


def upgrade() -> None:
    op.create_table(
        "order_ledger",
        sa.Column("operation_id", sa.String(64), primary_key=True),
        sa.Column("proposal_digest", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("states", sa.Text, nullable=False),
    )
    op.create_index("order_ledger_by_proposal", "order_ledger", ["proposal_digest"])
    op.create_index("order_ledger_by_state", "order_ledger", ["state", "customer_id"])
    op.create_table(
        "order_events",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("operation_id", sa.String(64), nullable=False, unique=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "order_audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("subject", ID, nullable=False),
    )


def downgrade() -> None:
    for table in ("order_audit", "order_events", "order_ledger"):
        op.drop_table(table)
