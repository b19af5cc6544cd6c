"""Messages accepted before they are answered: the inbox keeps their body until then."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("body", sa.Text, nullable=False, server_default=""))
    pending = sa.text("reply = ''")
    op.create_index("inbox_pending", "inbox", ["at"], sqlite_where=pending, postgresql_where=pending)


def downgrade() -> None:
    """Older programs know no message without a reply: those are let go, and their senders try again."""
    op.execute("DELETE FROM inbox WHERE reply = ''")
    op.drop_index("inbox_pending", "inbox")
    op.drop_column("inbox", "body")
